//! Which batch size gets most done: learned from how long batches took.
//!
//! Sizes stand on a ladder, each about a fifth larger than the one before. Of each rung an average of the time per item is
//! kept, in which the latest weigh most. It climbs in doublings while that pays, comes back to the best rung, and goes on
//! looking at the neighbours now and then, so that it follows what changes. A rung whose batches take longer than the
//! target is out of bounds until it is tried again. A batch that throws sends it down by half (additive increase,
//! multiplicative decrease: Chiu and Jain, 1989).

use std::num::NonZeroU32;

/// The bounds of what is learned.
#[derive(Clone, Copy, Debug)]
pub struct LearnedConfig {
    /// The smallest size, with which it begins.
    pub min: NonZeroU32,
    /// The largest.
    pub max: NonZeroU32,
    /// Batches should not take longer, in microseconds; `u64::MAX` means no target.
    pub target_micros: u64,
}

/// See the top of this file.
#[derive(Clone, Debug)]
pub struct LearnedSize {
    target: f64,
    rungs: Vec<Rung>,
    /// The best known.
    home: usize,
    /// The one in use, and how many batches of it are still to be seen before it is judged.
    trial: Trial,
    /// Batches at home before neighbours are looked at again; longer as long as that brings nothing.
    patience: u32,
    upward: bool,
}

#[derive(Clone, Debug)]
struct Rung {
    size: u32,
    /// Microseconds per item, and of a batch; nothing before the first.
    per_item: Option<f64>,
    seen: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trial {
    /// Going up by doublings from the bottom.
    Climb { rung: usize, left: u32 },
    /// At home, for so many batches.
    Rest { left: u32 },
    /// Looking at a neighbour.
    Probe { rung: usize, left: u32 },
}

/// The ratio of one rung to the one before.
const STEP: f64 = 1.19;
/// Rungs of a doubling.
const DOUBLING: usize = 4;
/// Batches by which a rung is judged while climbing, and while probing.
const CLIMB_BATCHES: u32 = 2;
const PROBE_BATCHES: u32 = 4;
const PATIENCE: (u32, u32) = (12, 96);
/// What a batch weighs in the average of its rung.
const WEIGHT: f64 = 0.25;
/// By how much another rung has to be better.
const BETTER: f64 = 0.993;
/// By how much a doubling has to be worse for the climb to end.
const WORSE: f64 = 1.05;

impl LearnedSize {
    /// Begins at the smallest size.
    pub fn new(config: LearnedConfig) -> Self {
        let (min, max) = (config.min.get(), config.max.get().max(config.min.get()));
        let mut sizes = vec![min];
        while let Some(&last) = sizes.last().filter(|&&last| last < max) {
            sizes.push((((f64::from(last) * STEP) as u32).max(last + 1)).min(max));
        }
        let rungs = sizes.into_iter().map(|size| Rung { size, per_item: None, seen: 0 }).collect();
        let target = if config.target_micros == u64::MAX { f64::INFINITY } else { config.target_micros as f64 };
        let trial = Trial::Climb { rung: 0, left: CLIMB_BATCHES };
        Self { target, rungs, home: 0, trial, patience: PATIENCE.0, upward: true }
    }

    /// The size of the next batch.
    pub fn size(&self) -> u32 {
        self.rungs[self.rung()].size
    }

    /// A batch of `len` items was answered after so long.
    pub fn handle_answer(&mut self, len: u32, micros: u64) {
        let Some(at) = self.rungs.iter().position(|rung| rung.size == len) else { return };
        let rung = &mut self.rungs[at];
        let fresh = micros.max(1) as f64 / f64::from(len);
        rung.per_item = Some(rung.per_item.map_or(fresh, |known| known + WEIGHT * (fresh - known)));
        rung.seen += 1;
        if at == self.rung() {
            self.advance();
        }
    }

    /// A batch of `len` items threw, or took too long.
    pub fn handle_failure(&mut self, len: u32) {
        if self.rungs[self.rung()].size > len {
            return;
        }
        self.home = self.rung().saturating_sub(DOUBLING);
        self.rest(PATIENCE.1);
    }

    fn rung(&self) -> usize {
        match self.trial {
            Trial::Climb { rung, .. } | Trial::Probe { rung, .. } => rung,
            Trial::Rest { .. } => self.home,
        }
    }

    fn advance(&mut self) {
        match &mut self.trial {
            Trial::Climb { left, .. } | Trial::Rest { left } | Trial::Probe { left, .. } if *left > 1 => *left -= 1,
            &mut Trial::Climb { rung, .. } => self.climb_from(rung),
            Trial::Rest { .. } => self.look_around(),
            &mut Trial::Probe { rung, .. } => self.judge(rung),
        }
        // What is at home may have become too slow for the target.
        if matches!(self.trial, Trial::Rest { .. }) && self.home > 0 && self.cost(self.home).is_infinite() {
            self.home -= 1;
            self.rest(PATIENCE.0);
        }
    }

    fn climb_from(&mut self, rung: usize) {
        if self.cost(rung) < self.cost(self.home) {
            self.home = rung;
        }
        let pays = self.cost(rung) <= self.cost(self.home) * WORSE;
        let top = self.rungs.len() - 1;
        if pays && rung < top {
            self.trial = Trial::Climb { rung: (rung + DOUBLING).min(top), left: CLIMB_BATCHES };
        } else {
            self.rest(1);
        }
    }

