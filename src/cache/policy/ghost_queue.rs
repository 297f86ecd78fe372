//! Keys that left, by hash, the oldest forgotten first.

use crate::cache::numbers::Numbers;
use crate::slab::Links;

const AGE: u32 = 0;

/// A queue of hashes in which each is at most once.
#[derive(Clone, Debug)]
pub(super) struct GhostQueue {
    numbers: Numbers,
    /// Their numbers.
    links: Links,
    capacity: usize,
}

impl Default for GhostQueue {
    fn default() -> Self {
        Self { numbers: Numbers::default(), links: Links::new(1), capacity: 0 }
    }
}

impl GhostQueue {
    /// From now on at most `capacity` are remembered.
    pub(super) fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity;
        self.forget_oldest();
    }

    /// Remembers `hash` as the latest.
    pub(super) fn insert(&mut self, hash: u32) {
        self.remove(hash);
        self.links.push_front(AGE, self.numbers.insert(hash));
        self.forget_oldest();
    }

    /// Forgets `hash`. Whether it was remembered.
    pub(super) fn remove(&mut self, hash: u32) -> bool {
        let Some(number) = self.numbers.find(hash) else { return false };
        self.forget(number);
        true
    }

    fn forget_oldest(&mut self) {
        while self.numbers.len() > self.capacity
            && let Some(oldest) = self.links.back(AGE)
        {
            self.forget(oldest);
        }
    }

    fn forget(&mut self, number: u32) {
        self.links.unlink(number);
        self.numbers.remove(number);
    }

    /// Recounts everything. For tests.
    pub(super) fn validate(&self) {
        self.numbers.validate();
        assert!(self.numbers.len() <= self.capacity, "more are remembered than there is room for");
        assert_eq!(self.links.iter_back(AGE).count(), self.numbers.len(), "the queue differs from what is known");
    }
}

#[cfg(test)]
mod tests {
    use super::GhostQueue;
    use proptest::prelude::{any, proptest};
    use std::collections::VecDeque;

    proptest! {
        #[test]
        fn remembers_the_latest(ops in proptest::collection::vec((0..12u32, any::<bool>()), 0..200), capacity in 0..8usize) {
            let mut ghosts = GhostQueue::default();
            let mut model = VecDeque::new();
            ghosts.set_capacity(capacity);
            for (hash, insert) in ops {
                let known = model.contains(&hash);
                model.retain(|&other| other != hash);
                if insert {
                    ghosts.insert(hash);
                    model.push_back(hash);
                    if model.len() > capacity {
                        model.pop_front();
                    }
                } else {
                    assert_eq!(ghosts.remove(hash), known);
                }
                ghosts.validate();
            }
        }
    }

    #[test]
    fn forgets_the_oldest_first() {
        let mut ghosts = GhostQueue::default();
        ghosts.set_capacity(2);
        (1..=3).for_each(|hash| ghosts.insert(hash));
        assert_eq!([1, 2, 3].map(|hash| ghosts.remove(hash)), [false, true, true]);
    }
}
