//! The border of a schedule whose tasks run once: what has come and what has ended is written down, and told in one call.
//!
//! One buffer of numbers serves all of it: the answer to the last call, then the newcomers, those that have ended, and the actions.

use super::buffered::BufferedSchedule;
use super::grow_ahead;
use super::numbers::{at_least_one, deadline_number, load, millis, reason_number, span, token};
use crate::schedule::breaker::Verdict;
use crate::schedule::{Action, Admission, Limits, Outcome};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

const HEAD: usize = 2;
const NEWCOMERS: usize = 128;
/// Lane, deadline of a run, longest wait, priority, weight; the answer is the task and its lane.
const NEWCOMER: usize = 5;
const ENDED: usize = 64;
/// The task, and what it says about the load, or that it was given up.
const END: usize = 2;
const GIVEN_UP: u32 = 3;
const ACTIONS: usize = 64;
const ACTION: usize = 4;

/// A schedule and its buffer. Tokens, times and spans are numbers; a negative number stands for none.
#[wasm_bindgen]
pub struct QueueHandle {
    inner: BufferedSchedule,
}

#[wasm_bindgen]
impl QueueHandle {
    /// A schedule for the object that `ScheduleConfig` in `js/core/schedule-types.ts` describes.
    #[wasm_bindgen(constructor)]
    pub fn new(config: &JsValue, now: f64) -> Self {
        let length = HEAD + NEWCOMERS * NEWCOMER + ENDED * END + ACTIONS * ACTION;
        Self { inner: BufferedSchedule::new(config, 0, length, now) }
    }

    /// Begins with nothing in the bucket of the rate limit, if there is one.
    #[wasm_bindgen(js_name = emptyBucket)]
    pub fn empty_bucket(&mut self) {
        self.inner.schedule.empty_bucket();
    }

    /// Where the buffer lies.
    #[wasm_bindgen(getter)]
    pub fn pointer(&self) -> u32 {
        self.inner.pointer()
    }

    /// How many numbers the buffer holds.
    #[wasm_bindgen(getter)]
    pub fn length(&self) -> u32 {
        self.inner.length()
    }

    /// Takes in the first newcomers of the buffer, then hears who has ended. In the place of a newcomer is the answer: his task and its lane; or -1 when the queue
    /// is full, or -2 when the rate limit would keep him waiting too long, and so long.
    pub fn take(&mut self, newcomers: u32, ended: u32, now: f64) {
        grow_ahead();
        let now = self.inner.see(now);
        let BufferedSchedule { schedule, buffer } = &mut self.inner;
        let (taken, rest) = buffer[HEAD..].split_at_mut(NEWCOMERS * NEWCOMER);
        for cell in taken.chunks_exact_mut(NEWCOMER).take(newcomers as usize) {
            let limits = Limits {
                attempt: span(cell[1]),
                wait: span(cell[2]),
                priority: cell[3] as i32,
                weight: at_least_one(cell[4]),
                ..Limits::NONE
            };
            let (task, detail) = match schedule.submit(token(cell[0]), None, limits, now) {
                Admission::Admitted { task, lane } => (task.to_number() as f64, lane.to_number() as f64),
                Admission::RateLimited { wait } => (-2.0, millis(wait)),
                Admission::QueueFull | Admission::CircuitOpen(_) => (-1.0, 0.0),
            };
            cell[0] = task;
            cell[1] = detail;
        }
        for cell in rest.chunks_exact(END).take(ended as usize) {
            match (token(cell[0]), cell[1] as u32) {
                (None, _) => {}
                (Some(task), GIVEN_UP) => {
                    schedule.cancel(task, now);
                }
                (Some(task), said) => {
                    schedule.settle(task, 1, Outcome::Ok, (Verdict::Ignored, load(said)), now);
                }
            }
        }
    }

    /// A task that runs already; its lane is the first number of the answer.
    pub fn adopt(&mut self, lane: f64, attempt: f64, weight: u32, now: f64) -> f64 {
        let now = self.inner.see(now);
        let limits = Limits { attempt: span(attempt), weight: at_least_one(weight.into()), ..Limits::NONE };
        let (task, lane) = self.inner.schedule.adopt(token(lane), limits, now);
        self.inner.buffer[0] = lane.to_number() as f64;
        task.to_number() as f64
    }

    /// Writes the next actions and says how many; call again while it fills the buffer. The answer is when to call next. An action is 0 and a task that begins;
    /// 1 with a task that has ended, and its deadline; or 2 with the limit that was, that is, and why.
    pub fn drain(&mut self, now: f64) -> u32 {
        self.inner.drain((ACTIONS, ACTION), now, |cell, action| cell.copy_from_slice(&numbers_of(action)))
    }

    /// Changes how many tasks run at once.
    #[wasm_bindgen(js_name = setConcurrency)]
    pub fn set_concurrency(&mut self, concurrency: u32, now: f64) {
        let now = self.inner.see(now);
        self.inner.schedule.set_concurrency(at_least_one(concurrency.into()), now);
    }

    /// Lets no task begin, or lets them begin again.
    #[wasm_bindgen(js_name = setPaused)]
    pub fn set_paused(&mut self, paused: bool, now: f64) {
        let now = self.inner.see(now);
        self.inner.schedule.set_paused(paused, now);
    }

    /// How many tasks may run at once.
    #[wasm_bindgen(getter)]
    pub fn concurrency(&self) -> u32 {
        self.inner.schedule.concurrency()
    }
}

fn numbers_of(action: Action) -> [f64; ACTION] {
    match action {
        Action::Start { task, .. } => [0.0, task.to_number() as f64, 0.0, 0.0],
        Action::Expire { task, deadline, .. } => [1.0, task.to_number() as f64, deadline_number(deadline), 0.0],
        Action::Limit(change) => [2.0, f64::from(change.from), f64::from(change.to), reason_number(change.reason)],
        // There are no circuits, and nothing is tried again.
        Action::Abort { .. } | Action::Refuse { .. } | Action::Circuit { .. } => [3.0, -1.0, 0.0, 0.0],
    }
}