    fn look_around(&mut self) {
        let top = self.rungs.len() - 1;
        self.upward = !self.upward;
        let rung = if self.upward { (self.home + 1).min(top) } else { self.home.saturating_sub(1) };
        if rung == self.home {
            return self.rest(self.patience);
        }
        // What was known of it may be long ago.
        self.rungs[rung].per_item = None;
        self.trial = Trial::Probe { rung, left: PROBE_BATCHES };
    }

    fn judge(&mut self, rung: usize) {
        if self.cost(rung) < self.cost(self.home) * BETTER {
            // Goes on that way at once.
            self.upward = rung < self.home;
            self.home = rung;
            self.patience = PATIENCE.0;
            self.rest(1);
        } else {
            self.patience = (self.patience * 2).min(PATIENCE.1);
            self.rest(self.patience);
        }
    }

    fn rest(&mut self, left: u32) {
        self.trial = Trial::Rest { left };
    }

    /// Time per item; infinite where a batch would take longer than the target.
    fn cost(&self, at: usize) -> f64 {
        let rung = &self.rungs[at];
        match rung.per_item {
            Some(per_item) if per_item * f64::from(rung.size) <= self.target || at == 0 => per_item,
            _ => f64::INFINITY,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LearnedConfig, LearnedSize};
    use crate::rng::Rng;
    use proptest::prelude::proptest;
    use std::num::NonZeroU32;

    const ITEMS: u64 = 300_000;

    /// Milliseconds that a batch takes, by its size.
    type Curve = fn(f64) -> f64;

    fn learner(min: u32, max: u32, target_micros: u64) -> LearnedSize {
        let positive = |count| NonZeroU32::new(count).expect("not zero");
        LearnedSize::new(LearnedConfig { min: positive(min), max: positive(max), target_micros })
    }

    /// Microseconds that a batch takes, by its size, within a tenth more or less.
    fn noisy(curve: impl Fn(f64) -> f64, size: u32, rng: &mut Rng) -> u64 {
        let noise = rng.between(900, 1100) as f64 / 1000.0;
        (curve(f64::from(size)) * noise * 1000.0) as u64
    }

    /// Items a second, as learned, and with the best fixed size within the target.
    fn against_the_best(curve: impl Fn(f64) -> f64, target_ms: Option<f64>, seed: u64) -> (f64, f64) {
        let mut rng = Rng::new(seed);
        let mut learned = learner(1, 1000, target_ms.map_or(u64::MAX, |ms| (ms * 1000.0) as u64));
        let (mut done, mut micros) = (0u64, 0u64);
        while done < ITEMS {
            let size = learned.size();
            let took = noisy(&curve, size, &mut rng);
            learned.handle_answer(size, took);
            (done, micros) = (done + u64::from(size), micros + took);
        }
        let best = (1..=1000u32)
            .filter(|&size| target_ms.is_none_or(|target| curve(f64::from(size)) <= target))
            .map(|size| f64::from(size) / curve(f64::from(size)))
            .fold(0.0, f64::max);
        (done as f64 / (micros as f64 / 1000.0), best)
    }

    fn overhead_and_a_bit_each(size: f64) -> f64 {
        20.0 + 0.5 * size
    }

    fn worse_than_linear(size: f64) -> f64 {
        10.0 + 0.1 * size + 0.001 * size * size
    }

    fn a_cliff(size: f64) -> f64 {
        5.0 + 0.2 * size + 3.0 * (size - 64.0).max(0.0)
    }

    #[test]
    fn learned_batch_size_reaches_95_percent_of_the_best_fixed_size_over_three_latency_curves() {
        let curves: [(Curve, Option<f64>); 4] = [
            (overhead_and_a_bit_each, None),
            (overhead_and_a_bit_each, Some(200.0)),
            (worse_than_linear, None),
            (a_cliff, None),
        ];
        for (which, (curve, target)) in curves.into_iter().enumerate() {
            for seed in 1..=20 {
                let (learned, best) = against_the_best(curve, target, seed);
                assert!(learned >= 0.95 * best, "curve {which}, seed {seed}: {:.3} of the best", learned / best);
            }
        }
    }

    #[test]
    fn follows_a_service_that_becomes_another() {
        let mut rng = Rng::new(5);
        let mut learned = learner(1, 1000, u64::MAX);
        for curve in [a_cliff as Curve, overhead_and_a_bit_each, a_cliff] {
            for _ in 0..4000 {
                let size = learned.size();
                learned.handle_answer(size, noisy(curve, size, &mut rng));
            }
            let best = (1..=1000).map(|size| f64::from(size) / curve(f64::from(size))).fold(0.0, f64::max);
            let size = f64::from(learned.size());
            assert!(size / curve(size) >= 0.9 * best, "at {size}");
        }
    }

    #[test]
    fn goes_down_by_half_when_batches_throw() {
        let mut learned = learner(10, 1000, u64::MAX);
        for _ in 0..1000 {
            learned.handle_answer(learned.size(), 1000);
        }
        let before = learned.size();
        learned.handle_failure(before);
        assert!(learned.size() * 5 <= before * 3, "{before} to {}", learned.size());
        for _ in 0..20 {
            learned.handle_failure(learned.size());
        }
        assert_eq!(learned.size(), 10);
    }

    proptest! {
        #[test]
        fn stays_within_its_bounds(min in 1..200u32, more in 0..2000u32, target: u64, answers: Vec<(bool, u32)>) {
            let mut learned = learner(min, min + more, target);
            for (threw, micros) in answers {
                let size = learned.size();
                assert!((min..=min + more).contains(&size));
                if threw { learned.handle_failure(size) } else { learned.handle_answer(size, u64::from(micros)) }
            }
        }
    }
}
