//! A hierarchical timing wheel (Varghese and Lauck, 1987) that only proposes.
//!
//! Slots of the caller are filed by due time in six levels of 64 buckets; a bucket of level `n` spans `64^n`
//! milliseconds. Filing, removing and advancing are O(1) amortised, whatever the number of timers. A bucket whose
//! time has come is set aside whole and worked off entry by entry, so one call never does more than its budget.

mod level;

use crate::column::Column;
use crate::slab::Links;
use crate::time::Instant;
use level::{BUCKETS, HORIZON, LEVELS, Level, level_of};

const PENDING: u32 = (LEVELS * BUCKETS) as u32;

/// Which of many slots are due. Each slot has at most one due time.
#[derive(Clone, Debug)]
pub struct Wheel {
    elapsed: u64,
    levels: [Level; LEVELS],
    links: Links,
    /// The lower halves of the due times, and the upper ones, which take no memory for the first 49 days.
    due_low: Column,
    due_high: Column,
    len: usize,
}

impl Wheel {
    /// A wheel without timers that begins at `now`.
    pub fn new(now: Instant) -> Self {
        Self {
            elapsed: now.as_millis(),
            levels: [Level::default(); LEVELS],
            links: Links::new(PENDING + 1),
            due_low: Column::new(0),
            due_high: Column::new(0),
            len: 0,
        }
    }

    /// Files `slot` under `when`, in place of an earlier due time if it had one. [`Instant::NEVER`] removes it.
    pub fn insert(&mut self, slot: u32, when: Instant) {
        self.remove(slot);
        if when == Instant::NEVER {
            return;
        }
        let when = when.as_millis();
        self.due_low.set(slot, when as u32);
        let high = (when >> u32::BITS) as u32;
        if high != self.due_high.get(slot) {
            self.due_high.set(slot, high);
        }
        self.len += 1;
        self.file(slot);
    }

    /// Forgets the due time of `slot`. False when it had none.
    pub fn remove(&mut self, slot: u32) -> bool {
        let removed = self.links.unlink(slot);
        self.len -= usize::from(removed);
        removed
    }

    /// Takes out one slot that is due at `now`. Each step of work, a refiled slot too, costs one of `budget`;
    /// `None` with budget left means that nothing more is due.
    pub fn poll(&mut self, now: Instant, budget: &mut u32) -> Option<u32> {
        let now = now.as_millis();
        if now.saturating_sub(self.elapsed) > HORIZON {
            self.jump(now);
        }
        while *budget > 0 {
            if let Some(slot) = self.links.front(PENDING) {
                *budget -= 1;
                self.links.unlink(slot);
                if self.due_of(slot) <= now.max(self.elapsed) {
                    self.len -= 1;
                    return Some(slot);
                }
                self.file(slot);
                continue;
            }
            match self.next_bucket() {
                Some((bucket, start)) if start <= now => {
                    self.elapsed = self.elapsed.max(start);
                    self.set_aside(bucket);
                }
                _ => {
                    self.elapsed = self.elapsed.max(now);
                    return None;
                }
            }
        }
        None
    }

    /// When to poll next. Never later than the first due time; earlier when only a coarse bucket comes up.
    pub fn poll_at(&self) -> Option<Instant> {
        if !self.links.is_empty(PENDING) {
            return Some(Instant::from_millis(self.elapsed));
        }
        self.next_bucket().map(|(_, start)| Instant::from_millis(start))
    }

    /// How many slots are filed.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no slot is filed.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The due time of `slot`, if it is filed.
    pub fn due(&self, slot: u32) -> Option<Instant> {
        self.links.is_linked(slot).then(|| Instant::from_millis(self.due_of(slot)))
    }

    fn due_of(&self, slot: u32) -> u64 {
        u64::from(self.due_high.get(slot)) << u32::BITS | u64::from(self.due_low.get(slot))
    }

    fn file(&mut self, slot: u32) {
        let when = self.due_of(slot);
        if when <= self.elapsed {
            self.links.push_back(PENDING, slot);
            return;
        }
        let level = level_of(self.elapsed, when);
        let bucket = level::bucket_of(level, when);
        self.levels[level].mark(bucket);
        self.links.push_back((level * BUCKETS + bucket) as u32, slot);
    }

    /// The first bucket with a slot, from the finest level up, and the time at which it begins.
    ///
    /// Marks are cleared lazily, so a marked bucket may turn out empty.
    fn next_bucket(&self) -> Option<((usize, usize), u64)> {
        let next_in = |level: usize| {
            self.levels[level]
                .marked_from(level, self.elapsed)
                .find(|&(bucket, _)| !self.links.is_empty((level * BUCKETS + bucket) as u32))
                .map(|(bucket, start)| ((level, bucket), start))
        };
        (0..LEVELS).find_map(next_in)
    }

