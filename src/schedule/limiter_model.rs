//! The limiter against a naive model, which keeps a level in exact units and a list, and looks at every window.

use super::{Entry, Limiter, LimiterConfig, Micros, Rate, Refusal, Turn};
use crate::slab::Token;
use proptest::prelude::{Strategy, prop_oneof, proptest};
use std::num::NonZeroU32;

#[derive(Clone, Debug)]
enum Op {
    Admit(u32),
    Take(u32),
    Cancel(usize),
    Hold(u64),
    /// Time passes, and the host polls whenever it is asked to.
    Advance(u64),
    /// Time passes and the host is too busy to poll.
    Drift(u64),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0..7u32).prop_map(Op::Admit),
        1 => (0..7u32).prop_map(Op::Take),
        1 => (0..10usize).prop_map(Op::Cancel),
        1 => (0..3000u64).prop_map(Op::Hold),
        3 => (0..1500u64).prop_map(Op::Advance),
        1 => (0..1500u64).prop_map(Op::Drift),
    ]
}

/// The naive model: a level in exact units, a list, and a step for each microsecond in which something might happen.
struct World {
    machine: Limiter,
    config: LimiterConfig,
    now: u64,
    level: u64,
    held: u64,
    line: Vec<(Token, u32, u64)>,
    admitted: Vec<(u64, u32)>,
}

impl World {
    fn new(config: LimiterConfig) -> Self {
        let level = u64::from(config.rate.burst.get()) * config.rate.interval.0;
        let machine = Limiter::new(config, Micros(0));
        Self { machine, config, now: 0, level, held: 0, line: Vec::new(), admitted: Vec::new() }
    }

    fn pass(&mut self, span: u64) {
        let Rate { tokens, interval, burst } = self.config.rate;
        self.now += span;
        self.level = (self.level + span * u64::from(tokens.get())).min(u64::from(burst.get()) * interval.0);
    }

    fn allows(&self, cost: u32) -> bool {
        self.now >= self.held && self.level >= u64::from(cost) * self.config.rate.interval.0
    }

    fn spend(&mut self, cost: u32) {
        self.level -= u64::from(cost) * self.config.rate.interval.0;
        self.admitted.push((self.now, cost));
    }

    /// When the last of `costs` would go on, found by going on step by step.
    fn foresee(&self, costs: &[u32]) -> u64 {
        let unit = self.config.rate.interval.0;
        let cap = u64::from(self.config.rate.burst.get()) * unit;
        let drip = u64::from(self.config.rate.tokens.get());
        let begin = self.now.max(self.held);
        let level = (self.level + (begin - self.now) * drip).min(cap);
        let need: u64 = costs.iter().map(|&cost| u64::from(cost) * unit).sum();
        begin + need.saturating_sub(level).div_ceil(drip)
    }

    fn poll(&mut self) {
        while let Some(turn) = self.machine.poll(Micros(self.now)) {
            match turn {
                Turn::Admit(ticket) => {
                    let (first, cost, _) = self.line.remove(0);
                    assert_eq!(ticket, first, "in turn");
                    assert!(self.allows(cost), "not before its tokens are there");
                    self.spend(cost);
                }
                Turn::Refuse(ticket, until) => {
                    let at = self.line.iter().position(|&(one, ..)| one == ticket).expect("in line");
                    assert!(until.0 > self.line.remove(at).2);
                }
            }
        }
        assert!(self.line.first().is_none_or(|&(_, cost, _)| !self.allows(cost)), "as soon as its tokens are there");
    }

