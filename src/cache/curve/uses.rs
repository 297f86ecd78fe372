//! How much was used since: the stack distance of a key, counted in a tree.

use super::MOST_KEYS;
use super::key::Key;

/// The last use of each key, in order: a Fenwick tree of entries and sizes.
#[derive(Clone, Debug)]
pub(super) struct Uses {
    tree: Vec<(u32, u64)>,
    pub(super) next: u32,
    pub(super) entries: u32,
    pub(super) size: u64,
}

impl Uses {
    pub(super) fn new() -> Self {
        Self { tree: vec![(0, 0); MOST_KEYS * 2 + 2], next: 0, entries: 0, size: 0 }
    }

    pub(super) fn is_full(&self) -> bool {
        self.next as usize + 2 >= self.tree.len()
    }

    pub(super) fn add(&mut self, key: &mut Key) {
        key.used_at = self.next;
        self.next += 1;
        self.entries += 1;
        self.size += u64::from(key.size);
        self.change(key, |(entries, size), more| (entries.wrapping_add(1), size.wrapping_add(more)));
    }

    pub(super) fn remove(&mut self, key: &Key) {
        self.entries -= 1;
        self.size -= u64::from(key.size);
        self.change(key, |(entries, size), less| (entries.wrapping_sub(1), size.wrapping_sub(less)));
    }

    /// How many keys were used after `used_at`, and what they weigh.
    pub(super) fn since(&self, used_at: u32) -> (u32, u64) {
        let mut until = (0u32, 0u64);
        let mut at = used_at as usize + 1;
        while at > 0 {
            until = (until.0 + self.tree[at].0, until.1 + self.tree[at].1);
            at &= at - 1;
        }
        (self.entries - until.0, self.size - until.1)
    }

    fn change(&mut self, key: &Key, by: impl Fn((u32, u64), u64) -> (u32, u64)) {
        let mut at = key.used_at as usize + 1;
        while at < self.tree.len() {
            self.tree[at] = by(self.tree[at], u64::from(key.size));
            at += at & at.wrapping_neg();
        }
    }
}
