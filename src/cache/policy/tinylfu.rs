//! W-TinyLFU (Einziger, Friedman and Manes, "TinyLFU: A Highly Efficient Cache Admission Policy", ACM Transactions on
//! Storage, 2017; Einziger, Eytan, Friedman and Manes, "Adaptive Software Cache Management", Middleware 2018).
//!
//! Newcomers enter a window by recency. What leaves the window enters the main part, which is divided by recency into
//! probation and protected, only if the sketch says that it was asked for oftener than the victim there.
//!
//! Two things can be tuned while it runs, by whoever knows better ([`super::watched`]): the share of the window, where all
//! of it is plain LRU; and how much *proof* is enough: who was seen more than `proof` times gets in whatever the victim
//! did, as in S3-FIFO, so that what was hot long ago makes way for a new loop.

use crate::cache::sketch::Sketch;
use crate::rng::Rng;
use crate::slab::Links;

const WINDOW: u32 = 0;
const PROBATION: u32 = 1;
const PROTECTED: u32 = 2;
const CONDEMNED: u32 = 3;

/// The state of a slot: its list in the low bits (with `CONDEMNED` added to the one it came from when it is condemned), whether its
/// key is in the sample, and in the high bits how often it was used without the sketch knowing.
const LIST: u8 = 0b111;
const NOWHERE: u8 = 0b111;
const SAMPLED: u8 = 0b1000;
const ONE_USE: u8 = 0b1_0000;
const MOST_USES: u8 = 15;

/// Of the main part, per cent.
const PROTECTED_SHARE: u64 = 80;
/// A candidate that loses although it was seen this often gets a coin: a flood of hits on a few forged keys cannot
/// keep everybody else out for ever (as in Caffeine).
const COIN_FREQUENCY: u32 = 6;
const COIN_SIDES: u64 = 128;
/// Entries moved between lists for one victim, so that a new tuning never costs a pause.
const MOVES_PER_VICTIM: u32 = 16;

/// How the room is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tuning {
    /// Of all entries, per cent.
    pub(super) window: u32,
    /// Seen oftener than this is admitted, whoever the victim is.
    pub(super) proof: u32,
}

/// The queues of W-TinyLFU over slots.
#[derive(Clone, Debug)]
pub(super) struct Queues {
    links: Links,
    hashes: Vec<u32>,
    states: Vec<u8>,
    lengths: [u32; 4],
    pub(super) tuning: Tuning,
}

impl Queues {
    pub(super) fn new(tuning: Tuning) -> Self {
        Self { links: Links::new(4), hashes: Vec::new(), states: Vec::new(), lengths: [0; 4], tuning }
    }

    /// How many slots there are, the condemned among them.
    pub(super) fn len(&self) -> u32 {
        self.lengths.iter().sum()
    }

    pub(super) fn contains(&self, slot: u32) -> bool {
        self.states.get(slot as usize).is_some_and(|state| state & LIST != NOWHERE)
    }

    pub(super) fn hash(&self, slot: u32) -> u32 {
        self.hashes[slot as usize]
    }

    /// How often the entry in `slot` was used without the sketch being told; from now on, it has been told.
    pub(super) fn take_uses(&mut self, slot: u32) -> u32 {
        let state = &mut self.states[slot as usize];
        let uses = *state / ONE_USE;
        *state %= ONE_USE;
        u32::from(uses)
    }

    /// Says anew which keys are in the sample.
    pub(super) fn mark_sampled(&mut self, is_sampled: impl Fn(u32) -> bool) {
        for (state, &hash) in self.states.iter_mut().zip(&self.hashes) {
            *state = *state & !SAMPLED | if is_sampled(hash) { SAMPLED } else { 0 };
        }
    }

    /// `slot`, which holds nothing, holds a newcomer.
    pub(super) fn insert(&mut self, slot: u32, hash: u32, is_sampled: bool) {
        if self.hashes.len() <= slot as usize {
            self.hashes.resize(slot as usize + 1, 0);
            self.states.resize(slot as usize + 1, NOWHERE);
        }
        self.hashes[slot as usize] = hash;
        self.states[slot as usize] = NOWHERE | if is_sampled { SAMPLED } else { 0 };
        self.put(slot, WINDOW);
    }

    /// `slot` was used, if it holds an entry. A condemned one is pardoned. Whether the owner has to look closer: the key is in the
    /// sample, or the uses have to be told to the sketch.
    pub(super) fn touch(&mut self, slot: u32) -> bool {
        let Some(state) = self.states.get_mut(slot as usize) else { return false };
        let known = *state;
        let home = u32::from(known & LIST);
        if home == u32::from(NOWHERE) {
            return false;
        }
        let full = known >= MOST_USES * ONE_USE;
        if !full {
            *state = known + ONE_USE;
        }
        let list = if home >= CONDEMNED { home - CONDEMNED } else { home };
        let to = if list == WINDOW || self.tuning.window >= 100 { WINDOW } else { PROTECTED };
        if home == to {
            self.links.move_to_front(to, slot);
        } else {
            self.take(slot);
            self.put(slot, to);
        }
        full || known & SAMPLED != 0
    }

