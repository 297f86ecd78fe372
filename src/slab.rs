//! An arena that hands slots out, and the only places that link slots: lists of them.

mod links;
mod rings;

pub use links::{Links, MOST_LINKED};
pub use rings::{Ring, Rings};

/// A name for a thing in a [`Slab`]: its slot and the slot's generation, so that a token kept too long names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    slot: u32,
    generation: u32,
}

impl Token {
    /// The slot, for use with [`Links`] and with columns indexed by slot.
    pub const fn slot(self) -> u32 {
        self.slot
    }

    /// The token as one number below 2^53, which crosses the border to JavaScript exactly.
    pub const fn to_number(self) -> u64 {
        ((self.generation as u64 & 0x1f_ffff) << 32) | self.slot as u64
    }

    /// The token that `number` was made from.
    pub const fn from_number(number: u64) -> Self {
        Self { slot: number as u32, generation: (number >> 32) as u32 & 0x1f_ffff }
    }
}

/// An arena with tokens. Freed slots are used again, under a new generation.
#[derive(Clone, Debug)]
pub struct Slab<T> {
    cells: Vec<Cell<T>>,
    free: Vec<u32>,
}

#[derive(Clone, Debug)]
struct Cell<T> {
    generation: u32,
    value: Option<T>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { cells: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    /// Stores `value` and names it.
    pub fn insert(&mut self, value: T) -> Token {
        if let Some(slot) = self.free.pop() {
            let cell = &mut self.cells[slot as usize];
            cell.value = Some(value);
            return Token { slot, generation: cell.generation };
        }
        let slot = self.cells.len() as u32;
        self.cells.push(Cell { generation: 0, value: Some(value) });
        Token { slot, generation: 0 }
    }

    /// What `token` names, unless it is gone.
    pub fn get(&self, token: Token) -> Option<&T> {
        self.cells.get(token.slot as usize).filter(|cell| cell.generation == token.generation)?.value.as_ref()
    }

    /// What `token` names, to change it.
    pub fn get_mut(&mut self, token: Token) -> Option<&mut T> {
        self.cells.get_mut(token.slot as usize).filter(|cell| cell.generation == token.generation)?.value.as_mut()
    }

    /// Takes out what `token` names; the token names nothing from now on.
    pub fn remove(&mut self, token: Token) -> Option<T> {
        let cell = self.cells.get_mut(token.slot as usize).filter(|cell| cell.generation == token.generation)?;
        let value = cell.value.take()?;
        cell.generation = (cell.generation + 1) & 0x1f_ffff;
        self.free.push(token.slot);
        Some(value)
    }

    /// The token of whatever lives in `slot` now.
    pub fn token_at(&self, slot: u32) -> Option<Token> {
        let cell = self.cells.get(slot as usize)?;
        cell.value.as_ref().map(|_| Token { slot, generation: cell.generation })
    }

    /// How many things are stored.
    pub fn len(&self) -> usize {
        self.cells.len() - self.free.len()
    }

    /// Whether nothing is stored.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Everything stored with its token, by slot.
    pub fn iter(&self) -> impl Iterator<Item = (Token, &T)> {
        self.cells.iter().enumerate().filter_map(|(slot, cell)| {
            let token = Token { slot: slot as u32, generation: cell.generation };
            cell.value.as_ref().map(|value| (token, value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Slab, Token};
    use proptest::prelude::{any, proptest};

    proptest! {
        #[test]
        fn a_token_survives_the_border(slot in any::<u32>(), generation in 0..0x20_0000u32) {
            let token = Token { slot, generation };
            assert_eq!(Token::from_number(token.to_number()), token);
        }
    }

    #[test]
    fn a_stale_token_names_nothing() {
        let mut slab = Slab::default();
        let old = slab.insert("a");
        assert_eq!(slab.remove(old), Some("a"));
        let new = slab.insert("b");
        assert_eq!((slab.get(old), slab.get(new)), (None, Some(&"b")));
        assert_eq!(new.slot(), old.slot());
    }
}
