//! Keys that left, by hash, the oldest forgotten first.

use crate::slab::Links;
use hashbrown::HashTable;

const AGE: u32 = 0;

/// A queue of hashes in which each is at most once.
#[derive(Clone, Debug)]
pub(super) struct GhostQueue {
    links: Links,
    hashes: Vec<u32>,
    /// Places in `hashes` that are in the queue, and those that are not.
    known: HashTable<u32>,
    free: Vec<u32>,
    capacity: usize,
}

impl Default for GhostQueue {
    fn default() -> Self {
        Self { links: Links::new(1), hashes: Vec::new(), known: HashTable::new(), free: Vec::new(), capacity: 0 }
    }
}

impl GhostQueue {
    /// From now on at most `capacity` are remembered.
    pub(super) fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity;
        self.forget();
    }

    /// Remembers `hash` as the latest.
    pub(super) fn insert(&mut self, hash: u32) {
        self.remove(hash);
        let place = self.free.pop().unwrap_or(self.hashes.len() as u32);
        if self.hashes.len() == place as usize {
            self.hashes.push(hash);
        }
        self.hashes[place as usize] = hash;
        self.links.push_front(AGE, place);
        let Self { hashes, known, .. } = self;
        known.insert_unique(spread(hash), place, |&place| spread(hashes[place as usize]));
        self.forget();
    }

    /// Forgets `hash`. Whether it was remembered.
    pub(super) fn remove(&mut self, hash: u32) -> bool {
        let Self { hashes, known, .. } = self;
        let Ok(entry) = known.find_entry(spread(hash), |&place| hashes[place as usize] == hash) else { return false };
        let (place, _) = entry.remove();
        self.links.unlink(place);
        self.free.push(place);
        true
    }

    fn forget(&mut self) {
        while self.known.len() > self.capacity
            && let Some(oldest) = self.links.back(AGE)
        {
            self.remove(self.hashes[oldest as usize]);
        }
    }

    /// Recounts everything. For tests.
    pub(super) fn validate(&self) {
        assert!(self.known.len() <= self.capacity, "more are remembered than there is room for");
        assert_eq!(self.links.iter_back(AGE).count(), self.known.len(), "the queue differs from what is known");
        assert_eq!(self.known.len() + self.free.len(), self.hashes.len(), "a place is lost");
    }
}

fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
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
