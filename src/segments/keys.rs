//! The keys of a log, by number and by name.
//!
//! The hash depends on a secret, so that nobody outside can choose keys that all collide. Numbers of keys that are
//! gone are given out anew, so that they stay small.

use hashbrown::HashTable;

/// A key as it lies here: its UTF-16 units, a byte for each where all are ASCII.
#[derive(Clone, Debug)]
enum Text {
    Narrow(Box<[u8]>),
    Wide(Box<[u16]>),
}

#[derive(Clone, Debug)]
struct Named {
    hash: u32,
    /// Absent while the number is free.
    text: Option<Text>,
}

/// See the top of this file.
#[derive(Clone, Debug)]
pub struct Keys {
    start: u64,
    factor: u64,
    ids: HashTable<u32>,
    named: Vec<Named>,
    free: Vec<u32>,
}

impl Keys {
    /// No keys yet. Nobody outside knows `secret`.
    pub fn new(secret: [u32; 2]) -> Self {
        let [low, high] = secret.map(u64::from);
        let secret = high << 32 | low;
        Self {
            start: secret.rotate_left(17),
            // Odd, so that multiplying loses nothing.
            factor: secret | 1,
            ids: HashTable::new(),
            named: Vec::new(),
            free: Vec::new(),
        }
    }

    /// The number of a key that is known.
    pub fn find(&self, units: &[u16]) -> Option<u32> {
        self.number(self.hash(units.iter().copied()), |text| text.is(units))
    }

    /// The number of a key, which is known from now on.
    pub fn intern(&mut self, units: &[u16]) -> u32 {
        let hash = self.hash(units.iter().copied());
        self.number(hash, |text| text.is(units)).unwrap_or_else(|| self.name(hash, Text::new(units)))
    }

    /// The same of a key that is ASCII, a byte for each unit.
    pub fn intern_ascii(&mut self, key: &[u8]) -> u32 {
        let hash = self.hash(key.iter().map(|&byte| u16::from(byte)));
        let is_it = |text: &Text| matches!(text, Text::Narrow(bytes) if **bytes == *key);
        self.number(hash, is_it).unwrap_or_else(|| self.name(hash, Text::Narrow(key.into())))
    }

    /// Gives a number to a key that has none.
    fn name(&mut self, hash: u32, text: Text) -> u32 {
        let named = Named { hash, text: Some(text) };
        let id = self.free.pop().unwrap_or(self.named.len() as u32);
        match self.named.get_mut(id as usize) {
            Some(place) => *place = named,
            None => self.named.push(named),
        }
        let names = &self.named;
        self.ids
            .insert_unique(u64::from(hash), id, |&id| names.get(id as usize).map_or(0, |named| u64::from(named.hash)));
        id
    }

    /// Forgets a key; its number is free.
    pub fn release(&mut self, id: u32) {
        let Some(named) = self.named.get_mut(id as usize) else { return };
        if named.text.take().is_none() {
            return;
        }
        if let Ok(entry) = self.ids.find_entry(u64::from(named.hash), |&other| other == id) {
            entry.remove();
        }
        self.free.push(id);
    }

    /// Appends the units of a key to `units`. False when nobody has the number.
    pub fn spell(&self, id: u32, units: &mut Vec<u16>) -> bool {
        match self.named.get(id as usize).and_then(|named| named.text.as_ref()) {
            Some(Text::Narrow(bytes)) => units.extend(bytes.iter().map(|&byte| u16::from(byte))),
            Some(Text::Wide(wide)) => units.extend_from_slice(wide),
            None => return false,
        }
        true
    }

    /// Above all numbers that were ever given out.
    pub fn end(&self) -> u32 {
        self.named.len() as u32
    }

    /// Forgets all keys.
    pub fn clear(&mut self) {
        self.ids = HashTable::new();
        self.named = Vec::new();
        self.free = Vec::new();
    }

    fn number(&self, hash: u32, is_it: impl Fn(&Text) -> bool) -> Option<u32> {
        let is_named = |id: u32| {
            let named = self.named.get(id as usize);
            named.is_some_and(|named| named.hash == hash && named.text.as_ref().is_some_and(&is_it))
        };
        self.ids.find(u64::from(hash), |&id| is_named(id)).copied()
    }

    fn hash(&self, units: impl ExactSizeIterator<Item = u16>) -> u32 {
        let start = self.start ^ units.len() as u64;
        let hash = units.fold(start, |hash, unit| (hash.rotate_left(21) ^ u64::from(unit)).wrapping_mul(self.factor));
        ((hash ^ hash >> 29).wrapping_mul(self.factor.rotate_left(32) | 1) >> 32) as u32
    }
}

