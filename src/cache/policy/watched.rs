//! A policy that may change while it runs, because its alternatives are watched by small ghosts of the cache ([`super::ghosts`]).
//!
//! The cache has the queues of [`super::tinylfu`] and, where LRU is among the alternatives, an exact order by recency beside
//! them: whichever decides, the other is kept up to date, so that turning moves nothing.
//!
//! - `tinylfu` watches four windows of W-TinyLFU, so its window moves by itself, and over a plateau, too, where climbing by
//!   trial and error stands still. It follows the ghost with the most hits of late.
//! - `auto` watches LRU; W-TinyLFU with a window of 40 % and 10 % where some proof is enough, which is what S3-FIFO does well; and
//!   with a small window and nearly strict comparison, for loops and floods.
//!
//! To be seldom much worse than LRU, `auto` is LRU until another ghost has a lead, and again as soon as LRU's ghost has as many
//! hits as the best. Turning back is cheap to decide and dear to do: what LRU would have kept is no longer there. So
//! what the cache has lost against LRU's ghost that way is *owed*, and the next lead has to be larger by as much: where
//! the best policy changes all the time, the cache ends as LRU.

use super::ghosts::{Ghosts, Kind};
use super::lru::Lru;
use super::tinylfu::{Judge, Queues, Tuning};
use crate::cache::sketch::Sketch;
use crate::rng::Rng;

/// Entries of a ghost, as a part of those of the cache: of small caches a larger part, but so many in any case, and no more than
/// so many. Fewer would mistake chance for merit, more would cost time.
const GHOST_SHARE_OF_SMALL: u32 = 16;
const GHOST_SHARE: u32 = 32;
const LEAST_GHOST: u32 = 128;
const ENOUGH_GHOST: u32 = 256;
const MOST_GHOST: u32 = 4096;
/// Sampled accesses between two looks at the ghosts, as a part of their entries, and at least.
const LOOKS_PER_GHOST: u32 = 16;
const LEAST_BETWEEN_LOOKS: u32 = 16;
/// Sampled accesses an entry of the ghosts, after which hits count half.
const MEMORY: u32 = 40;
/// The lead over LRU, as a part of the entries of a ghost, that is worth a turn.
const LEAD: u32 = 50;
/// How far the current ghost may fall behind that of LRU, as a part of its entries, whatever its lead was before.
const FALL: u32 = 2;

/// Condemned ahead: one for so many entries, but no more than so many. By recency, any number would do, since a use
/// pardons; queues judge those already condemned by what was known then.
const ENTRIES_PER_CONDEMNED: u32 = 32;
const MOST_CONDEMNED: u32 = 128;
const ENTRIES_PER_CONDEMNED_BY_RECENCY: u32 = 16;

/// The windows of `tinylfu`.
pub(super) const TINY_LFU: &[Kind] = &[strict(10), strict(1), strict(30), strict(70)];
/// What `auto` may become; it begins as the first.
pub(super) const AUTO: &[Kind] = &[Kind::Lru, proof(10, 3), proof(40, 3), proof(2, 8)];

const fn proof(window: u32, proof: u32) -> Kind {
    Kind::Queues(Tuning { window, proof })
}

const fn strict(window: u32) -> Kind {
    proof(window, u32::MAX)
}

/// Queues whose tuning follows the best of several ghosts.
#[derive(Clone, Debug)]
pub(in crate::cache) struct Watched {
    queues: Queues,
    /// Where LRU is an alternative.
    recency: Option<Lru>,
    /// By slot.
    hashes: Vec<u32>,
    sketch: Sketch,
    coin: Rng,
    kinds: &'static [Kind],
    ghosts: Ghosts,
    current: usize,
    /// Keys whose spread hash is below this are in the sample.
    sample_below: u32,
    ghost_capacity: u32,
    /// Accesses to keys in the sample, and how many of them were hits.
    accesses: u32,
    hits: u32,
    until_look: u32,
    /// Owed from before everybody began anew.
    old_debt: u32,
    /// By how many hits the current ghost has fallen behind that of LRU, and the hits of the two at the last look.
    behind: u32,
    seen: [u32; 2],
}

impl Watched {
    /// No entries yet, of perhaps `expected` some day.
    pub(super) fn new(kinds: &'static [Kind], expected: u32, seed: u64) -> Self {
        let tuning = kinds.iter().find_map(|kind| kind.tuning()).unwrap_or(Tuning { window: 1, proof: u32::MAX });
        let mut watched = Self {
            queues: Queues::new(tuning),
            recency: kinds.contains(&Kind::Lru).then(Lru::default),
            hashes: Vec::new(),
            sketch: Sketch::default(),
            coin: Rng::new(seed),
            kinds,
            ghosts: Ghosts::new(kinds),
            current: 0,
            sample_below: 0,
            ghost_capacity: 0,
            accesses: 0,
            hits: 0,
            until_look: 0,
            old_debt: 0,
            behind: 0,
            seen: [0; 2],
        };
        watched.sample(expected);
        watched
    }

