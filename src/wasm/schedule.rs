//! The schedule's handle. Answers and actions go through one buffer of numbers: the first eight hold the answer to
//! the last call, then come the drained actions, eight numbers each.

use super::breaker::{breaker_rules, time};
use super::given::Given;
use super::instant;
use super::limiter::{micros, millis};
use crate::schedule::adaptive::{AdaptiveRules, Algorithm, Load, Reason};
use crate::schedule::breaker::{Cause, CircuitState, MILLION, Verdict};
use crate::schedule::{
    Action, Admission, Backoff, BudgetRules, Config, DOUBLE, Deadline, Ending, Jitter, Limits, Outcome, Overflow, Rate,
    RateLimit, Schedule, Settled, Spent, Standing,
};
use crate::slab::Token;
use crate::time::{Duration, Instant};
use std::num::NonZeroU32;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

const STRIDE: usize = 8;
const ACTIONS: usize = 32;

/// A schedule and its buffer. Tokens, times and spans are numbers; a negative number stands for none.
#[wasm_bindgen]
pub struct ScheduleHandle {
    inner: Schedule,
    buffer: Box<[f64]>,
}

#[wasm_bindgen]
impl ScheduleHandle {
    /// A schedule for the object that `ScheduleConfig` in `js/core/schedule-core.ts` describes.
    #[wasm_bindgen(constructor)]
    pub fn new(config: &JsValue, now: f64) -> Self {
        let seed = Given(config).number("seed") as u64;
        let inner = Schedule::new(schedule_config(config), seed, instant(now));
        Self { inner, buffer: vec![0.0; STRIDE * (1 + ACTIONS)].into_boxed_slice() }
    }

    /// Begins with nothing in the bucket of the rate limit, if there is one.
    #[wasm_bindgen(js_name = emptyBucket)]
    pub fn empty_bucket(&mut self) {
        self.inner.empty_bucket();
    }

    /// Where the buffer lies.
    #[wasm_bindgen(getter)]
    pub fn pointer(&self) -> u32 {
        self.buffer.as_ptr() as usize as u32
    }

    /// How many numbers the buffer holds.
    #[wasm_bindgen(getter)]
    pub fn length(&self) -> u32 {
        self.buffer.len() as u32
    }

    /// The new task; its lane is the first number of the answer. -1 when the queue is full, -2 when the rate limit would keep it
    /// waiting too long: so long, the answer begins. -3 when its circuit is open: until then.
    #[allow(clippy::too_many_arguments, reason = "an object would cost more than the call")]
    pub fn submit(
        &mut self,
        lane: f64,
        circuit: f64,
        attempt: f64,
        total: f64,
        retries: u32,
        wait: f64,
        priority: i32,
        weight: u32,
        now: f64,
    ) -> f64 {
        let (wait, weight) = (span(wait), NonZeroU32::new(weight).unwrap_or(NonZeroU32::MIN));
        let limits = Limits { attempt: span(attempt), total: span(total), retries, wait, priority, weight };
        let now = self.see(now);
        match self.inner.submit(token(lane), token(circuit), limits, now) {
            Admission::CircuitOpen(refusal) => {
                self.buffer[0] = time(refusal.retry_at);
                -3.0
            }
            Admission::Admitted { task, lane } => {
                self.buffer[0] = lane.to_number() as f64;
                task.to_number() as f64
            }
            Admission::QueueFull => -1.0,
            Admission::RateLimited { wait } => {
                self.buffer[0] = millis(wait);
                -2.0
            }
        }
    }

    /// 0 stale, 1 asleep (the answer begins with the time of waking), or the ending plus 2 (the answer is where the time went). `retry_after`: not a
    /// number where it is not to be tried again, less than zero where it may be whenever that is due, else the pause asked for. `verdict` is what
    /// its circuit is told: 0 well, 1 badly, 2 nothing; `load` what the limit is: 0 served, 1 too much, 2 nothing.
    pub fn settle(&mut self, task: f64, attempt: u32, retry_after: f64, verdict: u32, load: u32, now: f64) -> u32 {
        let verdict = match verdict {
            0 => Verdict::Success,
            1 => Verdict::Failure,
            _ => Verdict::Ignored,
        };
        let load = self::load(load);
        let Some(task) = token(task) else { return 0 };
        let outcome = if retry_after.is_nan() {
            Outcome::Ok
        } else {
            Outcome::Retryable { retry_after: (retry_after >= 0.0).then(|| span(retry_after)) }
        };
        let now = self.see(now);
        match self.inner.settle(task, attempt, outcome, (verdict, load), now) {
            Settled::Stale => 0,
            Settled::Backoff { until } => {
                self.buffer[0] = until.as_millis() as f64;
                1
            }
            Settled::Done(ending, spent) => {
                write_spent(&mut self.buffer, spent);
                match ending {
                    Ending::Final => 2,
                    Ending::Exhausted => 3,
                    Ending::NoTimeLeft => 4,
                    Ending::PauseTooLong => 5,
                    Ending::CircuitOpen => 6,
                    Ending::BudgetSpent => 7,
                }
            }
        }
    }