impl Text {
    fn new(units: &[u16]) -> Self {
        if units.iter().all(|&unit| unit < 0x80) {
            Self::Narrow(units.iter().map(|&unit| unit as u8).collect())
        } else {
            Self::Wide(units.into())
        }
    }

    fn is(&self, units: &[u16]) -> bool {
        match self {
            Self::Narrow(bytes) => {
                bytes.len() == units.len() && bytes.iter().zip(units).all(|(&byte, &unit)| u16::from(byte) == unit)
            }
            Self::Wide(wide) => **wide == *units,
        }
    }
}

/// Keys one behind the other, each after its length in two units. Total: what makes no sense is cut short.
#[derive(Clone, Copy, Debug)]
pub struct Packed<'a>(pub &'a [u16]);

impl<'a> Iterator for Packed<'a> {
    type Item = &'a [u16];

    fn next(&mut self) -> Option<Self::Item> {
        let (&[low, high], rest) = self.0.split_first_chunk()?;
        let length = (u32::from(high) << 16 | u32::from(low)) as usize;
        let (units, rest) = rest.split_at(length.min(rest.len()));
        self.0 = rest;
        Some(units)
    }
}

impl Packed<'_> {
    /// Appends a key that `spell` spells.
    pub fn push(packed: &mut Vec<u16>, spell: impl FnOnce(&mut Vec<u16>)) {
        let head = packed.len();
        packed.extend([0, 0]);
        spell(packed);
        let length = packed.len() - head - 2;
        if let Some(cells) = packed.get_mut(head..head + 2) {
            cells.copy_from_slice(&[length as u16, (length >> 16) as u16]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Keys, Packed};
    use proptest::prelude::{Strategy, prop_oneof, proptest};
    use std::collections::HashMap;

    fn text() -> impl Strategy<Value = Vec<u16>> {
        let unit = prop_oneof![4 => 0x61..0x63u16, 1 => 0x7f..0x81u16, 1 => 0xd800..0xd802u16];
        proptest::collection::vec(unit, 0..5)
    }

    proptest! {
        #[test]
        fn equals_a_naive_map(ops in proptest::collection::vec((0..5u8, text()), 0..200), secret: [u32; 2]) {
            let mut keys = Keys::new(secret);
            let mut model: HashMap<Vec<u16>, u32> = HashMap::new();
            for (kind, units) in ops {
                match kind {
                    0 | 1 => {
                        let ascii = units.iter().map(|&unit| u8::try_from(unit).ok().filter(u8::is_ascii));
                        let id = match ascii.collect::<Option<Vec<u8>>>() {
                            Some(key) if kind == 0 => keys.intern_ascii(&key),
                            _ => keys.intern(&units),
                        };
                        assert_eq!(*model.entry(units).or_insert(id), id);
                    }
                    2 => if let Some(id) = model.remove(&units) {
                        keys.release(id);
                        keys.release(id);
                        assert!(!keys.spell(id, &mut Vec::new()));
                    }
                    3 => assert_eq!(keys.find(&units), model.get(&units).copied()),
                    _ if units.len() == 4 => {
                        keys.clear();
                        model.clear();
                    }
                    _ => {}
                }
                for (units, &id) in &model {
                    let mut spelled = Vec::new();
                    assert!(keys.spell(id, &mut spelled) && id < keys.end());
                    assert_eq!(&spelled, units);
                    assert_eq!(keys.find(units), Some(id));
                }
            }
        }

        #[test]
        fn any_units_are_keys(texts in proptest::collection::vec(text(), 0..8), noise in proptest::collection::vec(0..4u16, 0..20)) {
            let mut packed = Vec::new();
            for units in &texts {
                Packed::push(&mut packed, |to| to.extend(units));
            }
            assert!(Packed(&packed).eq(texts.iter().map(Vec::as_slice)));
            assert!(Packed(&noise).map(<[u16]>::len).sum::<usize>() <= noise.len());
        }
    }

    #[test]
    fn numbers_are_given_out_anew() {
        let mut keys = Keys::new([1, 2]);
        for round in 0..1000u16 {
            let id = keys.intern(&[round]);
            assert!(id < 2);
            if round > 0 {
                let before = keys.find(&[round - 1]).expect("it is known");
                keys.release(before);
            }
        }
    }
}