    /// After a leap of years, looking at every timer once beats turning the wheel through the years.
    fn jump(&mut self, now: u64) {
        for list in 0..PENDING {
            self.links.append(list, PENDING);
        }
        self.levels = [Level::default(); LEVELS];
        self.elapsed = now;
    }

    fn set_aside(&mut self, (level, bucket): (usize, usize)) {
        // Buckets passed over were empty: clear every mark up to this one so that the next look-up is short.
        for (index, levels) in self.levels.iter_mut().enumerate().take(level + 1) {
            let links = &self.links;
            levels.keep(|bucket| !links.is_empty((index * BUCKETS + bucket) as u32));
        }
        self.levels[level].clear(bucket);
        self.links.append((level * BUCKETS + bucket) as u32, PENDING);
    }
}

#[cfg(test)]
mod tests {
    use super::Wheel;
    use crate::time::Instant;
    use proptest::prelude::{Strategy, any, prop_oneof, proptest};
    use std::collections::{BTreeMap, BTreeSet};

    #[derive(Clone, Debug)]
    enum Op {
        Insert(u32, u64),
        Remove(u32),
        Advance(u64),
    }

    fn span() -> impl Strategy<Value = u64> {
        prop_oneof![0..10u64, 0..300u64, 0..100_000u64, 0..10_000_000_000u64, any::<u64>()]
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            (0..30u32, span()).prop_map(|(slot, span)| Op::Insert(slot, span)),
            (0..30u32).prop_map(Op::Remove),
            span().prop_map(|span| Op::Advance(span >> 8)),
        ]
    }

    proptest! {
        #[test]
        fn proposes_exactly_what_is_due(start in 0..1_000_000u64, ops in proptest::collection::vec(op(), 0..100)) {
            let mut now = start;
            let mut wheel = Wheel::new(Instant::from_millis(now));
            let mut model = BTreeMap::new();
            for op in ops {
                match op {
                    Op::Insert(slot, span) => {
                        let when = now.saturating_add(span);
                        wheel.insert(slot, Instant::from_millis(when));
                        model.insert(slot, when);
                        if when == u64::MAX {
                            model.remove(&slot);
                        }
                    }
                    Op::Remove(slot) => assert_eq!(wheel.remove(slot), model.remove(&slot).is_some()),
                    Op::Advance(span) => {
                        now = now.saturating_add(span).min(u64::MAX - 1);
                        let mut found = BTreeSet::new();
                        let mut budget = u32::MAX;
                        while let Some(slot) = wheel.poll(Instant::from_millis(now), &mut budget) {
                            assert!(found.insert(slot));
                        }
                        let due: BTreeSet<u32> = model.iter().filter(|&(_, &at)| at <= now).map(|(&slot, _)| slot).collect();
                        assert_eq!(found, due);
                        model.retain(|_, &mut at| at > now);
                    }
                }
                assert_eq!(wheel.len(), model.len());
                let first = model.values().min().copied();
                assert_eq!(wheel.poll_at().is_some(), first.is_some());
                assert!(wheel.poll_at().map(Instant::as_millis) <= first);
            }
        }
    }

    #[test]
    fn a_call_never_exceeds_its_budget() {
        let mut wheel = Wheel::new(Instant::ZERO);
        for slot in 0..1000 {
            wheel.insert(slot, Instant::from_millis(5000));
        }
        let mut found = 0;
        let mut calls = 0;
        while !wheel.is_empty() {
            let mut budget = 64;
            while wheel.poll(Instant::from_millis(6000), &mut budget).is_some() {
                found += 1;
            }
            calls += 1;
            assert!(calls < 1000);
        }
        assert_eq!(found, 1000);
        assert!(calls >= 1000 / 64);
    }

    #[test]
    fn waking_at_poll_at_reaches_every_timer_at_its_time() {
        let mut wheel = Wheel::new(Instant::ZERO);
        for (slot, when) in [(0, 1), (1, 64), (2, 4097), (3, 300_000), (4, 90_000_000_000)] {
            wheel.insert(slot, Instant::from_millis(when));
        }
        let mut fired = Vec::new();
        while let Some(at) = wheel.poll_at() {
            while let Some(slot) = wheel.poll(at, &mut u32::MAX.clone()) {
                fired.push((slot, at.as_millis()));
            }
        }
        assert_eq!(fired, [(0, 1), (1, 64), (2, 4097), (3, 300_000), (4, 90_000_000_000)]);
    }
}
