//! A queue with so many servers, whose clients keep to the limit and always want more.

use super::{Adaptive, AdaptiveRules, Algorithm, LimitChange, Load, Reason};
use crate::rng::Rng;
use crate::time::{Duration, Instant};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Service times are spread around their mean.
#[derive(Clone, Copy)]
enum Spread {
    /// By a tenth.
    Even,
    /// As waiting times are: many short ones and a long tail.
    Exponential,
}

struct Simulation {
    machine: Adaptive,
    rng: Rng,
    spread: Spread,
    /// When each server is free, in microseconds.
    servers: BinaryHeap<Reverse<u64>>,
    /// What is under way: when it ends and began.
    calls: BinaryHeap<Reverse<(u64, u64)>>,
    now: u64,
    mean: f64,
    /// Of a thousand calls, so many are refused.
    refused: u64,
    changes: Vec<LimitChange>,
    served: u64,
}

fn rules(algorithm: Algorithm) -> AdaptiveRules {
    let max_healthy_latency = Duration::FOREVER;
    AdaptiveRules { algorithm, min: 1, max: 500, initial: 10, max_healthy_latency, max_limit_factor: 5 }
}

impl Simulation {
    fn new(rules: AdaptiveRules, servers: usize, mean: f64, spread: Spread) -> Self {
        Self {
            machine: Adaptive::new(rules, Instant::ZERO),
            rng: Rng::new(11),
            spread,
            servers: (0..servers).map(|_| Reverse(0)).collect(),
            calls: BinaryHeap::new(),
            now: 0,
            mean,
            refused: 0,
            changes: Vec::new(),
            served: 0,
        }
    }

    fn service(&mut self) -> f64 {
        let drawn = self.rng.between(1, 1_000_000) as f64 / 1e6;
        self.mean
            * match self.spread {
                Spread::Even => 0.9 + 0.2 * drawn,
                Spread::Exponential => -drawn.ln(),
            }
    }

    fn fill(&mut self) {
        while self.calls.len() < self.machine.limit() as usize {
            let took = (self.service() * 1000.0) as u64;
            let Some(Reverse(free)) = self.servers.pop() else { return };
            let end = free.max(self.now) + took;
            self.servers.push(Reverse(end));
            self.calls.push(Reverse((end, self.now)));
        }
    }

    /// Runs for so many seconds; the mean of the limit over the second half, without probes.
    fn run(&mut self, seconds: u64) -> f64 {
        let (begin, end) = (self.now, self.now + seconds * 1_000_000);
        let (mut sum, mut count) = (0.0, 0.0);
        self.fill();
        while let Some(Reverse((at, began))) = self.calls.pop().filter(|Reverse((at, _))| *at <= end) {
            self.now = at;
            let inflight = self.calls.len() as u32 + 1;
            let load = if self.rng.between(1, 1000) <= self.refused { Load::Overload } else { Load::Served };
            let took = (at - began) as f64 / 1000.0;
            self.changes.extend(self.machine.record(took, inflight, load, Instant::from_millis(at / 1000)));
            self.served += 1;
            if at > begin.midpoint(end) && self.machine.probe.is_none() {
                sum += f64::from(self.machine.limit());
                count += 1.0;
            }
            self.fill();
        }
        self.now = end;
        sum / f64::max(count, 1.0)
    }
}

fn assert_near(limit: f64, knee: f64) {
    assert!((limit - knee).abs() <= 0.2 * knee, "{limit} is not near {knee}");
}

#[test]
fn settles_within_a_fifth_of_the_knee_and_recovers_after_steps() {
    for (servers, mean) in [(10, 20.0), (40, 50.0), (100, 10.0), (25, 200.0)] {
        let mut simulation = Simulation::new(rules(Algorithm::Gradient), servers, mean, Spread::Even);
        assert_near(simulation.run(60), servers as f64);
        // Slower by half, three times as slow, and back: the knee stays where it is.
        for factor in [1.5, 2.0, 1.0 / 3.0] {
            simulation.mean *= factor;
            assert_near(simulation.run(90), servers as f64);
        }
        // Half of the servers go, and come back.
        for _ in 0..servers / 2 {
            simulation.servers.pop();
        }
        assert_near(simulation.run(90), (servers - servers / 2) as f64);
        for _ in 0..servers / 2 {
            simulation.servers.push(Reverse(simulation.now));
        }
        assert_near(simulation.run(120), servers as f64);
    }
}

