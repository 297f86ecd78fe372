//! W-TinyLFU (Einziger, Friedman and Manes, "TinyLFU: A Highly Efficient Cache Admission Policy", ACM Transactions on
//! Storage, 2017; Einziger, Eytan, Friedman and Manes, "Adaptive Software Cache Management", Middleware 2018).
//!
//! Newcomers enter a window. What leaves the window enters the main part, which is divided into probation and protected,
//! only if the sketch says that it was asked for oftener than the victim there.
//!
//! The lists are by recency only roughly: a use is noted on the slot, and the slot moves when it is met at the end of its
//! list, as in CLOCK (Corbató, 1968). So a hit costs one byte, and the hit ratio is no worse.
//!
//! Two things can be tuned while it runs, by whoever knows better ([`super::watched`]): the share of the window; and how much
//! *proof* is enough: who was seen more than `proof` times gets in whatever the victim did, as in S3-FIFO, so that what
//! was hot long ago makes way for a new loop.

use crate::cache::sketch::Sketch;
use crate::rng::Rng;
use crate::slab::Links;

const WINDOW: u32 = 0;
const PROBATION: u32 = 1;
const PROTECTED: u32 = 2;
const CONDEMNED: u32 = 3;

/// The state of a slot: its list, or the one it was condemned in; whether it is condemned; whether its key is in the sample; and
/// in the high bits how often it was used since it was last met.
const LIST: u8 = 0b11;
const IS_CONDEMNED: u8 = 0b100;
const IS_SAMPLED: u8 = 0b1000;
/// In no list. Marked as condemned, so that a use of it is looked at closer, too.
const NOWHERE: u8 = 0b111;
const CLOSER: u8 = IS_CONDEMNED | IS_SAMPLED;
const ONE_USE: u8 = 0b1_0000;
const MOST_USES: u8 = 15;

/// Of the main part, per cent.
const PROTECTED_SHARE: u64 = 80;
/// Of so many that enter the main part, one makes the end of the protected prove itself: who was hot once does not stay for ever.
const ENTRANTS_PER_PROOF: u8 = 4;
/// A candidate that loses although it was seen this often gets a coin: a flood of hits on a few forged keys cannot
/// keep everybody else out for ever (as in Caffeine).
const COIN_FREQUENCY: u32 = 6;
const COIN_SIDES: u64 = 128;
/// Entries moved between lists for one victim, so that neither a new tuning nor many uses ever cost a pause.
const MOVES_PER_VICTIM: u32 = 64;

/// How the room is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tuning {
    /// Of all entries, per cent.
    pub(super) window: u32,
    /// Seen oftener than this is admitted, whoever the victim is.
    pub(super) proof: u32,
}

/// What is known of the keys in the slots.
pub(super) struct Judge<'a> {
    pub(super) sketch: &'a mut Sketch,
    /// By slot.
    pub(super) hashes: &'a [u32],
    pub(super) coin: &'a mut Rng,
    /// Whether the sketch is to hear of the uses that are found on slots.
    pub(super) tells: bool,
}

/// The queues of W-TinyLFU over slots.
#[derive(Clone, Debug)]
pub(super) struct Queues {
    links: Links,
    states: Vec<u8>,
    lengths: [u32; 4],
    tuning: Tuning,
    entrants: u8,
}

impl Queues {
    pub(super) fn new(tuning: Tuning) -> Self {
        Self { links: Links::new(4), states: Vec::new(), lengths: [0; 4], tuning, entrants: 0 }
    }

    /// From now on the room is divided so.
    pub(super) fn tune(&mut self, tuning: Tuning) {
        self.tuning = tuning;
    }

    /// How many slots there are, the condemned among them.
    pub(super) fn len(&self) -> u32 {
        self.lengths.iter().sum()
    }

    pub(super) fn contains(&self, slot: u32) -> bool {
        self.states.get(slot as usize).is_some_and(|state| state & LIST != NOWHERE & LIST)
    }