    fn apply(&mut self, op: Op) {
        let burst = self.config.rate.burst.get();
        match op {
            Op::Admit(cost) => {
                let mut costs: Vec<u32> = self.line.iter().map(|&(_, cost, _)| cost).collect();
                costs.push(cost);
                let until = self.foresee(&costs);
                match self.machine.admit(cost, Micros(self.now)) {
                    Entry::Admit => {
                        assert!(self.line.is_empty() && self.allows(cost));
                        self.spend(cost);
                    }
                    Entry::Wait { ticket, until: said } => {
                        assert_eq!(said.0, until);
                        assert!(cost <= burst && !(self.line.is_empty() && self.allows(cost)));
                        assert!(until - self.now <= self.config.max_wait.0);
                        self.line.push((ticket, cost, self.now + self.config.max_wait.0));
                        assert!(self.line.len() as u32 <= self.config.max_queue);
                    }
                    Entry::Reject(Refusal::TooCostly) => assert!(cost > burst),
                    Entry::Reject(Refusal::TooLong(said)) => {
                        assert_eq!(said.0, until);
                        assert!(until - self.now > self.config.max_wait.0);
                    }
                    Entry::Reject(Refusal::QueueFull(_)) => {
                        assert_eq!(self.line.len() as u32, self.config.max_queue)
                    }
                }
            }
            Op::Take(cost) => match self.machine.take(cost, Micros(self.now)) {
                Ok(()) => {
                    assert!(self.line.is_empty() && self.allows(cost));
                    self.spend(cost);
                }
                Err(Refusal::TooCostly) => assert!(cost > burst),
                Err(_) => assert!(!self.line.is_empty() || !self.allows(cost)),
            },
            Op::Cancel(pick) => {
                if pick < self.line.len() {
                    let (ticket, ..) = self.line.remove(pick);
                    assert!(self.machine.cancel(ticket));
                    assert!(!self.machine.cancel(ticket));
                }
            }
            Op::Hold(span) => {
                self.machine.hold_until(Micros(self.now + span), Micros(self.now));
                self.held = self.held.max(self.now + span);
                let mut costs = Vec::new();
                let mut staying = Vec::new();
                for &(ticket, cost, patience) in &self.line {
                    costs.push(cost);
                    if self.foresee(&costs) > patience {
                        costs.pop();
                    } else {
                        staying.push(ticket);
                    }
                }
                self.poll();
                assert!(self.line.iter().map(|&(ticket, ..)| ticket).eq(staying));
            }
            Op::Advance(span) => {
                let end = self.now + span;
                while let Some(at) = self.machine.poll_at().filter(|at| at.0 <= end) {
                    self.pass(at.0.saturating_sub(self.now));
                    self.poll();
                }
                self.pass(end - self.now);
                self.poll();
            }
            Op::Drift(span) => self.pass(span),
        }
        if !matches!(op, Op::Drift(_)) {
            self.poll();
        }
        assert_eq!(self.machine.waiting() as usize, self.line.len());
    }

    fn check_every_window(&self) {
        let Rate { tokens, interval, burst } = self.config.rate;
        for (first, &(begin, _)) in self.admitted.iter().enumerate() {
            let mut sum = 0u64;
            for &(end, cost) in &self.admitted[first..] {
                sum += u64::from(cost);
                let most = u64::from(burst.get()) * interval.0 + u64::from(tokens.get()) * (end - begin);
                assert!(sum * interval.0 <= most, "{sum} in {} µs", end - begin);
            }
        }
    }
}

fn config(tokens: u32, interval: u64, burst: u32, max_wait: u64, max_queue: u32) -> LimiterConfig {
    let positive = |count| NonZeroU32::new(count).expect("not zero");
    let rate = Rate { tokens: positive(tokens), interval: Micros(interval), burst: positive(burst) };
    LimiterConfig { rate, max_wait: Micros(max_wait), max_queue }
}

proptest! {
    #[test]
    fn does_what_the_model_does_and_never_exceeds_the_rate_in_any_window(
        tokens in 1..9u32,
        interval in 1..900u64,
        burst in 1..6u32,
        max_wait in prop_oneof![0..3000u64, 0..100_000u64],
        max_queue in 0..12u32,
        ops in proptest::collection::vec(op(), 0..100),
    ) {
        let mut world = World::new(config(tokens, interval, burst, max_wait, max_queue));
        for op in ops {
            world.apply(op);
        }
        world.apply(Op::Advance(10_000_000));
        assert_eq!((world.line.len(), world.machine.poll_at()), (0, None), "everyone has had a turn");
        world.check_every_window();
    }
}

#[test]
fn a_minute_of_rush_is_admitted_at_the_rate() {
    for (tokens, interval, burst) in [(50, 1_000_000, 50), (300, 1_000_000, 1), (7, 1_000_000, 3), (5000, 3_600_000, 5)]
    {
        let mut limiter = Limiter::new(config(tokens, interval, burst, u64::MAX, u32::MAX), Micros(0));
        let wanted = u64::from(tokens) * 60_000_000 / interval;
        for _ in 0..wanted * 2 {
            limiter.admit(1, Micros(0));
        }
        let mut admitted = 0;
        while let Some(at) = limiter.poll_at().filter(|at| at.0 <= 60_000_000) {
            while let Some(Turn::Admit(_)) = limiter.poll(at) {
                admitted += 1u64;
            }
        }
        assert!(admitted.abs_diff(wanted) * 200 <= wanted, "{admitted} of {wanted}");
    }
}