    pub(super) fn insert(&mut self, slot: u32, hash: u32) {
        self.remove(slot);
        if self.hashes.len() <= slot as usize {
            self.hashes.resize(slot as usize + 1, 0);
        }
        self.hashes[slot as usize] = hash;
        let is_sampled = self.is_sampled(hash);
        self.queues.insert(slot, is_sampled);
        if let Some(recency) = &mut self.recency {
            recency.insert(slot);
        }
        self.sketch.make_room(self.queues.len());
        self.sketch.add(hash, 1);
        if is_sampled {
            self.watch(hash, false);
        }
    }

    pub(super) fn touch(&mut self, slot: u32) {
        self.touch_all(&[slot]);
    }

    /// The same for many slots in order. Most uses are only noted: moving the slot and telling the sketch of each would cost as
    /// much as all the rest.
    pub(super) fn touch_all(&mut self, slots: &[u32]) {
        if let Some(recency) = &mut self.recency {
            recency.touch_all(slots);
        }
        for &slot in slots {
            if self.queues.note_use(slot) {
                self.look_closer(slot);
            }
        }
    }

    pub(super) fn remove(&mut self, slot: u32) {
        if !self.queues.contains(slot) {
            return;
        }
        let hash = self.hashes[slot as usize];
        let was_evicted = self.queues.is_condemned(slot);
        let uses = self.queues.remove(slot);
        if uses > 0 {
            self.sketch.add(hash, uses);
        }
        if let Some(recency) = &mut self.recency {
            recency.remove(slot);
        }
        // The ghosts have to know what no policy would have kept.
        if !was_evicted && self.is_sampled(hash) {
            self.ghosts.remove(hash);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.queues.len() as usize
    }

    /// Condemns a few, so that there is one if there is anybody, and at most `most`.
    pub(super) fn condemn(&mut self, most: u32) {
        let capacity = self.queues.len();
        self.sketch.age_by(capacity);
        self.resample(capacity);
        match &mut self.recency {
            Some(recency) if self.kinds[self.current] == Kind::Lru => {
                let most = most.min((capacity / ENTRIES_PER_CONDEMNED_BY_RECENCY).max(1));
                let mut missing = most.saturating_sub(self.queues.condemned_len());
                for slot in recency.victims() {
                    if missing == 0 {
                        break;
                    }
                    if !self.queues.is_condemned(slot) {
                        self.queues.condemn(slot);
                        missing -= 1;
                    }
                }
            }
            _ => {
                // More of the window cannot count as gone: with a small one, hit ratios fall.
                let ahead = (capacity / ENTRIES_PER_CONDEMNED).min(self.queues.window_of(capacity) * 3 / 4);
                let most = most.min(ahead.clamp(1, MOST_CONDEMNED));
                let Self { queues, hashes, sketch, coin, .. } = self;
                let mut judge = Judge { sketch, hashes, coin, tells: true };
                while queues.condemned_len() < most
                    && let Some(slot) = queues.choose(capacity, &mut judge)
                {
                    queues.condemn(slot);
                }
            }
        }
    }

    pub(super) fn condemned(&self) -> impl Iterator<Item = u32> + '_ {
        self.queues.condemned()
    }

    /// How often the key in `slot` was used of late, up to 15.
    pub(super) fn frequency(&self, slot: u32) -> u32 {
        self.sketch.frequency(self.hashes[slot as usize]) + self.queues.uses(slot)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.queues.iter()
    }

    fn look_closer(&mut self, slot: u32) {
        if !self.queues.contains(slot) {
            return;
        }
        if self.queues.is_condemned(slot) {
            self.queues.pardon(slot);
        }
        let hash = self.hashes[slot as usize];
        if self.is_sampled(hash) {
            self.watch(hash, true);
        }
    }

    /// Whether the hash, spread so that the sample has nothing to do with the blocks of the sketch, is in the sample.
    fn is_sampled(&self, hash: u32) -> bool {
        hash.wrapping_mul(0x9e37_79b1) < self.sample_below
    }

    fn watch(&mut self, hash: u32, is_hit: bool) {
        self.ghosts.access(hash, self.ghost_capacity, &mut self.sketch, &mut self.coin);
        self.accesses += 1;
        self.hits += u32::from(is_hit);
        self.until_look -= 1;
        if self.until_look == 0 {
            self.look();
        }
    }