    pub(super) fn is_condemned(&self, slot: u32) -> bool {
        self.contains(slot) && self.states[slot as usize] & IS_CONDEMNED != 0
    }

    /// How often the entry in `slot` was used since it was last met.
    pub(super) fn uses(&self, slot: u32) -> u32 {
        u32::from(self.states[slot as usize] / ONE_USE)
    }

    /// Says anew whether the key of `slot`, which holds an entry, is in the sample.
    pub(super) fn mark_sampled(&mut self, slot: u32, is_sampled: bool) {
        let state = &mut self.states[slot as usize];
        *state = *state & !IS_SAMPLED | if is_sampled { IS_SAMPLED } else { 0 };
    }

    /// `slot`, which holds nothing, holds a newcomer.
    pub(super) fn insert(&mut self, slot: u32, is_sampled: bool) {
        if self.states.len() <= slot as usize {
            self.states.resize(slot as usize + 1, NOWHERE);
        }
        self.states[slot as usize] = if is_sampled { IS_SAMPLED } else { 0 };
        self.put(slot, WINDOW);
    }

    /// `slot` was used, if it holds an entry. Whether the owner has to look closer: at an entry that is condemned or in the
    /// sample, or at a slot that holds none.
    #[inline]
    pub(super) fn note_use(&mut self, slot: u32) -> bool {
        let Some(state) = self.states.get_mut(slot as usize) else { return false };
        let known = *state;
        *state = if known < MOST_USES * ONE_USE { known + ONE_USE } else { known };
        known & CLOSER != 0
    }

    /// Takes `slot`, which is condemned, back in, to be met soon.
    pub(super) fn pardon(&mut self, slot: u32) {
        let home = u32::from(self.states[slot as usize] & LIST);
        self.take(slot);
        self.links.push_back(home, slot);
        self.states[slot as usize] &= !IS_CONDEMNED;
        self.lengths[home as usize] += 1;
    }

    /// Sets `slot`, which is in a list, aside.
    pub(super) fn condemn(&mut self, slot: u32) {
        self.take(slot);
        self.links.push_front(CONDEMNED, slot);
        self.states[slot as usize] |= IS_CONDEMNED;
        self.lengths[CONDEMNED as usize] += 1;
    }

    /// Takes `slot` out. How often it was used since it was last met.
    pub(super) fn remove(&mut self, slot: u32) -> u32 {
        self.take(slot);
        u32::from(std::mem::replace(&mut self.states[slot as usize], NOWHERE) / ONE_USE)
    }

