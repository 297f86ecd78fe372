//! S3-FIFO (Yang, Zhang, Qiu, Yue and Vinayak, "FIFO queues are all you need for cache eviction", SOSP 2023).
//!
//! Newcomers wait in a small queue, a tenth of the room; who is used more than once there moves on to the main queue, the
//! others leave and are remembered by hash. Who comes back while remembered goes to the main queue at once. Its end is
//! given as many further rounds as it was used since, at most three.

use super::ghost_queue::GhostQueue;
use crate::slab::Links;

const SMALL: u32 = 0;
const MAIN: u32 = 1;
const CONDEMNED: u32 = 2;
const SMALL_SHARE: usize = 10;
const MOST_USES: u8 = 3;
/// Used more often than this, a newcomer moves to the main queue.
const ENOUGH_USES: u8 = 1;

/// Condemned ahead: one for so many entries, but no more than so many. The first few come sooner, for asking costs more than they do.
const ENTRIES_PER_CONDEMNED: u32 = 512;
const MOST_CONDEMNED: u32 = 64;
const ENTRIES_PER_FIRST_CONDEMNED: u32 = 128;
const FIRST_CONDEMNED: u32 = 4;

/// Slots in two queues.
#[derive(Clone, Debug)]
pub(in crate::cache) struct S3Fifo {
    links: Links,
    slots: Vec<Slot>,
    lengths: [usize; 3],
    ghosts: GhostQueue,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    hash: u32,
    uses: u8,
    /// The queue it is in, or was in when it was condemned.
    queue: u8,
    condemned: bool,
}

impl Default for S3Fifo {
    fn default() -> Self {
        Self { links: Links::new(3), slots: Vec::new(), lengths: [0; 3], ghosts: GhostQueue::default() }
    }
}

impl S3Fifo {
    pub(super) fn insert(&mut self, slot: u32, hash: u32) {
        self.remove(slot);
        let queue = if self.ghosts.remove(hash) { MAIN } else { SMALL };
        if self.slots.len() <= slot as usize {
            self.slots.resize(slot as usize + 1, Slot::default());
        }
        self.slots[slot as usize] = Slot { hash, uses: 0, queue: queue as u8, condemned: false };
        self.links.push_front(queue, slot);
        self.lengths[queue as usize] += 1;
    }

    /// Counts the use. A condemned entry goes back to the end it came from, to be judged once more.
    pub(super) fn touch(&mut self, slot: u32) {
        if !self.contains(slot) {
            return;
        }
        let entry = &mut self.slots[slot as usize];
        entry.uses = (entry.uses + 1).min(MOST_USES);
        if entry.condemned {
            entry.condemned = false;
            let queue = u32::from(entry.queue);
            self.links.unlink(slot);
            self.links.push_back(queue, slot);
            self.lengths[CONDEMNED as usize] -= 1;
            self.lengths[queue as usize] += 1;
        }
    }

    /// The entry in `slot` has left. Who was condemned in the small queue is remembered.
    pub(super) fn remove(&mut self, slot: u32) {
        if !self.links.unlink(slot) {
            return;
        }
        let Slot { hash, queue, condemned, .. } = self.slots[slot as usize];
        self.lengths[if condemned { CONDEMNED } else { u32::from(queue) } as usize] -= 1;
        if condemned && u32::from(queue) == SMALL {
            self.ghosts.insert(hash);
        }
    }

    fn contains(&self, slot: u32) -> bool {
        self.links.is_linked(slot)
    }

    pub(super) fn len(&self) -> usize {
        self.lengths.iter().sum()
    }

    /// Condemns a few, so that there is one if there is anybody, and at most `most`.
    pub(super) fn condemn(&mut self, most: u32) {
        let capacity = self.len();
        let entries = capacity as u32;
        let first = (entries / ENTRIES_PER_FIRST_CONDEMNED).clamp(1, FIRST_CONDEMNED);
        let most = most.min((entries / ENTRIES_PER_CONDEMNED).clamp(first, MOST_CONDEMNED));
        let small = (capacity * SMALL_SHARE / 100).max(1);
        self.ghosts.set_capacity(capacity - small.min(capacity));
        while self.lengths[CONDEMNED as usize] < most as usize && self.condemn_one(small) {}
    }

    pub(super) fn condemned(&self) -> impl Iterator<Item = u32> + '_ {
        self.links.iter_back(CONDEMNED)
    }

    /// How often the entry in `slot` was used since the policy looked at it last; one in the main queue has proved itself more.
    pub(super) fn frequency(&self, slot: u32) -> u32 {
        let Slot { uses, queue, .. } = self.slots[slot as usize];
        u32::from(uses) + if u32::from(queue) == MAIN { u32::from(MOST_USES) + 1 } else { 0 }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0..3).flat_map(|list| self.links.iter_back(list))
    }

    fn condemn_one(&mut self, small: usize) -> bool {
        // The condemned leave before the next newcomers come, which enter the small queue.
        let crowded = self.lengths[SMALL as usize] + self.lengths[CONDEMNED as usize] >= small;
        loop {
            let from_small = if crowded { self.links.back(SMALL) } else { None };
            let Some(slot) = from_small.or_else(|| self.links.back(MAIN)).or_else(|| self.links.back(SMALL)) else {
                return false;
            };
            let entry = &mut self.slots[slot as usize];
            let queue = u32::from(entry.queue);
            let to = match queue {
                SMALL if entry.uses > ENOUGH_USES => {
                    entry.uses = 0;
                    MAIN
                }
                MAIN if entry.uses > 0 => {
                    entry.uses -= 1;
                    MAIN
                }
                _ => CONDEMNED,
            };
            entry.condemned = to == CONDEMNED;
            if to == MAIN {
                entry.queue = MAIN as u8;
            }
            self.links.unlink(slot);
            self.links.push_front(to, slot);
            self.lengths[queue as usize] -= 1;
            self.lengths[to as usize] += 1;
            if to == CONDEMNED {
                return true;
            }
        }
    }

    /// Recounts everything. For tests.
    pub(super) fn validate(&self) {
        self.ghosts.validate();
        for list in 0..3 {
            let listed: Vec<u32> = self.links.iter_back(list).collect();
            assert_eq!(listed.len(), self.lengths[list as usize], "list {list} is counted wrongly");
            for slot in listed {
                let Slot { queue, condemned, .. } = self.slots[slot as usize];
                assert_eq!(list, if condemned { CONDEMNED } else { u32::from(queue) }, "a slot is not where it says");
            }
        }
    }
}
