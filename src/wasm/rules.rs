//! The limits of schedules and the rules of their parts: objects from JavaScript, which has checked them.

use super::given::Given;
use super::numbers::{at_least_one, micros, span};
use crate::schedule::adaptive::{AdaptiveRules, Algorithm};
use crate::schedule::breaker::{MILLION, Rules, WindowKind};
use crate::schedule::{Backoff, BudgetRules, Config, DOUBLE, Jitter, Overflow, Rate, RateLimit};
use wasm_bindgen::JsValue;

/// The limits that `ScheduleConfig` in `js/core/schedule-types.ts` describes.
pub(super) fn schedule_config(config: &JsValue) -> Config {
    let given = &Given(config);
    Config {
        concurrency: at_least_one(given.number("concurrency")),
        per_lane: at_least_one(given.number("perLane")),
        max_queue: given.number("maxQueue") as u32,
        overflow: if given.flag("dropOldest") { Overflow::DropOldest } else { Overflow::Reject },
        aging: span(given.number("aging")),
        adaptive: given.part("adaptive", |given| adaptive_rules(&given)),
        breaker: given.part("breaker", |given| breaker_rules(&given)),
        retry_budget: given.part("retryBudget", |given| budget_rules(&given)),
        backoff: backoff(given),
        max_retry_after: span(given.number("maxRetryAfter")),
        rate_limit: given.part("rateLimit", |given| {
            let [tokens, burst] = ["tokens", "burst"].map(|name| at_least_one(given.number(name)));
            let rate = Rate { tokens, interval: micros(given.number("interval")), burst };
            RateLimit { rate, max_wait: micros(given.number("maxWait")) }
        }),
    }
}

/// A rule for delays, as `BackoffConfig` in `js/core/schedule-types.ts` has it.
pub(super) fn backoff(given: &Given<'_>) -> Backoff {
    let jitter = match () {
        () if given.flag("decorrelated") => Jitter::Decorrelated,
        () if given.flag("exact") => Jitter::None,
        () => Jitter::Full,
    };
    let factor = given.number("factor");
    let factor = if factor >= 1.0 { (factor * f64::from(MILLION)) as u32 } else { DOUBLE };
    Backoff { initial: span(given.number("initialDelay")), max: span(given.number("maxDelay")), jitter, factor }
}

/// A limit that moves, as `AdaptiveConfig` in `js/core/schedule-types.ts` has it.
pub(super) fn adaptive_rules(given: &Given<'_>) -> AdaptiveRules {
    let count = |name| given.number(name) as u32;
    AdaptiveRules {
        algorithm: if given.flag("aimd") { Algorithm::Aimd } else { Algorithm::Gradient },
        min: count("min"),
        max: count("max"),
        initial: count("initial"),
        max_healthy_latency: span(given.number("maxHealthyLatency")),
        max_limit_factor: count("maxLimitFactor"),
    }
}

/// A budget, as `BudgetConfig` in `js/core/schedule-types.ts` has it.
pub(super) fn budget_rules(given: &Given<'_>) -> BudgetRules {
    let ratio = (given.number("ratio") * f64::from(MILLION) + 0.5) as u32;
    BudgetRules { ratio, min_per_second: given.number("minPerSecond") as u32 }
}

/// Rules, as `BreakerRules` in `js/core/breaker-core.ts` has them.
pub(super) fn breaker_rules(given: &Given<'_>) -> Rules {
    let ratio = |name| (given.number(name) * f64::from(MILLION) + 0.5) as u32;
    let duration = |name| span(given.number(name));
    let count = |name| at_least_one(given.number(name));
    let window = match given.number("window") as u32 {
        0 => WindowKind::Consecutive,
        1 => WindowKind::Count(count("size")),
        _ => WindowKind::Time(duration("duration")),
    };
    Rules {
        window,
        failure_ratio: ratio("failureRatio"),
        minimum_calls: given.number("minimumCalls") as u32,
        slow_after: duration("slowCallDuration"),
        slow_ratio: ratio("slowCallRatio"),
        open_for: duration("openDuration"),
        open_factor: (given.number("openBackoff") * f64::from(MILLION)) as u64,
        max_open: duration("maxOpenDuration"),
        probes: count("probes"),
        probe_ratio: ratio("probeRatio"),
        max_half_open: duration("maxHalfOpen"),
        idle_after: duration("idleAfter"),
        max_circuits: count("maxKeys"),
    }
}
