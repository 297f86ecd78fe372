//! The schedule's handle. Answers and actions go through one buffer of numbers: the first eight hold the answer to
//! the last call, then come the drained actions, eight numbers each.

use super::given::Given;
use super::instant;
use super::limiter::{micros, millis};
use crate::schedule::{
    Action, Admission, Backoff, Config, Deadline, Ending, Jitter, Limits, Outcome, Rate, RateLimit, Schedule, Settled,
    Spent,
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
        let given = Given(config);
        let inner = Schedule::new(schedule_config(&given), given.number("seed") as u64, instant(now));
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
    /// waiting too long: so long, the answer begins.
    pub fn submit(&mut self, lane: f64, attempt: f64, total: f64, retries: u32, now: f64) -> f64 {
        let limits = Limits { attempt: span(attempt), total: span(total), retries };
        let now = self.see(now);
        match self.inner.submit(token(lane), limits, now) {
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

    /// 0 stale, 1 asleep (the answer begins with the time of waking), or the ending plus 2 (the answer is where the time went).
    pub fn settle(&mut self, task: f64, attempt: u32, retryable: bool, retry_after: f64, now: f64) -> u32 {
        let Some(task) = token(task) else { return 0 };
        let retry_after = (retry_after >= 0.0).then(|| span(retry_after));
        let outcome = if retryable { Outcome::Retryable { retry_after } } else { Outcome::Ok };
        let now = self.see(now);
        match self.inner.settle(task, attempt, outcome, now) {
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

fn schedule_config(given: &Given<'_>) -> Config {
    let jitter = if given.flag("decorrelated") { Jitter::Decorrelated } else { Jitter::Full };
    let backoff = Backoff { initial: span(given.number("initialDelay")), max: span(given.number("maxDelay")), jitter };
    Config {
        concurrency: at_least_one(given.number("concurrency")),
        per_lane: at_least_one(given.number("perLane")),
        max_queue: given.number("maxQueue") as u32,
        backoff,
        max_retry_after: span(given.number("maxRetryAfter")),
        rate_limit: given.part("rateLimit", |given| {
            let [tokens, burst] = ["tokens", "burst"].map(|name| at_least_one(given.number(name)));
            let rate = Rate { tokens, interval: micros(given.number("interval")), burst };
            RateLimit { rate, max_wait: micros(given.number("maxWait")) }
        }),
    }
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
            let deadline = match deadline {
                Deadline::Queue => 0.0,
                Deadline::Attempt => 1.0,
                Deadline::Total => 2.0,
            };
            (3.0, task, deadline)
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

fn token(number: f64) -> Option<Token> {
    (number >= 0.0).then(|| Token::from_number(number as u64))
}

fn span(ms: f64) -> Duration {
    Duration::from_millis(ms as u64)
}
