//! Several tunings of one policy, watched by small samples of the cache: "miniature simulations" (Waldspurger, Saemundsson,
//! Ahmad and Park, "Cache Modeling and Optimization using Miniature Simulations", USENIX ATC 2017).
//!
//! Each tuning has a *ghost*: the queues of [`super::tinylfu`] over the hashes of a fixed sample of the keys, with the
//! same share of the room. All ghosts see the same accesses. The cache itself runs with the tuning whose ghost has had
//! the most hits of late. Turning costs next to nothing, since no entry leaves because of it: waiting for a safe lead was worse.
//!
//! - `tinylfu` watches four windows of W-TinyLFU, so its window moves by itself, and over a plateau, too, where climbing by
//!   trial and error stands still.
//! - `auto` watches plain LRU; W-TinyLFU with a window of 40 % and 10 % where some proof is enough, which is what S3-FIFO does
//!   well; and with small windows and strict comparison, for loops and floods. As LRU is among the ghosts, `auto` seldom stays
//!   behind it; as the queues are the same for all, turning moves no more than a few entries for each victim.

use super::tinylfu::{Queues, Tuning};
use crate::cache::sketch::Sketch;
use crate::rng::Rng;
use hashbrown::HashTable;

/// Entries of a ghost. Fewer would mistake chance for merit, more would cost time.
const GHOST_ENTRIES: u32 = 256;
/// Sampled accesses between two looks at the ghosts, as a part of their entries.
const LOOKS_PER_GHOST: u32 = 4;
/// Sampled accesses an entry of the ghosts, after which hits count half.
const MEMORY: u32 = 40;

/// The windows of `tinylfu`.
pub(super) const TINY_LFU: &[Tuning] = &[strict(10), strict(1), strict(30), strict(70)];
/// What `auto` may become; it begins as the first.
pub(super) const AUTO: &[Tuning] = &[proof(10, 3), proof(100, 3), proof(40, 3), proof(2, 5), strict(1)];

const fn proof(window: u32, proof: u32) -> Tuning {
    Tuning { window, proof }
}

const fn strict(window: u32) -> Tuning {
    Tuning { window, proof: u32::MAX }
}

/// Queues whose tuning follows the best of several ghosts.
#[derive(Clone, Debug)]
pub(in crate::cache) struct Watched {
    queues: Queues,
    sketch: Sketch,
    coin: Rng,
    ghosts: Vec<Ghost>,
    current: usize,
    /// Keys whose spread hash is below this are in the sample.
    sample_below: u32,
    ghost_capacity: u32,
    accesses: u32,
    until_look: u32,
}

#[derive(Clone, Debug)]
struct Ghost {
    queues: Queues,
    slots: HashTable<u32>,
    /// Numbers of slots that were used once: the used and the free are the numbers from 0 on.
    free: Vec<u32>,
    hits: u32,
}

impl Watched {
    /// No entries yet, of perhaps `expected` some day.
    pub(super) fn new(tunings: &[Tuning], expected: u32, seed: u64) -> Self {
        let mut watched = Self {
            queues: Queues::new(tunings[0]),
            sketch: Sketch::default(),
            coin: Rng::new(seed),
            ghosts: tunings.iter().map(|&tuning| Ghost::new(tuning)).collect(),
            current: 0,
            sample_below: 0,
            ghost_capacity: 0,
            accesses: 0,
            until_look: 0,
        };
        watched.sample(expected);
        watched
    }

    pub(super) fn insert(&mut self, slot: u32, hash: u32) {
        self.remove(slot);
        let is_sampled = self.is_sampled(hash);
        self.queues.insert(slot, hash, is_sampled);
        self.sketch.make_room(self.queues.len());
        self.sketch.add(hash, 1);
        if is_sampled {
            self.watch(hash);
        }
    }

    /// Most uses are only noted by the slot: telling the sketch of each would cost as much as all the rest.
    pub(super) fn touch(&mut self, slot: u32) {
        if self.queues.touch(slot) {
            self.tell(slot);
            let hash = self.queues.hash(slot);
            if self.is_sampled(hash) {
                self.watch(hash);
            }
        }
    }

    pub(super) fn remove(&mut self, slot: u32) {
        if self.queues.contains(slot) {
            self.tell(slot);
            self.queues.remove(slot);
        }
    }

    pub(super) fn contains(&self, slot: u32) -> bool {
        self.queues.contains(slot)
    }

    pub(super) fn len(&self) -> usize {
        self.queues.len() as usize
    }

    /// Brings the number of the condemned up to `most`, or to all there are.
    pub(super) fn condemn(&mut self, most: u32) {
        let capacity = self.queues.len();
        self.sketch.age_by(capacity);
        self.resample(capacity);
        while self.queues.condemned_len() < most && self.queues.condemn(capacity, &self.sketch, &mut self.coin) {}
    }

