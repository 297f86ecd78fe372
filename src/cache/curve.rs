//! How many reads a cache of another size would answer: SHARDS (Waldspurger, Park, Garthwaite and Ahmad, "Efficient MRC
//! Construction with SHARDS", FAST 2015) over stack distances (Mattson, Gecsei, Slutz and Traiger, 1970).
//!
//! Only keys whose hash is below a limit are followed, and the limit sinks as they become too many. A key that is read with `n`
//! others used since its last use is a hit in every LRU cache of more than `n` entries, or `n` divided by the share that is followed.
//! Keys that would have left the largest cache asked about are let go of, so that of a small cache all the others are followed.
//!
//! Entries that end by time are not in those papers. A larger cache still has what this one has loaded again, with an earlier end: each key has the ends of
//! the copies that the larger ones have, and a read after one of them is a miss there, after which that copy is new, too.

mod event;
mod key;
mod keys;
#[cfg(test)]
mod tests;
mod uses;

pub use event::{Event, FOR_EVER};

use super::log::{self, OpKind};
use crate::time::Instant;
use event::decode;
use key::Key;
use keys::Keys;
use uses::Uses;

/// The sizes that are asked about, as multiples of the cache's own.
pub const SCALES: [f64; 8] = [0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0];

/// Keys followed at once; twice as many uses fit the tree before it is renumbered.
const MOST_KEYS: usize = 8192;
/// So many at most are left when room is made, so that it need not be made at once again.
const ENOUGH_KEYS: usize = MOST_KEYS / 8 * 7;
/// Hashes of 32 bits.
const ALL: u64 = 1 << 32;
/// What stays when the limit sinks.
const KEPT: f64 = 0.875;

/// The place of 1.0 in [`SCALES`].
const SAME: usize = 3;
/// How many of [`SCALES`] are larger.
const LARGER: usize = SCALES.len() - SAME - 1;

/// The hit rates of one cache, had it other limits.
#[derive(Clone, Debug)]
pub struct Curve {
    limits: Limits,
    /// Keys whose spread hash is below are followed.
    below: u64,
    keys: Keys,
    /// By slot, the spread hash of its key.
    slots: Vec<u32>,
    uses: Uses,
    reads: f64,
    /// Reads that were followed.
    counted: f64,
    /// Those of them that a cache of each of [`SCALES`] would have had.
    hits: [f64; SCALES.len()],
    /// As of the last miss.
    now: u32,
}

/// What the cache may hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// In entries.
    pub max: f64,
    /// In units of size; infinite where sizes do not count.
    pub max_size: f64,
}