    /// Condemned slots, the first condemned first.
    pub(super) fn condemned(&self) -> impl Iterator<Item = u32> + '_ {
        self.links.iter_back(CONDEMNED)
    }

    /// How many are condemned.
    pub(super) fn condemned_len(&self) -> u32 {
        self.lengths[CONDEMNED as usize]
    }

    /// Who has to leave, of `capacity` entries. Condemned ones count as gone and replaced by newcomers.
    pub(super) fn choose(&mut self, capacity: u32, judge: &mut Judge) -> Option<u32> {
        let window = self.window_of(capacity);
        let main = capacity - window;
        let protected = (u64::from(main) * PROTECTED_SHARE / 100) as u32;
        let mut moves = MOVES_PER_VICTIM;
        while self.lengths[PROTECTED as usize] > protected && moves > 0 {
            moves -= 1;
            self.prove_protected(judge);
        }
        loop {
            let candidate = self.unused_back(WINDOW, WINDOW, &mut moves, judge);
            let victim = self
                .unused_back(PROBATION, PROTECTED, &mut moves, judge)
                .or_else(|| self.unused_back(PROTECTED, PROTECTED, &mut moves, judge));
            let Some(candidate) = candidate else { return victim };
            if self.lengths[WINDOW as usize] + self.lengths[CONDEMNED as usize] < window {
                return victim.or(Some(candidate));
            }
            if self.lengths[PROBATION as usize] + self.lengths[PROTECTED as usize] < main && moves > 0 {
                moves -= 1;
                self.meet(candidate, PROBATION, judge);
                continue;
            }
            let Some(victim) = victim else { return Some(candidate) };
            if !self.admits(candidate, victim, judge) {
                return Some(candidate);
            }
            self.meet(candidate, PROBATION, judge);
            self.entrants = (self.entrants + 1) % ENTRANTS_PER_PROOF;
            if self.entrants == 0 && self.links.back(PROTECTED) != Some(victim) {
                self.prove_protected(judge);
            }
            return Some(victim);
        }
    }

    /// The last of `list` that was not used since it was last met; who was moves to the front of `reward`.
    fn unused_back(&mut self, list: u32, reward: u32, moves: &mut u32, judge: &mut Judge) -> Option<u32> {
        loop {
            let slot = self.links.back(list)?;
            if self.states[slot as usize] < ONE_USE || *moves == 0 {
                return Some(slot);
            }
            *moves -= 1;
            self.meet(slot, reward, judge);
        }
    }

    /// The last of the protected goes to the front if it was used, and otherwise on probation.
    fn prove_protected(&mut self, judge: &mut Judge) {
        if let Some(slot) = self.links.back(PROTECTED) {
            let was_used = self.states[slot as usize] >= ONE_USE;
            self.meet(slot, if was_used { PROTECTED } else { PROBATION }, judge);
        }
    }

    /// Tells the sketch of the uses of `slot` and moves it to the front of `list`.
    #[inline(never)] // In five places at once it would be 2 kB of the core.
    fn meet(&mut self, slot: u32, list: u32, judge: &mut Judge) {
        self.take(slot);
        let state = &mut self.states[slot as usize];
        let uses = u32::from(*state / ONE_USE);
        *state %= ONE_USE;
        if judge.tells && uses > 0 {
            judge.sketch.add(judge.hashes[slot as usize], uses);
        }
        self.put(slot, list);
    }

    fn admits(&self, candidate: u32, victim: u32, judge: &mut Judge) -> bool {
        let frequency = |slot: u32| judge.sketch.frequency(judge.hashes[slot as usize]) + self.uses(slot);
        let (seen, known) = (frequency(candidate), frequency(victim));
        seen > known.min(self.tuning.proof) || (seen >= COIN_FREQUENCY && judge.coin.bits().is_multiple_of(COIN_SIDES))
    }

    /// How many of `capacity` entries are in the window.
    pub(super) fn window_of(&self, capacity: u32) -> u32 {
        let share = u64::from(capacity) * u64::from(self.tuning.window) / 100;
        (share as u32).clamp(1, capacity.max(1)).min(capacity)
    }

    fn put(&mut self, slot: u32, list: u32) {
        self.links.push_front(list, slot);
        let state = &mut self.states[slot as usize];
        *state = *state & !LIST | list as u8;
        self.lengths[list as usize] += 1;
    }

    fn take(&mut self, slot: u32) {
        let state = self.states[slot as usize];
        let list = if state & IS_CONDEMNED != 0 { CONDEMNED } else { u32::from(state & LIST) };
        self.lengths[list as usize] -= 1;
        self.links.unlink(slot);
    }

    /// Every slot.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0..4).flat_map(|list| self.links.iter_back(list))
    }

    /// Recounts everything. For tests.
    pub(super) fn validate(&self) {
        for list in 0..4 {
            let listed: Vec<u32> = self.links.iter_back(list).collect();
            assert_eq!(listed.len(), self.lengths[list as usize] as usize, "list {list} is counted wrongly");
            let at_home = |&slot: &u32| {
                let state = self.states[slot as usize];
                list == if state & IS_CONDEMNED != 0 { CONDEMNED } else { u32::from(state & LIST) }
            };
            assert!(listed.iter().all(at_home), "a slot is not where it says");
        }
    }
}
