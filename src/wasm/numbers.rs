//! Numbers that cross the border of schedules and their parts, and what they stand for.

use crate::schedule::adaptive::{Load, Reason};
use crate::schedule::breaker::{Cause, Verdict};
use crate::schedule::{Deadline, Micros};
use crate::slab::Token;
use crate::time::{Duration, Instant};
use std::num::NonZeroU32;

pub(super) fn token(number: f64) -> Option<Token> {
    (number >= 0.0).then(|| Token::from_number(number as u64))
}

pub(super) fn span(ms: f64) -> Duration {
    if ms == f64::INFINITY { Duration::FOREVER } else { Duration::from_millis(ms as u64) }
}

/// To the nearest: what was a whole number of microseconds comes back as the same.
pub(super) fn micros(ms: f64) -> Micros {
    Micros((ms * 1000.0 + 0.5) as u64)
}

pub(super) fn millis(span: Micros) -> f64 {
    if span == Micros::NEVER { f64::INFINITY } else { span.0 as f64 / 1000.0 }
}

pub(super) fn time(at: Instant) -> f64 {
    if at == Instant::NEVER { f64::INFINITY } else { at.as_millis() as f64 }
}

pub(super) fn at_least_one(count: f64) -> NonZeroU32 {
    NonZeroU32::new(count as u32).unwrap_or(NonZeroU32::MIN)
}

/// 0 well, 1 badly, 2 in a way that says nothing.
pub(super) fn verdict(number: u32) -> Verdict {
    match number {
        0 => Verdict::Success,
        1 => Verdict::Failure,
        _ => Verdict::Ignored,
    }
}

/// 0 served, 1 too much, 2 nothing.
pub(super) fn load(number: u32) -> Load {
    match number {
        0 => Load::Served,
        1 => Load::Overload,
        _ => Load::Ignored,
    }
}

/// 1 failures, 2 slow calls, 3 failed probes, 4 it is closed.
pub(super) fn cause_number(cause: Cause) -> u32 {
    match cause {
        Cause::Failures => 1,
        Cause::SlowCalls => 2,
        Cause::ProbesFailed => 3,
        Cause::ProbesPassed => 4,
    }
}

/// By its place in `DEADLINES` in `js/core/schedule-types.ts`.
pub(super) fn deadline_number(deadline: Deadline) -> f64 {
    match deadline {
        Deadline::Queue => 0.0,
        Deadline::Attempt => 1.0,
        Deadline::Total => 2.0,
        Deadline::Wait => 3.0,
        Deadline::Room => 4.0,
    }
}

/// By its place in `REASONS` in `js/core/schedule-types.ts`.
pub(super) fn reason_number(reason: Reason) -> f64 {
    match reason {
        Reason::Overload => 0.0,
        Reason::Unhealthy => 1.0,
        Reason::Queueing => 2.0,
        Reason::Headroom => 3.0,
        Reason::Unused => 4.0,
        Reason::Probe => 5.0,
        Reason::Probed => 6.0,
    }
}