#[test]
fn settles_near_the_knee_when_service_times_have_a_long_tail() {
    for servers in [20, 80] {
        let mut simulation = Simulation::new(rules(Algorithm::Gradient), servers, 30.0, Spread::Exponential);
        let limit = simulation.run(120);
        assert!(limit > 0.7 * servers as f64 && limit < 1.4 * servers as f64, "{limit} for {servers}");
    }
}

/// concurrency-limits #137: with timeouts alone the limit went to its maximum.
#[test]
fn does_not_grow_under_constant_timeouts() {
    for algorithm in [Algorithm::Gradient, Algorithm::Aimd] {
        let mut machine = Adaptive::new(AdaptiveRules { initial: 50, ..rules(algorithm) }, Instant::ZERO);
        let mut now = 0;
        for _ in 0..2000 {
            now += 100;
            let before = machine.limit();
            let change = machine.record(1000.0, before, Load::Overload, Instant::from_millis(now));
            assert!(machine.limit() <= before);
            assert!(change.is_none_or(|change| change.reason == Reason::Overload));
        }
        assert_eq!(machine.limit(), 1);
    }
}

/// concurrency-limits #134: at a gradient of 0.8 the limit grew without end.
#[test]
fn does_not_grow_at_a_gradient_of_four_fifths() {
    let mut machine = Adaptive::new(rules(Algorithm::Gradient), Instant::ZERO);
    let mut now = 0;
    let mut run = |machine: &mut Adaptive, calls: u32, slower: f64| {
        for _ in 0..calls {
            now += 5;
            let took = if machine.probe.is_some() { 10.0 } else { 10.0 * slower };
            machine.record(took, machine.limit(), Load::Served, Instant::from_millis(now));
        }
    };
    run(&mut machine, 30, 1.0);
    run(&mut machine, 100_000, 1.25);
    assert!(machine.limit() <= 20, "{}", machine.limit());
}

/// failsafe-go #127: the base rose during a long incident, and with it the limit.
#[test]
fn holds_in_an_incident_of_thirty_minutes() {
    let mut simulation = Simulation::new(rules(Algorithm::Gradient), 30, 20.0, Spread::Even);
    assert_near(simulation.run(60), 30.0);
    simulation.mean *= 10.0;
    for _ in 0..30 {
        let limit = simulation.run(60);
        assert!(limit <= 1.3 * 30.0, "{limit} after {} s", simulation.now / 1_000_000);
    }
    simulation.mean /= 10.0;
    assert_near(simulation.run(120), 30.0);
}

#[test]
fn healthy_latency_is_a_guard_of_its_own() {
    let guarded = AdaptiveRules { max_healthy_latency: Duration::from_millis(40), ..rules(Algorithm::Gradient) };
    let mut simulation = Simulation::new(guarded, 10, 100.0, Spread::Even);
    simulation.run(60);
    assert_eq!(simulation.machine.limit(), 1);
    assert!(simulation.changes.iter().any(|change| change.reason == Reason::Unhealthy));
}

#[test]
fn refusals_bound_aimd_and_every_change_has_its_reason() {
    let mut simulation = Simulation::new(rules(Algorithm::Aimd), 1000, 20.0, Spread::Even);
    assert!(simulation.run(60) > 100.0);
    simulation.refused = 50;
    assert!(simulation.run(60) < 20.0);
    let mut gradient = Simulation::new(rules(Algorithm::Gradient), 10, 20.0, Spread::Even);
    gradient.run(120);
    let mut limit = 10;
    for change in gradient.changes {
        assert_eq!(change.from, limit);
        assert_ne!(change.from, change.to);
        limit = change.to;
    }
}

#[test]
fn a_limit_that_nobody_uses_does_not_stay_high() {
    let mut machine = Adaptive::new(AdaptiveRules { initial: 200, ..rules(Algorithm::Gradient) }, Instant::ZERO);
    for call in 0..2000 {
        machine.record(10.0, 2, Load::Served, Instant::from_millis(call * 20));
    }
    assert!(machine.limit() <= 10, "{}", machine.limit());
    assert!(machine.base().is_some_and(|base| base > 9.0));
}
