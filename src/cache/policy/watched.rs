//! A policy that may change while it runs, to whichever of its alternatives leads ([`super::contest`]).
//!
//! The cache has the queues of [`super::tinylfu`] and, where LRU is among the alternatives, an exact order by recency beside
//! them: whichever decides, the other is kept up to date, so that turning moves nothing.
//!
//! - `tinylfu` watches four windows of W-TinyLFU, so its window moves by itself, and over a plateau, too, where climbing by
//!   trial and error stands still. It follows the ghost with the most hits of late.
//! - `auto` watches LRU; W-TinyLFU with a window of 40 % and 10 % where some proof is enough, which is what S3-FIFO does well; and
//!   with a small window and nearly strict comparison, for loops and floods.

use super::contest::Contest;
use super::ghosts::Kind;
use super::lru::Lru;
use super::tinylfu::{Judge, Queues, Tuning};
use crate::cache::sketch::Sketch;
use crate::rng::Rng;

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
    contest: Contest,
}

impl Watched {
    /// No entries yet, of perhaps `expected` some day.
    pub(super) fn new(kinds: &'static [Kind], expected: u32, seed: u64) -> Self {
        let tuning = kinds.iter().find_map(|kind| kind.tuning()).unwrap_or(Tuning { window: 1, proof: u32::MAX });
        Self {
            queues: Queues::new(tuning),
            recency: kinds.contains(&Kind::Lru).then(Lru::default),
            hashes: Vec::new(),
            sketch: Sketch::default(),
            coin: Rng::new(seed),
            contest: Contest::new(kinds, expected),
        }
    }

    pub(super) fn insert(&mut self, slot: u32, hash: u32) {
        self.remove(slot);
        if self.hashes.len() <= slot as usize {
            self.hashes.resize(slot as usize + 1, 0);
        }
        self.hashes[slot as usize] = hash;
        let is_sampled = self.contest.is_sampled(hash);
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
        if !was_evicted && self.contest.is_sampled(hash) {
            self.contest.remove(hash);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.queues.len() as usize
    }

    /// Condemns a few, so that there is one if there is anybody, and at most `most`.
    pub(super) fn condemn(&mut self, most: u32) {
        let capacity = self.queues.len();
        self.sketch.age_by(capacity);
        if self.contest.resample(capacity) {
            self.mark_sampled();
        }
        match &mut self.recency {
            Some(recency) if self.contest.leader() == Kind::Lru => {
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
        if self.contest.is_sampled(hash) {
            self.watch(hash, true);
        }
    }

    fn watch(&mut self, hash: u32, is_hit: bool) {
        if let Some(leader) = self.contest.access(hash, is_hit, &mut self.sketch, &mut self.coin) {
            self.turn(leader);
        }
    }

    fn turn(&mut self, to: Kind) {
        match to {
            Kind::Queues(tuning) => self.queues.tune(tuning),
            // LRU has others in mind.
            Kind::Lru => {
                let condemned: Vec<u32> = self.queues.condemned().collect();
                condemned.into_iter().for_each(|slot| self.queues.pardon(slot));
            }
        }
    }

    /// The sample is another one.
    fn mark_sampled(&mut self) {
        let slots: Vec<u32> = self.queues.iter().collect();
        for slot in slots {
            self.queues.mark_sampled(slot, self.contest.is_sampled(self.hashes[slot as usize]));
        }
    }

    /// Recounts everything. For tests.
    pub(super) fn validate(&self) {
        self.queues.validate();
        self.contest.validate();
        if let Some(recency) = &self.recency {
            assert_eq!(recency.len(), self.len(), "recency and queues hold different entries");
        }
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
