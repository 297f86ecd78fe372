//! Small numbers in place of hashes, so that what is known of a key can stand in columns. A hash table with chains: one is enough for all
//! that counts keys here, and it is a fifth of the code of one that holds the things themselves.

const NOTHING: u32 = u32::MAX;
const FIRST_BITS: u32 = 3;

/// A number for each of many hashes. The numbers of those that are gone are given again.
#[derive(Clone, Debug)]
pub(super) struct Numbers {
    /// By number.
    hashes: Vec<u32>,
    /// By number, the next one in its chain; of one that is free, the next free one.
    next: Vec<u32>,
    /// The first number of each chain, of which there are two to the power of `bits`.
    chains: Vec<u32>,
    bits: u32,
    free: u32,
    len: usize,
}

impl Default for Numbers {
    fn default() -> Self {
        Self {
            hashes: Vec::new(),
            next: Vec::new(),
            chains: vec![NOTHING; 1 << FIRST_BITS],
            bits: FIRST_BITS,
            free: NOTHING,
            len: 0,
        }
    }
}

impl Numbers {
    /// The number of `hash`, if it has one.
    pub(super) fn find(&self, hash: u32) -> Option<u32> {
        let mut number = self.chains[self.chain_of(hash)];
        while number != NOTHING && self.hashes[number as usize] != hash {
            number = self.next[number as usize];
        }
        (number != NOTHING).then_some(number)
    }

    /// A number for `hash`, which has none: the one that became free last, or one more.
    pub(super) fn insert(&mut self, hash: u32) -> u32 {
        let number = match self.free {
            NOTHING => self.one_more(),
            free => {
                self.free = self.next[free as usize];
                free
            }
        };
        self.hashes[number as usize] = hash;
        self.chain(number);
        self.len += 1;
        number
    }

    /// The hash of `number` is gone.
    pub(super) fn remove(&mut self, number: u32) {
        let chain = self.chain_of(self.hashes[number as usize]);
        let behind = self.next[number as usize];
        if self.chains[chain] == number {
            self.chains[chain] = behind;
        } else {
            let mut before = self.chains[chain];
            while self.next[before as usize] != number {
                before = self.next[before as usize];
            }
            self.next[before as usize] = behind;
        }
        self.next[number as usize] = self.free;
        self.free = number;
        self.len -= 1;
    }

    /// How many hashes have a number.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// By number; what stands at a free one means nothing.
    pub(super) fn hashes(&self) -> &[u32] {
        &self.hashes
    }

    fn chain_of(&self, hash: u32) -> usize {
        (hash.wrapping_mul(0x9e37_79b1) >> (u32::BITS - self.bits)) as usize
    }

    fn chain(&mut self, number: u32) {
        let chain = self.chain_of(self.hashes[number as usize]);
        self.next[number as usize] = std::mem::replace(&mut self.chains[chain], number);
    }

    fn one_more(&mut self) -> u32 {
        if self.hashes.len() == self.chains.len() {
            self.grow();
        }
        self.hashes.push(0);
        self.next.push(NOTHING);
        self.hashes.len() as u32 - 1
    }

    /// Twice as many chains. None of the numbers is free.
    fn grow(&mut self) {
        self.bits += 1;
        self.chains = vec![NOTHING; 1 << self.bits];
        for number in 0..self.hashes.len() as u32 {
            self.chain(number);
        }
    }

    /// Recounts everything. For tests.
    pub(super) fn validate(&self) {
        let known = self.chains.iter().flat_map(|&first| self.from(first)).count();
        assert_eq!(known, self.len, "the count differs from the chains");
        assert_eq!(known + self.from(self.free).count(), self.hashes.len(), "a number is lost");
    }

    /// `first` and those behind it.
    fn from(&self, first: u32) -> impl Iterator<Item = u32> + '_ {
        let some = |number: u32| (number != NOTHING).then_some(number);
        std::iter::successors(some(first), move |&number| some(self.next[number as usize]))
    }
}

#[cfg(test)]
mod tests {
    use super::Numbers;
    use proptest::prelude::{any, proptest};
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn numbers_equal_a_map(ops in proptest::collection::vec((0..40u32, any::<bool>()), 0..300)) {
            let mut numbers = Numbers::default();
            let mut model = BTreeMap::new();
            for (hash, inserts) in ops {
                assert_eq!(numbers.find(hash), model.get(&hash).copied());
                match numbers.find(hash) {
                    Some(number) if !inserts => {
                        numbers.remove(number);
                        model.remove(&hash);
                    }
                    None if inserts => {
                        let number = numbers.insert(hash);
                        assert!(model.values().all(|&other| other != number), "a number is given twice");
                        model.insert(hash, number);
                    }
                    _ => {}
                }
                assert_eq!(numbers.len(), model.len());
                assert!(model.iter().all(|(&hash, &number)| numbers.hashes()[number as usize] == hash));
                numbers.validate();
            }
            assert!(numbers.hashes().len() <= 40, "numbers of those that are gone are given again");
        }
    }
}
