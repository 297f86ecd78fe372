//! What is tried: limits, and what happens under them.

use super::super::{Backoff, Config, DOUBLE, Jitter, Micros, Overflow, Rate, RateLimit};
use super::world::KEYS;
use crate::time::Duration;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use std::num::NonZeroU32;

#[derive(Clone, Debug)]
pub(super) enum Op {
    Submit {
        key: u8,
        attempt: u64,
        total: u64,
        retries: u32,
        place: (u64, i32, u32),
    },
    Adopt {
        key: u8,
        attempt: u64,
        weight: u32,
    },
    Settle {
        pick: usize,
        retryable: bool,
        retry_after: Option<u64>,
    },
    SettleStale {
        pick: usize,
        attempt: u32,
    },
    Cancel {
        pick: usize,
    },
    Hold {
        key: u8,
        span: u64,
    },
    Advance(u64),
    /// Time passes and the host is too busy to poll.
    Drift(u64),
}

pub(super) fn op() -> impl Strategy<Value = Op> {
    let retry_after = prop_oneof![Just(None), (0..300u64).prop_map(Some), any::<u64>().prop_map(Some)];
    prop_oneof![
        4 => (0..KEYS, span(), span(), 0..4u32, place())
            .prop_map(|(key, attempt, total, retries, place)| Op::Submit { key, attempt, total, retries, place }),
        1 => (0..KEYS, 1..500u64, 1..3u32).prop_map(|(key, attempt, weight)| Op::Adopt { key, attempt, weight }),
        3 => (any::<usize>(), any::<bool>(), retry_after)
            .prop_map(|(pick, retryable, retry_after)| Op::Settle { pick, retryable, retry_after }),
        1 => (any::<usize>(), 0..3u32).prop_map(|(pick, attempt)| Op::SettleStale { pick, attempt }),
        1 => any::<usize>().prop_map(|pick| Op::Cancel { pick }),
        1 => (0..KEYS, 0..300u64).prop_map(|(key, span)| Op::Hold { key, span }),
        2 => (0..200u64).prop_map(Op::Advance),
        1 => (0..50u64).prop_map(Op::Drift),
    ]
}

pub(super) fn config() -> impl Strategy<Value = Config> {
    let overflow = prop_oneof![Just(Overflow::Reject), Just(Overflow::DropOldest)];
    let aging = prop_oneof![Just(u64::MAX), 1..100u64];
    (1..5u32, 1..4u32, 0..8u32, any::<bool>(), 0..50u64, 0..200u64, rate_limit(), overflow, aging).prop_map(
        |(concurrency, per_lane, max_queue, full, initial, max, rate_limit, overflow, aging)| Config {
            concurrency: NonZeroU32::new(concurrency).expect("not zero"),
            per_lane: NonZeroU32::new(per_lane).expect("not zero"),
            max_queue,
            overflow,
            aging: Duration::from_millis(aging),
            retry_budget: None,
            breaker: None,
            adaptive: None,
            backoff: Backoff {
                initial: Duration::from_millis(initial),
                max: Duration::from_millis(max),
                jitter: if full { Jitter::Full } else { Jitter::Decorrelated },
                factor: DOUBLE,
            },
            max_retry_after: Duration::from_millis(250),
            rate_limit,
        },
    )
}

fn span() -> impl Strategy<Value = u64> {
    prop_oneof![1..20u64, 1..500u64, Just(u64::MAX)]
}

fn place() -> impl Strategy<Value = (u64, i32, u32)> {
    let wait = prop_oneof![6 => Just(u64::MAX), 1 => 1..200u64, 1 => Just(0)];
    (wait, prop_oneof![2 => Just(0), 1 => -2..4i32], prop_oneof![2 => Just(1), 1 => 1..4u32])
}

fn rate_limit() -> impl Strategy<Value = Option<RateLimit>> {
    let nonzero = |range: std::ops::Range<u32>| range.prop_map(|count| NonZeroU32::new(count).expect("not zero"));
    let limit = (nonzero(1..5), 1..100u64, nonzero(1..4), prop_oneof![Just(u64::MAX), 0..300_000u64]);
    proptest::option::of(limit.prop_map(|(tokens, interval, burst, max_wait)| RateLimit {
        rate: Rate { tokens, interval: Micros(interval * 1000), burst },
        max_wait: Micros(max_wait),
    }))
}
