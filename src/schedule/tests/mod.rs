//! Stories of a schedule, for what the model leaves out.

mod circuits;
mod limits;
mod retries;

use super::breaker::{MILLION, Rules, WindowKind};
use super::{Admission, Backoff, Config, DOUBLE, Jitter, Limits, Overflow, Schedule};
use crate::slab::Token;
use crate::time::{Duration, Instant};
use std::num::NonZeroU32;

fn ms(span: u64) -> Duration {
    Duration::from_millis(span)
}

fn config() -> Config {
    let some = |count| NonZeroU32::new(count).expect("not zero");
    Config {
        concurrency: some(2),
        per_lane: some(2),
        max_queue: 10,
        overflow: Overflow::Reject,
        aging: Duration::FOREVER,
        backoff: Backoff { initial: ms(10), max: ms(10), jitter: Jitter::Full, factor: DOUBLE },
        max_retry_after: Duration::FOREVER,
        rate_limit: None,
        retry_budget: None,
        adaptive: None,
        breaker: Some(Rules {
            window: WindowKind::Consecutive,
            failure_ratio: MILLION,
            minimum_calls: 2,
            slow_after: Duration::FOREVER,
            slow_ratio: MILLION,
            open_for: ms(1000),
            open_factor: u64::from(MILLION),
            max_open: ms(1000),
            probes: some(1),
            probe_ratio: MILLION,
            max_half_open: ms(5000),
            idle_after: Duration::FOREVER,
            max_circuits: some(100),
        }),
    }
}

fn admitted(
    machine: &mut Schedule,
    lane: &mut Option<Token>,
    circuit: Option<Token>,
    limits: Limits,
    now: Instant,
) -> Token {
    let Admission::Admitted { task, lane: given } = machine.submit(*lane, circuit, limits, now) else {
        panic!("there is room")
    };
    *lane = Some(given);
    task
}
