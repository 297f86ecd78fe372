//! Exact least-recently-used (Mattson, Gecsei, Slutz and Traiger, 1970): one list by recency.

use crate::slab::Links;

const RECENCY: u32 = 0;

/// Slots by recency of use; the least recent leaves first.
#[derive(Clone, Debug)]
pub(in crate::cache) struct Lru {
    links: Links,
    len: usize,
}

impl Default for Lru {
    fn default() -> Self {
        Self { links: Links::new(1), len: 0 }
    }
}

impl Lru {
    /// Makes `slot` the most recent, whether it was there or not.
    pub(super) fn insert(&mut self, slot: u32) {
        if self.links.is_linked(slot) {
            self.links.move_to_front(RECENCY, slot);
        } else {
            self.links.push_front(RECENCY, slot);
            self.len += 1;
        }
    }

    /// Makes `slot` the most recent, if it is there.
    pub(super) fn touch(&mut self, slot: u32) {
        if self.links.is_linked(slot) {
            self.links.move_to_front(RECENCY, slot);
        }
    }

    /// Takes `slot` out.
    pub(super) fn remove(&mut self, slot: u32) {
        self.len -= usize::from(self.links.unlink(slot));
    }

    /// Whether `slot` is there.
    pub(super) fn contains(&self, slot: u32) -> bool {
        self.links.is_linked(slot)
    }

    /// All slots in the order in which they leave.
    pub(super) fn victims(&self) -> impl Iterator<Item = u32> + '_ {
        self.links.iter_back(RECENCY)
    }

    /// How many slots there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }
}
