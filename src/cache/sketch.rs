//! How often keys were asked for of late: a count-min sketch of 4-bit counters (Cormode and Muthukrishnan, 2005) that
//! forgets by halving (Einziger, Friedman and Manes, "TinyLFU", ACM Transactions on Storage, 2017).
//!
//! A key's four counters lie in one block of 64 bytes, so that counting costs one cache miss.

/// Accesses an entry, after which every counter is halved.
const ACCESSES_PER_ENTRY: u32 = 20;
const WORDS: usize = 8;
const LOW_THREE_BITS: u64 = 0x7777_7777_7777_7777;
const COUNTER_MAX: u64 = 15;

/// Estimated frequencies of hashed keys, 0 to 15.
#[derive(Clone, Debug)]
pub(super) struct Sketch {
    blocks: Vec<[u64; WORDS]>,
    added: u32,
    period: u32,
}

impl Default for Sketch {
    fn default() -> Self {
        Self { blocks: vec![[0; WORDS]; 8], added: 0, period: 64 * ACCESSES_PER_ENTRY }
    }
}

impl Sketch {
    /// Makes room for the keys of a cache of `entries` entries. Never shrinks; estimates stay as they are.
    pub(super) fn make_room(&mut self, entries: u32) {
        while self.blocks.len() * WORDS < entries as usize {
            // The block of a key is chosen by the low bits of its hash: what was one block is two equal ones.
            self.blocks.extend_from_within(..);
            self.period = self.period.saturating_mul(2);
        }
    }

    /// Lets counters age at the pace of a cache that holds `entries` entries.
    pub(super) fn age_by(&mut self, entries: u32) {
        self.make_room(entries);
        self.period = entries.max(16).saturating_mul(ACCESSES_PER_ENTRY);
    }

    /// Counts `uses` accesses.
    pub(super) fn add(&mut self, hash: u32, uses: u32) {
        let (block, places) = self.places(hash);
        let block = &mut self.blocks[block];
        let mut added = 0;
        for (word, shift) in places {
            let word = &mut block[word & (WORDS - 1)];
            let more = u64::from(uses).min(COUNTER_MAX - ((*word >> shift) & COUNTER_MAX));
            *word += more << shift;
            added |= more;
        }
        if added > 0 {
            self.added += uses;
        }
        if self.added >= self.period {
            self.halve();
        }
    }

    /// How often the key of `hash` was counted of late; never less than it was.
    pub(super) fn frequency(&self, hash: u32) -> u32 {
        let (block, places) = self.places(hash);
        let block = &self.blocks[block];
        places.map(|(word, shift)| (block[word & (WORDS - 1)] >> shift) & COUNTER_MAX).into_iter().min().unwrap_or(0)
            as u32
    }

    fn halve(&mut self) {
        self.added /= 2;
        for word in self.blocks.as_flattened_mut() {
            *word = (*word >> 1) & LOW_THREE_BITS;
        }
    }

    /// The block, and in it four words, each with the shift of a counter.
    fn places(&self, hash: u32) -> (usize, [(usize, u32); 4]) {
        let spread = (u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32;
        let places = [0, 1, 2, 3].map(|row| {
            let bits = spread >> (row * 8);
            ((row * 2 + (bits & 1)) as usize, ((bits >> 1) & 15) * 4)
        });
        (hash as usize & (self.blocks.len() - 1), places)
    }
}

#[cfg(test)]
mod tests {
    use super::Sketch;
    use proptest::prelude::{any, proptest};

    proptest! {
        #[test]
        fn never_estimates_less_than_was_counted(hashes in proptest::collection::vec(any::<u32>(), 0..200), rooms in 0..5u32) {
            let mut sketch = Sketch::default();
            for (at, hash) in hashes.iter().enumerate() {
                sketch.add(*hash, 1);
                if at % 50 == 49 {
                    sketch.make_room(64 << rooms);
                }
            }
            for hash in &hashes {
                let counted = hashes.iter().filter(|other| *other == hash).count() as u32;
                assert!(sketch.frequency(*hash) >= counted.min(15));
            }
        }
    }

    #[test]
    fn forgets_by_halving() {
        let mut sketch = Sketch::default();
        sketch.age_by(16);
        sketch.add(7, 8);
        for other in 1000..1320 {
            sketch.add(other, 1);
        }
        assert!(sketch.frequency(7) < 8, "{}", sketch.frequency(7));
    }

    #[test]
    fn counts_no_further_than_fifteen() {
        let mut sketch = Sketch::default();
        for uses in 0..10 {
            sketch.add(3, uses);
        }
        assert_eq!(sketch.frequency(3), 15);
    }
}