    /// Whether the task lived; the answer is where its time went.
    pub fn cancel(&mut self, task: f64, now: f64) -> bool {
        let now = self.see(now);
        let spent = token(task).and_then(|task| self.inner.cancel(task, now));
        write_spent(&mut self.buffer, spent.unwrap_or_default());
        spent.is_some()
    }

    /// Writes the next actions and says how many; call again while it fills the buffer. The answer is when to call next.
    pub fn drain(&mut self, now: f64) -> u32 {
        let now = self.see(now);
        let (head, actions) = self.buffer.split_at_mut(STRIDE);
        let mut count = 0;
        for cell in actions.chunks_exact_mut(STRIDE) {
            let Some(action) = self.inner.poll_action(now) else { break };
            write_action(cell, action);
            count += 1;
        }
        head[0] = self.inner.poll_at_micros().map_or(f64::INFINITY, millis);
        count
    }

    fn see(&mut self, now: f64) -> Instant {
        self.inner.see(micros(now));
        instant(now)
    }

    /// Where a task is: 0 in the queue, 1 running, 2 asleep, -1 when it has ended.
    pub fn standing(&self, task: f64) -> i32 {
        match token(task).and_then(|task| self.inner.standing(task)) {
            None => -1,
            Some(Standing::Queued) => 0,
            Some(Standing::Running) => 1,
            Some(Standing::Asleep) => 2,
        }
    }

    /// Begins nothing of a lane before `until`.
    pub fn hold(&mut self, lane: f64, until: f64, now: f64) {
        if let Some(lane) = token(lane) {
            self.inner.hold(lane, instant(until), instant(now));
        }
    }

    /// A new circuit, or -1 where there are none.
    #[wasm_bindgen(js_name = addCircuit)]
    pub fn add_circuit(&mut self, now: f64) -> f64 {
        let added = self.inner.breakers().map(|breakers| breakers.add(instant(now)));
        added.map_or(-1.0, |circuit| circuit.to_number() as f64)
    }

    /// A circuit that has made room for others, or -1.
    #[wasm_bindgen(js_name = pollForgotten)]
    pub fn poll_forgotten(&mut self) -> f64 {
        let forgotten = self.inner.breakers().and_then(|breakers| breakers.poll_forgotten());
        forgotten.map_or(-1.0, |circuit| circuit.to_number() as f64)
    }

    /// 0 closed, 1 open (the answer is until when), 2 half-open, 3 isolated.
    #[wasm_bindgen(js_name = circuitState)]
    pub fn circuit_state(&mut self, circuit: f64, now: f64) -> u32 {
        let circuit = token(circuit);
        let state = self.inner.breakers().and_then(|breakers| breakers.state(circuit?, instant(now)));
        match state {
            None | Some(CircuitState::Closed) => 0,
            Some(CircuitState::Open { until }) => {
                self.buffer[0] = time(until);
                1
            }
            Some(CircuitState::HalfOpen) => 2,
            Some(CircuitState::Isolated) => 3,
        }
    }

    /// Refuses everyone, until it is reset.
    #[wasm_bindgen(js_name = isolateCircuit)]
    pub fn isolate_circuit(&mut self, circuit: f64, now: f64) {
        let now = self.see(now);
        if let Some(circuit) = token(circuit) {
            self.inner.isolate(circuit, now);
        }
    }

    /// Closes a circuit and forgets what it has seen.
    #[wasm_bindgen(js_name = resetCircuit)]
    pub fn reset_circuit(&mut self, circuit: f64) {
        if let Some((breakers, circuit)) = self.inner.breakers().zip(token(circuit)) {
            breakers.reset(circuit);
        }
    }

    /// What would meet a task that came now; whether it would begin. The answer: places its lane takes, tasks of it that wait, places that all
    /// take, until when the lane is held (or -1), when its circuit lets somebody through (or -1), the wait for a token, second attempts left.
    pub fn outlook(&mut self, lane: f64, circuit: f64, now: f64) -> bool {
        let at = |instant: Option<Instant>| instant.map_or(-1.0, time);
        let outlook = self.inner.outlook(token(lane), token(circuit), instant(now));
        self.buffer[0] = f64::from(outlook.lane_active);
        self.buffer[1] = f64::from(outlook.lane_queued);
        self.buffer[2] = f64::from(outlook.active);
        self.buffer[3] = at(outlook.held_until);
        self.buffer[4] = at(outlook.shut_until);
        self.buffer[5] = millis(outlook.rate_wait);
        self.buffer[6] = outlook.retries_left.map_or(f64::INFINITY, |left| left as f64);
        outlook.begins
    }

    /// Changes how many attempts run at once.
    #[wasm_bindgen(js_name = setConcurrency)]
    pub fn set_concurrency(&mut self, concurrency: u32, now: f64) {
        let now = self.see(now);
        self.inner.set_concurrency(NonZeroU32::new(concurrency).unwrap_or(NonZeroU32::MIN), now);
    }