    pub(super) fn condemned(&self) -> impl Iterator<Item = u32> + '_ {
        self.queues.condemned()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.queues.iter()
    }

    /// Tells the sketch of the uses that `slot` has noted.
    fn tell(&mut self, slot: u32) {
        let uses = self.queues.take_uses(slot);
        if uses > 0 {
            self.sketch.add(self.queues.hash(slot), uses);
        }
    }

    fn is_sampled(&self, hash: u32) -> bool {
        is_below(hash, self.sample_below)
    }

    fn watch(&mut self, hash: u32) {
        for ghost in &mut self.ghosts {
            ghost.access(hash, self.ghost_capacity, &self.sketch, &mut self.coin);
        }
        self.accesses += 1;
        self.until_look -= 1;
        if self.until_look == 0 {
            self.look();
        }
    }

    fn look(&mut self) {
        self.until_look = (self.ghost_capacity / LOOKS_PER_GHOST).max(16);
        let hits = |at: usize| self.ghosts[at].hits;
        let best = (0..self.ghosts.len()).fold(self.current, |best, at| if hits(at) > hits(best) { at } else { best });
        self.current = best;
        self.queues.tuning = self.ghosts[best].queues.tuning;
        if self.accesses >= self.ghost_capacity * MEMORY {
            self.accesses /= 2;
            self.ghosts.iter_mut().for_each(|ghost| ghost.hits /= 2);
        }
    }

    /// Adapts the ghosts to a cache that has turned out to hold `capacity` entries.
    fn resample(&mut self, capacity: u32) {
        let share = ((u64::from(capacity) * u64::from(self.sample_below)) >> 32) as u32;
        let all = self.sample_below == u32::MAX;
        if share > GHOST_ENTRIES * 2 || (share < GHOST_ENTRIES / 2 && !all) {
            self.sample(capacity);
        } else {
            self.ghost_capacity = if all { capacity } else { share }.max(1);
        }
    }

    /// Chooses a sample anew, for a cache of `capacity` entries. What the ghosts knew of keys is forgotten, their hits are not.
    fn sample(&mut self, capacity: u32) {
        let capacity = capacity.max(1);
        self.ghost_capacity = capacity.min(GHOST_ENTRIES);
        self.sample_below =
            ((u64::from(self.ghost_capacity) << 32) / u64::from(capacity)).min(u64::from(u32::MAX)) as u32;
        self.until_look = (self.ghost_capacity / LOOKS_PER_GHOST).max(16);
        for ghost in &mut self.ghosts {
            *ghost = Ghost { hits: ghost.hits, ..Ghost::new(ghost.queues.tuning) };
        }
        let sample_below = self.sample_below;
        self.queues.mark_sampled(|hash| is_below(hash, sample_below));
    }

    /// Recounts everything. For tests.
    pub(super) fn validate(&self) {
        self.queues.validate();
        assert_eq!(self.queues.tuning, self.ghosts[self.current].queues.tuning, "another tuning than chosen");
        for ghost in &self.ghosts {
            ghost.queues.validate();
            assert_eq!(ghost.queues.len() as usize, ghost.slots.len(), "a ghost lost a key");
            assert!(ghost.hits <= self.accesses, "more hits than accesses");
        }
    }
}

impl Ghost {
    fn new(tuning: Tuning) -> Self {
        Self { queues: Queues::new(tuning), slots: HashTable::new(), free: Vec::new(), hits: 0 }
    }

    fn access(&mut self, hash: u32, capacity: u32, sketch: &Sketch, coin: &mut Rng) {
        let Self { queues, slots, free, hits } = self;
        if let Some(&slot) = slots.find(spread(hash), |&slot| queues.hash(slot) == hash) {
            *hits += 1;
            queues.touch(slot);
            // The sketch has been told already.
            queues.take_uses(slot);
            return;
        }
        while queues.len() >= capacity {
            let Some(victim) = queues.choose(capacity, sketch, coin) else { break };
            let gone = queues.hash(victim);
            if let Ok(entry) = slots.find_entry(spread(gone), |&slot| queues.hash(slot) == gone) {
                entry.remove();
            }
            queues.remove(victim);
            free.push(victim);
        }
        let slot = free.pop().unwrap_or(queues.len());
        queues.insert(slot, hash, false);
        slots.insert_unique(spread(hash), slot, |&slot| spread(queues.hash(slot)));
    }
}

/// Whether the hash, spread so that the sample has nothing to do with the blocks of the sketch, is below `limit`.
fn is_below(hash: u32, limit: u32) -> bool {
    hash.wrapping_mul(0x9e37_79b1) < limit
}

fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
