//! The schedule's handle. Answers and actions go through one buffer of numbers: the first eight hold the answer to
//! the last call, then come the drained actions, eight numbers each.

use super::instant;
use super::limiter::{micros, millis};
use crate::schedule::{
    Action, Admission, Backoff, Config, Deadline, Ending, Jitter, Limits, Outcome, Rate, RateLimit, Schedule, Settled,
    Spent,
};
use crate::slab::Token;
use crate::time::{Duration, Instant};
use std::num::NonZeroU32;
use wasm_bindgen::prelude::wasm_bindgen;

const STRIDE: usize = 8;
const ACTIONS: usize = 32;

/// A schedule and its buffer. Tokens, times and spans are numbers; a negative number stands for none.
#[wasm_bindgen]
pub struct ScheduleHandle {
    inner: Schedule,
    config: Config,
    seed: u64,
    buffer: Box<[f64]>,
}

#[wasm_bindgen]
impl ScheduleHandle {
    /// See [`Config`]; `decorrelated` chooses the jitter.
    #[wasm_bindgen(constructor)]
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        concurrency: u32,
        per_lane: u32,
        max_queue: u32,
        initial_delay: f64,
        max_delay: f64,
        decorrelated: bool,
        max_retry_after: f64,
        seed: f64,
        now: f64,
    ) -> Self {
        let jitter = if decorrelated { Jitter::Decorrelated } else { Jitter::Full };
        let backoff = Backoff { initial: span(initial_delay), max: span(max_delay), jitter };
        let at_least_one = |limit| NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN);
        let config = Config {
            concurrency: at_least_one(concurrency),
            per_lane: at_least_one(per_lane),
            max_queue,
            backoff,
            max_retry_after: span(max_retry_after),
            rate_limit: None,
        };
        let seed = seed as u64;
        let inner = Schedule::new(config, seed, instant(now));
        Self { inner, config, seed, buffer: vec![0.0; STRIDE * (1 + ACTIONS)].into_boxed_slice() }
    }

    /// Begins anew with a limit on how often attempts begin; see [`RateLimit`]. `full` says whether there is a burst to begin with.
    #[wasm_bindgen(js_name = limitRate)]
    pub fn limit_rate(&mut self, tokens: u32, interval: f64, burst: u32, max_wait: f64, full: bool, now: f64) {
        let [tokens, burst] = [tokens, burst].map(|count| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN));
        let rate = Rate { tokens, interval: micros(interval), burst };
        self.config.rate_limit = Some(RateLimit { rate, max_wait: micros(max_wait) });
        self.inner = Schedule::new(self.config, self.seed, instant(now));
        if !full {
            self.inner.empty_bucket();
        }
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