    /// Takes `slot` out. False when nothing was there.
    pub(super) fn remove(&mut self, slot: u32) -> bool {
        let there = self.contains(slot);
        if there {
            self.take(slot);
            self.states[slot as usize] = NOWHERE;
        }
        there
    }

    /// Condemned slots, the first condemned first.
    pub(super) fn condemned(&self) -> impl Iterator<Item = u32> + '_ {
        self.links.iter_back(CONDEMNED)
    }

    /// How many are condemned.
    pub(super) fn condemned_len(&self) -> u32 {
        self.lengths[CONDEMNED as usize]
    }

    /// Condemns one more of `capacity` entries. False when all are.
    pub(super) fn condemn(&mut self, capacity: u32, sketch: &Sketch, coin: &mut Rng) -> bool {
        let Some(slot) = self.choose(capacity, sketch, coin) else { return false };
        let state = self.states[slot as usize];
        self.take(slot);
        self.links.push_front(CONDEMNED, slot);
        self.lengths[CONDEMNED as usize] += 1;
        self.states[slot as usize] = state + CONDEMNED as u8;
        true
    }

    /// Who has to leave, of `capacity` entries. Condemned ones count as gone and replaced by newcomers.
    pub(super) fn choose(&mut self, capacity: u32, sketch: &Sketch, coin: &mut Rng) -> Option<u32> {
        let window = self.window_of(capacity);
        let main = capacity - window;
        let protected = (u64::from(main) * PROTECTED_SHARE / 100) as u32;
        let mut moves = 0;
        while self.lengths[PROTECTED as usize] > protected && moves < MOVES_PER_VICTIM {
            moves += 1;
            self.demote(PROTECTED, PROBATION);
        }
        loop {
            let victim = self.links.back(PROBATION).or_else(|| self.links.back(PROTECTED));
            let Some(candidate) = self.links.back(WINDOW) else { return victim };
            if self.lengths[WINDOW as usize] + self.lengths[CONDEMNED as usize] < window {
                return victim.or(Some(candidate));
            }
            if self.lengths[PROBATION as usize] + self.lengths[PROTECTED as usize] < main && moves < MOVES_PER_VICTIM {
                moves += 1;
                self.demote(WINDOW, PROBATION);
                continue;
            }
            let Some(victim) = victim else { return Some(candidate) };
            if !self.admits(candidate, victim, sketch, coin) {
                return Some(candidate);
            }
            self.demote(WINDOW, PROBATION);
            return Some(victim);
        }
    }

    fn admits(&self, candidate: u32, victim: u32, sketch: &Sketch, coin: &mut Rng) -> bool {
        let frequency = |slot: u32| sketch.frequency(self.hash(slot)) + u32::from(self.states[slot as usize] / ONE_USE);
        let (seen, known) = (frequency(candidate), frequency(victim));
        seen > known.min(self.tuning.proof) || (seen >= COIN_FREQUENCY && coin.bits().is_multiple_of(COIN_SIDES))
    }

    fn window_of(&self, capacity: u32) -> u32 {
        let share = u64::from(capacity) * u64::from(self.tuning.window) / 100;
        (share as u32).clamp(1, capacity.max(1)).min(capacity)
    }

    /// Moves the last of `from` to the front of `to`.
    fn demote(&mut self, from: u32, to: u32) {
        if let Some(slot) = self.links.back(from) {
            self.take(slot);
            self.put(slot, to);
        }
    }

    fn put(&mut self, slot: u32, list: u32) {
        self.links.push_front(list, slot);
        let state = &mut self.states[slot as usize];
        *state = *state & !LIST | list as u8;
        self.lengths[list as usize] += 1;
    }

    fn take(&mut self, slot: u32) {
        let home = u32::from(self.states[slot as usize] & LIST);
        self.lengths[home.min(CONDEMNED) as usize] -= 1;
        self.links.unlink(slot);
    }

    /// Every slot. For tests.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0..4).flat_map(|list| self.links.iter_back(list))
    }

    /// Recounts everything. For tests.
    pub(super) fn validate(&self) {
        for list in 0..4 {
            let listed: Vec<u32> = self.links.iter_back(list).collect();
            assert_eq!(listed.len(), self.lengths[list as usize] as usize, "list {list} is counted wrongly");
            let at_home = |&slot: &u32| u32::from(self.states[slot as usize] & LIST).min(CONDEMNED) == list;
            assert!(listed.iter().all(at_home), "a slot is not where it says");
        }
    }
}
