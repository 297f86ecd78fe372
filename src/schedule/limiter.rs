//! Who may go on, and when: calls wait in one line for the tokens of a bucket.
//!
//! The line is served strictly in turn, so that a costly call does not starve behind cheap ones. A call that would wait too
//! long is refused when it comes, not after it has waited; so are those in line when a hold makes their wait too long.
//! The host polls after every input and at [`Limiter::poll_at`]. Every operation is O(1), but for a hold.

use super::bucket::{Micros, Rate, TokenBucket};
use crate::slab::{Links, Slab, Token};

/// The limits of a [`Limiter`].
#[derive(Clone, Copy, Debug)]
pub struct LimiterConfig {
    /// How often.
    pub rate: Rate,
    /// How long a call may have to wait.
    pub max_wait: Micros,
    /// How many calls may be in line.
    pub max_queue: u32,
}

/// The answer to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// It may go on.
    Admit,
    /// It is in line.
    Wait {
        /// Names it until it is admitted, refused or cancelled.
        ticket: Token,
        /// When it is expected to go on.
        until: Micros,
    },
    /// It may not, and has taken nothing.
    Reject(Refusal),
}

/// Why a call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It costs more than the bucket ever holds.
    TooCostly,
    /// It would go on only then.
    TooLong(Micros),
    /// As many calls are in line as may be; it would go on then.
    QueueFull(Micros),
}

/// What becomes of a call in line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It goes on.
    Admit(Token),
    /// A hold has made its wait too long; it would have gone on then.
    Refuse(Token, Micros),
}

/// See the top of this file.
#[derive(Clone, Debug)]
pub struct Limiter {
    config: LimiterConfig,
    bucket: TokenBucket,
    calls: Slab<Call>,
    links: Links,
    /// Tokens that those in line will take.
    owed: u64,
}

#[derive(Clone, Debug)]
struct Call {
    cost: u32,
    patience: Micros,
    refused: Option<Micros>,
}

const LINE: u32 = 0;
const REFUSED: u32 = 1;

impl Limiter {
    /// Nobody in line before a full bucket.
    pub fn new(config: LimiterConfig, now: Micros) -> Self {
        let bucket = TokenBucket::new(config.rate, now);
        Self { config, bucket, calls: Slab::default(), links: Links::new(2), owed: 0 }
    }

    /// A call that goes on at once or not at all.
    pub fn take(&mut self, cost: u32, now: Micros) -> Result<(), Refusal> {
        if cost > self.bucket.burst() {
            return Err(Refusal::TooCostly);
        }
        if self.links.is_empty(LINE) && self.bucket.take(cost, now) {
            return Ok(());
        }
        self.bucket.tokens(now);
        Err(Refusal::TooLong(self.bucket.ready_at(self.owed.saturating_add(u64::from(cost)))))
    }

    /// A call that may wait its turn.
    pub fn admit(&mut self, cost: u32, now: Micros) -> Entry {
        let until = match self.take(cost, now) {
            Ok(()) => return Entry::Admit,
            Err(Refusal::TooLong(until)) => until,
            Err(refusal) => return Entry::Reject(refusal),
        };
        if until.since(now) > self.config.max_wait {
            return Entry::Reject(Refusal::TooLong(until));
        }
        if self.waiting() >= self.config.max_queue {
            return Entry::Reject(Refusal::QueueFull(until));
        }
        let patience = now.after(self.config.max_wait);
        let ticket = self.calls.insert(Call { cost, patience, refused: None });
        self.links.push_back(LINE, ticket.slot());
        self.owed += u64::from(cost);
        Entry::Wait { ticket, until }
    }

    /// Takes a call out of line; those behind it move up. False when it is not in line any more.
    pub fn cancel(&mut self, ticket: Token) -> bool {
        self.leave(ticket).is_some()
    }

    /// Admits nobody before `until`, and refuses those in line who would have to wait too long for that.
    pub fn hold_until(&mut self, until: Micros, now: Micros) {
        self.bucket.tokens(now);
        self.bucket.hold_until(until);
        let (mut ahead, mut next) = (0, self.links.front(LINE));
        while let Some(slot) = next {
            next = self.links.after(slot);
            let Some(call) = self.calls.token_at(slot).and_then(|ticket| self.calls.get_mut(ticket)) else { continue };
            let ready = self.bucket.ready_at(ahead + u64::from(call.cost));
            if ready > call.patience {
                call.refused = Some(ready);
                self.owed -= u64::from(call.cost);
                self.links.unlink(slot);
                self.links.push_back(REFUSED, slot);
            } else {
                ahead += u64::from(call.cost);
            }
        }
    }

    /// Pours the bucket out, as if all its tokens had just been taken.
    pub fn empty(&mut self) {
        self.bucket.empty();
    }

    /// The next call whose wait is over at `now`.
    pub fn poll(&mut self, now: Micros) -> Option<Turn> {
        let slot = self.links.front(REFUSED).or_else(|| self.links.front(LINE))?;
        let ticket = self.calls.token_at(slot)?;
        let &Call { cost, refused, .. } = self.calls.get(ticket)?;
        let turn = match refused {
            Some(until) => Turn::Refuse(ticket, until),
            None if self.bucket.take(cost, now) => Turn::Admit(ticket),
            None => return None,
        };
        self.leave(ticket);
        Some(turn)
    }

    /// When to poll next if nothing else happens.
    pub fn poll_at(&self) -> Option<Micros> {
        if !self.links.is_empty(REFUSED) {
            return Some(Micros::default());
        }
        let first = self.calls.token_at(self.links.front(LINE)?)?;
        Some(self.bucket.ready_at(u64::from(self.calls.get(first)?.cost)))
    }

    /// How many calls wait.
    pub fn waiting(&self) -> u32 {
        self.calls.len() as u32
    }

    /// Whole tokens in the bucket that nobody in line waits for.
    pub fn tokens(&mut self, now: Micros) -> u32 {
        let there = u64::from(self.bucket.tokens(now));
        there.saturating_sub(self.owed) as u32
    }

    fn leave(&mut self, ticket: Token) -> Option<Call> {
        let call = self.calls.remove(ticket)?;
        self.links.unlink(ticket.slot());
        if call.refused.is_none() {
            self.owed -= u64::from(call.cost);
        }
        Some(call)
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Limiter, LimiterConfig, Micros, Rate, Refusal, Token, Turn};
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
            assert!(
                self.line.first().is_none_or(|&(_, cost, _)| !self.allows(cost)),
                "as soon as its tokens are there"
            );
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
        for (tokens, interval, burst) in
            [(50, 1_000_000, 50), (300, 1_000_000, 1), (7, 1_000_000, 3), (5000, 3_600_000, 5)]
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
}
