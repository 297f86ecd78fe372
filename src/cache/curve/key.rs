//! What is known of a key that is followed: its last use, and its copies in the larger caches.

use super::LARGER;
use super::event::FOR_EVER;

/// See the top of this file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) hash: u32,
    pub(super) used_at: u32,
    pub(super) size: u32,
    /// How long its entries live.
    life: u32,
    /// When the copies end that larger caches have.
    ends_at: [u32; LARGER],
    /// Whether it was read in vain and not written since, and then which of the larger caches had it no more, by bit.
    pub(super) missed: Option<u8>,
}

impl Key {
    pub(super) fn new(hash: u32, size: u32) -> Self {
        Self { hash, used_at: 0, size, life: FOR_EVER, ends_at: [0; LARGER], missed: None }
    }

    /// Written: anew in each of the larger caches, or, where it was loaded, in those that had it no more.
    pub(super) fn renew(&mut self, life: u32, now: u32) {
        let in_caches = self.missed.take().unwrap_or(u8::MAX);
        self.life = life;
        for (at, end) in self.ends_at.iter_mut().enumerate() {
            if in_caches >> at & 1 == 1 {
                *end = now.wrapping_add(life);
            }
        }
    }

    /// Read: whether the larger cache at this place still has it, where there was room for it. If not, it has it anew from now on.
    pub(super) fn lives_in(&mut self, at: usize, had_room: bool, now: u32) -> bool {
        let has_ended = self.life < FOR_EVER / 2 && now.wrapping_sub(self.ends_at[at]) < FOR_EVER / 2;
        if had_room && !has_ended {
            return true;
        }
        self.ends_at[at] = now.wrapping_add(self.life);
        self.missed = self.missed.map(|missed| missed | 1 << at);
        false
    }
}
