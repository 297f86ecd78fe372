//! Which of several policies leads, as small ghosts of the cache find it ([`super::ghosts`]).
//!
//! All ghosts see the keys of one sample, as many as have room in them. The policy is turned to the one with the most hits of late.
//!
//! Where LRU is among them, it is the first, and the cache is to be seldom much worse than LRU: it is LRU until another ghost has a
//! lead, and again as soon as LRU's ghost has as many hits as the best. Turning back is cheap to decide and dear to do: what LRU would
//! have kept is no longer there. So what the cache has lost against LRU's ghost that way is *owed*, and the next lead has to be
//! larger by as much: where the best policy changes all the time, the cache ends as LRU.

use super::ghosts::{Ghosts, Kind};
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
/// How far the leader may fall behind the ghost of LRU, as a part of the entries of one, whatever its lead was before.
const FALL: u32 = 2;

/// Policies that are watched, and the one that leads.
#[derive(Clone, Debug)]
pub(super) struct Contest {
    kinds: &'static [Kind],
    ghosts: Ghosts,
    leader: usize,
    /// Keys whose spread hash is below this are in the sample.
    sample_below: u32,
    ghost_capacity: u32,
    /// Accesses to keys in the sample, and how many of them were hits in the cache.
    accesses: u32,
    hits: u32,
    until_look: u32,
    /// Owed from before everybody began anew.
    old_debt: u32,
    /// By how many hits the leader has fallen behind LRU, and the hits of the two at the last look.
    behind: u32,
    seen: [u32; 2],
}

impl Contest {
    /// The first of `kinds` leads, of a cache of perhaps `expected` entries some day.
    pub(super) fn new(kinds: &'static [Kind], expected: u32) -> Self {
        let mut contest = Self {
            kinds,
            ghosts: Ghosts::new(kinds),
            leader: 0,
            sample_below: 0,
            ghost_capacity: 0,
            accesses: 0,
            hits: 0,
            until_look: 0,
            old_debt: 0,
            behind: 0,
            seen: [0; 2],
        };
        contest.sample(expected);
        contest
    }

    pub(super) fn leader(&self) -> Kind {
        self.kinds[self.leader]
    }

    /// Whether the hash, spread so that the sample has nothing to do with the blocks of the sketch, is in the sample.
    pub(super) fn is_sampled(&self, hash: u32) -> bool {
        hash.wrapping_mul(0x9e37_79b1) < self.sample_below
    }

    /// A key of the sample was asked for, with or without success. The new leader, if there is one.
    pub(super) fn access(&mut self, hash: u32, is_hit: bool, sketch: &mut Sketch, coin: &mut Rng) -> Option<Kind> {
        self.ghosts.access(hash, self.ghost_capacity, sketch, coin);
        self.accesses += 1;
        self.hits += u32::from(is_hit);
        self.until_look -= 1;
        if self.until_look > 0 {
            return None;
        }
        let before = self.leader;
        self.look();
        (self.leader != before).then(|| self.leader())
    }

    /// The key of `hash`, which is in the sample, is gone, whatever a policy would have done.
    pub(super) fn remove(&mut self, hash: u32) {
        self.ghosts.remove(hash);
    }

    /// Adapts the ghosts to a cache that has turned out to hold `capacity` entries. Whether the sample is another one now.
    pub(super) fn resample(&mut self, capacity: u32) -> bool {
        let share = ((u64::from(capacity) * u64::from(self.sample_below)) >> 32) as u32;
        let right = ghost_capacity(capacity);
        let is_all = self.sample_below == u32::MAX;
        let is_wrong = share > right * 2 || (share < right / 2 && !is_all);
        if is_wrong {
            self.sample(capacity);
        } else {
            self.ghost_capacity = if is_all { capacity } else { share }.max(1);
        }
        is_wrong
    }

    /// Recounts everything. For tests.
    pub(super) fn validate(&self) {
        self.ghosts.validate();
        assert!(self.hits <= self.accesses, "more hits than accesses");
    }

    /// Chooses a sample anew, for a cache of `capacity` entries. What the ghosts knew of keys is forgotten, their hits are not.
    fn sample(&mut self, capacity: u32) {
        self.ghost_capacity = ghost_capacity(capacity);
        let below = (u64::from(self.ghost_capacity) << 32) / u64::from(capacity.max(1));
        self.sample_below = below.min(u64::from(u32::MAX)) as u32;
        self.until_look = self.between_looks();
        self.ghosts.clear(self.kinds);
    }

    fn between_looks(&self) -> u32 {
        (self.ghost_capacity / LOOKS_PER_GHOST).max(LEAST_BETWEEN_LOOKS)
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
        if best != self.leader {
            self.turn(best);
        }
        if self.accesses >= self.ghost_capacity.saturating_mul(MEMORY) {
            self.accesses /= 2;
            self.hits /= 2;
            self.old_debt /= 2;
            self.ghosts.scale_hits(1);
        }
        self.seen = self.hits_of_first_and_leader();
    }

    fn turn(&mut self, to: usize) {
        self.leader = to;
        self.behind = 0;
    }

    /// Whether it is time to be LRU again for what happened since the leader was last even with it.
    fn has_fallen_behind(&mut self) -> bool {
        let [lru, leader] = self.hits_of_first_and_leader();
        self.behind = (self.behind + lru - self.seen[0]).saturating_sub(leader - self.seen[1]);
        self.kinds[0] == Kind::Lru && self.leader != 0 && self.behind > self.ghost_capacity / FALL
    }

    /// How many hits the cache is behind the ghost of LRU.
    fn owed(&self) -> u32 {
        (self.old_debt + self.ghosts.hits(0)).saturating_sub(self.hits)
    }

    fn hits_of_first_and_leader(&self) -> [u32; 2] {
        [self.ghosts.hits(0), self.ghosts.hits(self.leader)]
    }

    fn best(&self) -> usize {
        let hits = |at: usize| self.ghosts.hits(at);
        let is_lru = |at: usize| self.kinds[at] == Kind::Lru;
        let better = |best: usize, at: usize| hits(at) > hits(best) || (is_lru(at) && hits(at) == hits(best));
        let best = (0..self.kinds.len()).fold(self.leader, |best, at| if better(best, at) { at } else { best });
        if !is_lru(self.leader) {
            return best;
        }
        if hits(best) - hits(self.leader) > self.owed() + self.ghost_capacity / LEAD { best } else { self.leader }
    }
}

fn ghost_capacity(capacity: u32) -> u32 {
    let small = (capacity / GHOST_SHARE_OF_SMALL).clamp(LEAST_GHOST, ENOUGH_GHOST);
    small.max(capacity / GHOST_SHARE).min(MOST_GHOST).min(capacity).max(1)
}
