//! How often something may happen: a token bucket in whole numbers, which neither drifts nor forgets.
//!
//! A token is as many units as the interval has microseconds, and each microsecond as many units drip in as the interval
//! brings tokens; so nothing is ever divided on the way. Microseconds, because a burst of one at 300 a second would lose
//! a fifth of its rate to whole milliseconds.

use std::num::NonZeroU32;

/// A point on the host's timeline, or a span of it, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Micros(pub u64);

impl Micros {
    /// Later than everything.
    pub const NEVER: Self = Self(u64::MAX);

    /// The span from `earlier` to `self`; zero when `earlier` is not earlier.
    pub const fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }

    /// `self + span`, saturating at [`Micros::NEVER`].
    pub const fn after(self, span: Self) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

/// How fast a bucket fills and how much it holds.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Tokens that drip in during each interval.
    pub tokens: NonZeroU32,
    /// The length of the interval. Times `burst` it should stay below 2^64; beyond that the bucket holds less.
    pub interval: Micros,
    /// Tokens that the bucket holds at most.
    pub burst: NonZeroU32,
}

/// A token bucket. What it lets through in any span of time costs at most the burst and what drips in meanwhile.
#[derive(Clone, Debug)]
pub struct TokenBucket {
    burst: u32,
    token: u64,
    drip: u64,
    capacity: u64,
    /// What was in it at `at`.
    level: u64,
    at: Micros,
    held: Micros,
}

impl TokenBucket {
    /// A full bucket.
    pub fn new(rate: Rate, now: Micros) -> Self {
        let token = rate.interval.0.max(1);
        let capacity = token.saturating_mul(u64::from(rate.burst.get()));
        let drip = u64::from(rate.tokens.get());
        Self { burst: rate.burst.get(), token, drip, capacity, level: capacity, at: now, held: Micros::default() }
    }

    /// Takes `cost` tokens, or none when they are not there or the bucket is held.
    pub fn take(&mut self, cost: u32, now: Micros) -> bool {
        self.fill(now);
        let cost = self.token.saturating_mul(u64::from(cost));
        let there = self.at >= self.held && cost <= self.level;
        if there {
            self.level -= cost;
        }
        there
    }

    /// When `cost` tokens will have come, if nobody takes any but those for whom they come. They may be more than the
    /// bucket holds, as the costs of several are.
    pub fn ready_at(&self, cost: u64) -> Micros {
        let begin = self.at.max(self.held);
        let missing = self.token.saturating_mul(cost).saturating_sub(self.level_at(begin));
        if missing == u64::MAX { Micros::NEVER } else { begin.after(Micros(missing.div_ceil(self.drip))) }
    }

    /// Lets nothing through before `until`, unless an earlier hold lasts longer. The bucket goes on filling.
    pub fn hold_until(&mut self, until: Micros) {
        self.held = self.held.max(until);
    }

    /// Pours everything out.
    pub fn empty(&mut self) {
        self.level = 0;
    }

    /// Whole tokens that are there.
    pub fn tokens(&mut self, now: Micros) -> u32 {
        self.fill(now);
        (self.level / self.token) as u32
    }

    /// How many tokens it holds at most.
    pub fn burst(&self) -> u32 {
        self.burst
    }

    /// Brings the level up to `now`. Time that goes back changes nothing.
    fn fill(&mut self, now: Micros) {
        let now = now.max(self.at);
        self.level = self.level_at(now);
        self.at = now;
    }

    fn level_at(&self, then: Micros) -> u64 {
        then.since(self.at).0.saturating_mul(self.drip).saturating_add(self.level).min(self.capacity)
    }
}

#[cfg(test)]
mod tests {
    use super::{Micros, Rate, TokenBucket};
    use proptest::prelude::proptest;
    use std::num::NonZeroU32;

    fn bucket(tokens: u32, interval: u64, burst: u32) -> TokenBucket {
        let positive = |count| NonZeroU32::new(count).expect("not zero");
        TokenBucket::new(
            Rate { tokens: positive(tokens), interval: Micros(interval), burst: positive(burst) },
            Micros(0),
        )
    }

    const MINUTE: u64 = 60_000_000;

    proptest! {
        #[test]
        fn lets_through_what_the_rate_says(tokens in 1..100u32, interval in 100_000..10_000_000u64, burst in 1..100u32) {
            let mut bucket = bucket(tokens, interval, burst);
            while bucket.take(1, Micros(0)) {}
            let mut admitted = 0u64;
            while bucket.ready_at(1).0 <= MINUTE {
                assert!(bucket.take(1, bucket.ready_at(1)));
                admitted += 1;
            }
            let expected = f64::from(tokens) / interval as f64 * MINUTE as f64;
            assert!((admitted as f64 - expected).abs() <= (0.005 * expected).max(1.0), "{admitted} of {expected}");
        }

        #[test]
        fn never_lets_through_more_than_the_burst_and_the_rate_in_any_window(
            tokens in 1..50u32,
            interval in 1..10_000u64,
            burst in 1..20u32,
            calls in proptest::collection::vec((0..2000u64, 0..8u32), 1..120),
        ) {
            let mut bucket = bucket(tokens, interval, burst);
            let (mut now, mut latest, mut admitted) = (0u64, 0u64, Vec::new());
            for (pause, cost) in calls {
                // Now and then the clock goes back.
                now = if pause > 1990 { now.saturating_sub(pause) } else { now + pause };
                latest = latest.max(now);
                if bucket.take(cost, Micros(now)) {
                    admitted.push((latest, cost));
                }
            }
            for (first, &(begin, _)) in admitted.iter().enumerate() {
                let mut sum = 0u64;
                for &(end, cost) in &admitted[first..] {
                    sum += u64::from(cost);
                    assert!(sum * interval <= u64::from(burst) * interval + u64::from(tokens) * (end - begin));
                }
            }
        }

        #[test]
        fn is_ready_exactly_when_it_says(
            tokens in 1..50u32,
            interval in 1..10_000u64,
            burst in 1..20u32,
            spent in 0..20u32,
            cost in 1..20u32,
            held in 0..20_000u64,
        ) {
            let mut bucket = bucket(tokens, interval, burst);
            bucket.take(spent.min(burst), Micros(0));
            bucket.hold_until(Micros(held));
            let (cost, at) = (cost.min(burst), bucket.ready_at(u64::from(cost.min(burst))));
            assert!(at.0 >= held);
            assert!(at.0 == 0 || !bucket.clone().take(cost, Micros(at.0 - 1)));
            assert!(bucket.take(cost, at));
        }

        #[test]
        fn bears_any_numbers(tokens in 1..=u32::MAX, interval: u64, burst in 1..=u32::MAX, cost: u32, times: [u64; 4]) {
            let mut bucket = bucket(tokens, interval, burst);
            for time in times {
                bucket.take(cost, Micros(time));
                bucket.ready_at(u64::from(cost) * u64::from(burst));
                assert!(bucket.tokens(Micros(time)) <= burst);
            }
        }
    }

    #[test]
    fn a_long_sleep_fills_it_once() {
        let mut bucket = bucket(50, 1_000_000, 10);
        while bucket.take(1, Micros(0)) {}
        assert_eq!(bucket.tokens(Micros(100 * MINUTE)), 10);
        bucket.empty();
        assert_eq!((bucket.tokens(Micros(0)), bucket.ready_at(1)), (0, Micros(100 * MINUTE + 20_000)));
    }
}