    /// Gives a lane a limit of its own.
    #[wasm_bindgen(js_name = limitLane)]
    pub fn limit_lane(&mut self, lane: f64, limit: u32, now: f64) {
        let now = self.see(now);
        if let Some(lane) = token(lane) {
            self.inner.limit_lane(lane, NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN), now);
        }
    }

    /// Lets no attempt begin, or lets them begin again.
    #[wasm_bindgen(js_name = setPaused)]
    pub fn set_paused(&mut self, paused: bool, now: f64) {
        let now = self.see(now);
        self.inner.set_paused(paused, now);
    }

    /// How many attempts may run at once.
    #[wasm_bindgen(getter)]
    pub fn concurrency(&self) -> u32 {
        self.inner.concurrency()
    }

    /// How many attempts run.
    #[wasm_bindgen(getter)]
    pub fn running(&self) -> u32 {
        self.inner.running()
    }

    /// How many tasks wait for their turn.
    #[wasm_bindgen(getter)]
    pub fn queued(&self) -> u32 {
        self.inner.queued()
    }

    /// How many tasks sleep between attempts.
    #[wasm_bindgen(getter)]
    pub fn sleeping(&self) -> u32 {
        self.inner.sleeping()
    }

    /// How many lanes have tasks.
    #[wasm_bindgen(getter)]
    pub fn lanes(&self) -> u32 {
        self.inner.lanes() as u32
    }
}

/// The limits that `ScheduleConfig` in `js/core/schedule-core.ts` describes.
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

/// A rule for delays, as `BackoffConfig` in `js/core/schedule-core.ts` has it.
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

/// A limit that moves, as `AdaptiveConfig` in `js/core/schedule-core.ts` has it.
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

/// A budget, as `BudgetConfig` in `js/core/schedule-core.ts` has it.
pub(super) fn budget_rules(given: &Given<'_>) -> BudgetRules {
    let ratio = (given.number("ratio") * f64::from(MILLION) + 0.5) as u32;
    BudgetRules { ratio, min_per_second: given.number("minPerSecond") as u32 }
}

fn at_least_one(count: f64) -> NonZeroU32 {
    NonZeroU32::new(count as u32).unwrap_or(NonZeroU32::MIN)
}

fn write_action(cell: &mut [f64], action: Action) {
    let (kind, task, detail) = match action {
        Action::Start { task, attempt } => (1.0, task, f64::from(attempt)),
        Action::Abort { task, attempt, until } => {
            cell[3] = until.as_millis() as f64;
            (2.0, task, f64::from(attempt))
        }
        Action::Expire { task, deadline, spent } => {
            write_spent(&mut cell[3..], spent);
            (3.0, task, deadline_number(deadline))
        }
        Action::Limit(change) => {
            let reason = reason_number(change.reason);
            cell[..4].copy_from_slice(&[5.0, f64::from(change.from), f64::from(change.to), reason]);
            return;
        }
        Action::Circuit { circuit, cause } => {
            let cause = match cause {
                Cause::Failures => 1.0,
                Cause::SlowCalls => 2.0,
                Cause::ProbesFailed => 3.0,
                Cause::ProbesPassed => 4.0,
            };
            (6.0, circuit, cause)
        }
        Action::Refuse { task, refusal, spent } => {
            write_spent(&mut cell[3..], spent);
            (4.0, task, time(refusal.retry_at))
        }
    };
    cell[0] = kind;
    cell[1] = task.to_number() as f64;
    cell[2] = detail;
}

fn write_spent(cell: &mut [f64], spent: Spent) {
    cell[0] = f64::from(spent.attempts);
    cell[1] = spent.queued.as_millis() as f64;
    cell[2] = spent.running.as_millis() as f64;
    cell[3] = spent.backoff.as_millis() as f64;
    cell[4] = spent.rate.as_millis() as f64;
}

/// By its place in `DEADLINES` in `js/core/schedule-core.ts`.
pub(super) fn deadline_number(deadline: Deadline) -> f64 {
    match deadline {
        Deadline::Queue => 0.0,
        Deadline::Attempt => 1.0,
        Deadline::Total => 2.0,
        Deadline::Wait => 3.0,
        Deadline::Room => 4.0,
    }
}

/// By its place in `REASONS` in `js/core/schedule-core.ts`.
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

/// 0 served, 1 too much, 2 nothing.
pub(super) fn load(number: u32) -> Load {
    match number {
        0 => Load::Served,
        1 => Load::Overload,
        _ => Load::Ignored,
    }
}

pub(super) fn token(number: f64) -> Option<Token> {
    (number >= 0.0).then(|| Token::from_number(number as u64))
}

pub(super) fn span(ms: f64) -> Duration {
    if ms == f64::INFINITY { Duration::FOREVER } else { Duration::from_millis(ms as u64) }
}