    fn look(&mut self) {
        self.until_look = self.between_looks();
        if self.has_fallen_behind() {
            self.turn(0);
            self.old_debt = self.owed();
            (self.accesses, self.hits) = (0, 0);
            self.ghosts.scale_hits(0);
        }
        let best = self.best();
        if best != self.current {
            self.turn(best);
        }
        if self.accesses >= self.ghost_capacity.saturating_mul(MEMORY) {
            self.accesses /= 2;
            self.hits /= 2;
            self.old_debt /= 2;
            self.ghosts.scale_hits(1);
        }
        self.seen = self.hits_of_lru_and_current();
    }

    /// Whether it is time to be LRU again for what happened since the current ghost was last even with it.
    fn has_fallen_behind(&mut self) -> bool {
        let [lru, current] = self.hits_of_lru_and_current();
        self.behind = (self.behind + lru - self.seen[0]).saturating_sub(current - self.seen[1]);
        self.recency.is_some() && self.current != 0 && self.behind > self.ghost_capacity / FALL
    }

    /// How many hits the cache is behind the ghost of LRU.
    fn owed(&self) -> u32 {
        (self.old_debt + self.ghosts.hits(0)).saturating_sub(self.hits)
    }

    fn hits_of_lru_and_current(&self) -> [u32; 2] {
        [self.ghosts.hits(0), self.ghosts.hits(self.current)]
    }

    fn best(&self) -> usize {
        let hits = |at: usize| self.ghosts.hits(at);
        let is_lru = |at: usize| self.kinds[at] == Kind::Lru;
        let better = |best: usize, at: usize| hits(at) > hits(best) || (is_lru(at) && hits(at) == hits(best));
        let best = (0..self.kinds.len()).fold(self.current, |best, at| if better(best, at) { at } else { best });
        if !is_lru(self.current) {
            return best;
        }
        if hits(best) - hits(self.current) > self.owed() + self.ghost_capacity / LEAD { best } else { self.current }
    }

    fn turn(&mut self, to: usize) {
        self.current = to;
        self.behind = 0;
        match self.kinds[to] {
            Kind::Queues(tuning) => self.queues.tune(tuning),
            // LRU has others in mind.
            Kind::Lru => {
                let condemned: Vec<u32> = self.queues.condemned().collect();
                condemned.into_iter().for_each(|slot| self.queues.pardon(slot));
            }
        }
    }

    fn between_looks(&self) -> u32 {
        (self.ghost_capacity / LOOKS_PER_GHOST).max(LEAST_BETWEEN_LOOKS)
    }

    /// Adapts the ghosts to a cache that has turned out to hold `capacity` entries.
    fn resample(&mut self, capacity: u32) {
        let share = ((u64::from(capacity) * u64::from(self.sample_below)) >> 32) as u32;
        let right = ghost_capacity(capacity);
        let is_all = self.sample_below == u32::MAX;
        if share > right * 2 || (share < right / 2 && !is_all) {
            self.sample(capacity);
        } else {
            self.ghost_capacity = if is_all { capacity } else { share }.max(1);
        }
    }

    /// Chooses a sample anew, for a cache of `capacity` entries. What the ghosts knew of keys is forgotten, their hits are not.
    fn sample(&mut self, capacity: u32) {
        self.ghost_capacity = ghost_capacity(capacity);
        let below = (u64::from(self.ghost_capacity) << 32) / u64::from(capacity.max(1));
        self.sample_below = below.min(u64::from(u32::MAX)) as u32;
        self.until_look = self.between_looks();
        self.ghosts.clear(self.kinds);
        let slots: Vec<u32> = self.queues.iter().collect();
        for slot in slots {
            self.queues.mark_sampled(slot, self.is_sampled(self.hashes[slot as usize]));
        }
    }

    /// Recounts everything. For tests.
    pub(super) fn validate(&self) {
        self.queues.validate();
        self.ghosts.validate();
        if let Some(recency) = &self.recency {
            assert_eq!(recency.len(), self.len(), "recency and queues hold different entries");
        }
        assert!(self.hits <= self.accesses, "more hits than accesses");
    }
}

impl Kind {
    fn tuning(self) -> Option<Tuning> {
        match self {
            Self::Lru => None,
            Self::Queues(tuning) => Some(tuning),
        }
    }
}

fn ghost_capacity(capacity: u32) -> u32 {
    let small = (capacity / GHOST_SHARE_OF_SMALL).clamp(LEAST_GHOST, ENOUGH_GHOST);
    small.max(capacity / GHOST_SHARE).min(MOST_GHOST).min(capacity).max(1)
}