impl Curve {
    /// Nothing is known yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            below: ALL,
            keys: Keys::default(),
            slots: Vec::new(),
            uses: Uses::new(),
            reads: 0.0,
            hits: [0.0; SCALES.len()],
            counted: 0.0,
            now: 0,
        }
    }

    /// The cache has other limits now: counting begins anew, and what is known of keys stays.
    pub fn resize(&mut self, limits: Limits) {
        self.limits = limits;
        self.reads = 0.0;
        self.hits = [0.0; SCALES.len()];
        self.counted = 0.0;
    }

    /// Every key is gone. What was counted stays.
    pub fn clear(&mut self) {
        self.keys = Keys::default();
        self.slots.clear();
        self.uses = Uses::new();
    }

    /// Applies a log of the cache, and what happened beside it.
    pub fn replay(&mut self, words: &[u32], events: &[u32]) {
        let mut from = 0;
        for (position, event) in decode(events) {
            let position = position.clamp(from, words.len());
            self.hits_of(&words[from..position]);
            from = position;
            match event {
                Event::NoRead => from = words.len().min(position + 1),
                Event::Miss { hash, now } => {
                    self.now = now;
                    self.read(spread(hash), false);
                }
                Event::Written { slot, hash, size, life } => self.write(slot, spread(hash), size, life),
                Event::Gone(hash) => self.forget(spread(hash)),
            }
        }
        self.hits_of(&words[from..]);
    }

    /// The share of reads that a cache of each of [`SCALES`] would have answered; `None` before the first read.
    pub fn hit_rates(&self) -> Option<[f64; SCALES.len()]> {
        let expected = self.reads * self.share();
        if expected <= 0.0 {
            return None;
        }
        // More or fewer reads in the sample than its share come from the hottest keys, which hit in any size (section 4.1 there).
        let more = expected - self.counted;
        Some(self.hits.map(|hits| ((hits + more) / expected).clamp(0.0, 1.0)))
    }

    /// The share of keys that is followed.
    pub fn share(&self) -> f64 {
        self.below as f64 / ALL as f64
    }

    fn hits_of(&mut self, words: &[u32]) {
        for op in log::decode(words, Instant::ZERO) {
            if let OpKind::Touch = op.kind {
                match self.slots.get(op.slot as usize) {
                    Some(&hash) => self.read(hash, true),
                    None => self.reads += 1.0,
                }
            }
        }
    }

    fn read(&mut self, hash: u32, is_hit: bool) {
        self.reads += 1.0;
        if !self.follows(hash) {
            return;
        }
        let Some(key) = self.keys.get_mut(hash) else {
            self.counted += 1.0;
            return;
        };
        let (entries, size) = self.uses.since(key.used_at);
        let share = self.below as f64 / ALL as f64;
        let needed = ((entries as f64 / share + 1.0) / self.limits.max)
            .max((size as f64 / share + f64::from(key.size)) / self.limits.max_size);
        self.counted += 1.0;
        key.missed = (!is_hit).then_some(0);
        for (at, scale) in SCALES.into_iter().enumerate() {
            let had_room = needed <= scale;
            let hits = if at > SAME { key.lives_in(at - SAME - 1, had_room, self.now) } else { had_room };
            self.hits[at] += f64::from(u8::from(hits));
        }
        self.uses.remove(key);
        self.uses.add(key);
        self.make_room();
    }

    fn write(&mut self, slot: u32, hash: u32, size: u32, life: u32) {
        if slot as usize >= self.slots.len() {
            self.slots.resize(slot as usize + 1, u32::MAX);
        }
        self.slots[slot as usize] = hash;
        if !self.follows(hash) {
            return;
        }
        match self.keys.get_mut(hash) {
            Some(key) => {
                self.uses.remove(key);
                key.size = size;
                key.renew(life, self.now);
                self.uses.add(key);
            }
            None => {
                let mut key = Key::new(hash, size);
                key.renew(life, self.now);
                self.uses.add(&mut key);
                self.keys.insert(key);
            }
        }
        self.make_room();
    }

    fn forget(&mut self, hash: u32) {
        if let Some(key) = self.keys.remove(hash) {
            self.uses.remove(&key);
        }
    }

    fn follows(&self, hash: u32) -> bool {
        u64::from(hash) < self.below
    }

    fn follow_fewer(&mut self) {
        self.below = (self.below as f64 * KEPT) as u64;
        let others: Vec<u32> = self.keys.iter().map(|key| key.hash).filter(|&hash| !self.follows(hash)).collect();
        others.into_iter().for_each(|hash| self.forget(hash));
        self.hits.iter_mut().for_each(|hits| *hits *= KEPT);
        self.counted *= KEPT;
    }

    fn make_room(&mut self) {
        if self.keys.len() > MOST_KEYS || self.uses.is_full() {
            self.renumber();
            while self.keys.len() > ENOUGH_KEYS {
                self.follow_fewer();
            }
        }
    }

    /// Numbers the uses anew, and lets go of keys that would have left the largest cache asked about.
    fn renumber(&mut self) {
        let largest = SCALES[SCALES.len() - 1] * self.share();
        // No two keys have the same number, so each has a place of its own: a sort would be a tenth of the cache's core.
        let mut by_use = vec![None; self.uses.next as usize];
        for key in self.keys.iter() {
            by_use[key.used_at as usize] = Some((key.hash, key.size));
        }
        let (mut entries, mut before) = (0.0, 0.0);
        let mut kept = Vec::new();
        for (hash, size) in by_use.into_iter().rev().flatten() {
            entries += 1.0;
            if entries <= largest * self.limits.max + 1.0 && before <= largest * self.limits.max_size {
                kept.push(hash);
            } else {
                self.keys.remove(hash);
            }
            before += f64::from(size);
        }
        self.uses = Uses::new();
        for hash in kept.into_iter().rev() {
            if let Some(key) = self.keys.get_mut(hash) {
                self.uses.add(key);
            }
        }
    }

    /// Recounts everything. For tests.
    #[doc(hidden)]
    pub fn validate(&self) {
        assert!(self.keys.len() <= MOST_KEYS, "too many keys");
        assert_eq!(self.uses.entries as usize, self.keys.len(), "a use without a key");
        assert_eq!(self.uses.size, self.keys.iter().map(|key| u64::from(key.size)).sum::<u64>(), "sizes do not add up");
        assert!(self.keys.iter().all(|key| self.follows(key.hash)), "follows a key that it should not");
    }
}

/// The host's hash, so that the sample has nothing to do with what policies make of it.
fn spread(hash: u32) -> u32 {
    hash.wrapping_mul(0x9e37_79b1)
}
