//! Keys that left, by hash, the oldest forgotten first.

use hashbrown::HashTable;
use std::collections::VecDeque;

/// A queue of hashes in which each is at most once.
#[derive(Clone, Debug, Default)]
pub(super) struct GhostQueue {
    /// Hashes with the turn in which they came, and some that have been removed since.
    queue: VecDeque<Ghost>,
    known: HashTable<Ghost>,
    turn: u32,
    capacity: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ghost {
    hash: u32,
    turn: u32,
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
        self.turn = self.turn.wrapping_add(1);
        let ghost = Ghost { hash, turn: self.turn };
        self.queue.push_back(ghost);
        self.known.insert_unique(spread(hash), ghost, |ghost| spread(ghost.hash));
        self.forget();
    }

    /// Forgets `hash`. Whether it was remembered.
    pub(super) fn remove(&mut self, hash: u32) -> bool {
        self.known.find_entry(spread(hash), |ghost| ghost.hash == hash).is_ok_and(|entry| {
            entry.remove();
            true
        })
    }

    fn forget(&mut self) {
        // Those removed meanwhile stay in the queue until they are its front, or until they are as many as the others may be.
        while self.known.len() > self.capacity || self.queue.len() > self.capacity * 2 {
            let Some(oldest) = self.queue.pop_front() else { return };
            if let Ok(entry) = self.known.find_entry(spread(oldest.hash), |ghost| *ghost == oldest) {
                entry.remove();
            }
        }
    }

    /// Recounts everything. For tests.
    pub(super) fn validate(&self) {
        assert!(self.known.len() <= self.capacity, "more are remembered than there is room for");
        assert!(self.known.iter().all(|ghost| self.queue.contains(ghost)), "somebody would never be forgotten");
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
                    // A removed ghost may still take a place of the doubled queue, so the model forgets no earlier than that.
                    if model.len() > capacity {
                        model.pop_front();
                    }
                } else if ghosts.remove(hash) {
                    assert!(known, "{hash} came back from nowhere");
                }
                ghosts.validate();
            }
        }
    }

    #[test]
    fn forgets_the_oldest_first() {
        let mut ghosts = GhostQueue::default();
        ghosts.set_capacity(2);
        [1, 2, 3].map(|hash| ghosts.insert(hash));
        assert_eq!([1, 2, 3].map(|hash| ghosts.remove(hash)), [false, true, true]);
    }
}
