//! The schedule's handle. Answers and actions go through one buffer of numbers: the first eight hold the answer to
//! the last call, then come the drained actions, eight numbers each.

use super::buffered::BufferedSchedule;
use super::given::Given;
use super::instant;
use super::numbers::{
    at_least_one, cause_number, deadline_number, load, millis, reason_number, span, time, token, verdict,
};
use crate::schedule::breaker::CircuitState;
use crate::schedule::{Action, Admission, Ending, Limits, Outcome, Settled, Spent, Standing};
use crate::time::Instant;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

const STRIDE: usize = 8;
const ACTIONS: usize = 32;

/// A schedule and its buffer. Tokens, times and spans are numbers; a negative number stands for none.
#[wasm_bindgen]
pub struct ScheduleHandle {
    inner: BufferedSchedule,
}

#[wasm_bindgen]
impl ScheduleHandle {
    /// A schedule for the object that `ScheduleConfig` in `js/core/schedule-types.ts` describes.
    #[wasm_bindgen(constructor)]
    pub fn new(config: &JsValue, now: f64) -> Self {
        let seed = Given(config).number("seed") as u64;
        Self { inner: BufferedSchedule::new(config, seed, STRIDE * (1 + ACTIONS), now) }
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
        let (wait, weight) = (span(wait), at_least_one(weight.into()));
        let limits = Limits { attempt: span(attempt), total: span(total), retries, wait, priority, weight };
        let now = self.inner.see(now);
        match self.inner.schedule.submit(token(lane), token(circuit), limits, now) {
            Admission::CircuitOpen(refusal) => {
                self.inner.buffer[0] = time(refusal.retry_at);
                -3.0
            }
            Admission::Admitted { task, lane } => {
                self.inner.buffer[0] = lane.to_number() as f64;
                task.to_number() as f64
            }
            Admission::QueueFull => -1.0,
            Admission::RateLimited { wait } => {
                self.inner.buffer[0] = millis(wait);
                -2.0
            }
        }
    }

    /// 0 stale, 1 asleep (the answer begins with the time of waking), or the ending plus 2 (the answer is where the time went). `retry_after`: not a
    /// number where it is not to be tried again, less than zero where it may be whenever that is due, else the pause asked for. `verdict` is what
    /// its circuit is told: 0 well, 1 badly, 2 nothing; `load` what the limit is: 0 served, 1 too much, 2 nothing.
    pub fn settle(&mut self, task: f64, attempt: u32, retry_after: f64, verdict: u32, load: u32, now: f64) -> u32 {
        let Some(task) = token(task) else { return 0 };
        let outcome = if retry_after.is_nan() {
            Outcome::Ok
        } else {
            Outcome::Retryable { retry_after: (retry_after >= 0.0).then(|| span(retry_after)) }
        };
        let now = self.inner.see(now);
        match self.inner.schedule.settle(task, attempt, outcome, (self::verdict(verdict), self::load(load)), now) {
            Settled::Stale => 0,
            Settled::Backoff { until } => {
                self.inner.buffer[0] = until.as_millis() as f64;
                1
            }
            Settled::Done(ending, spent) => {
                write_spent(&mut self.inner.buffer, spent);
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
        let now = self.inner.see(now);
        let spent = token(task).and_then(|task| self.inner.schedule.cancel(task, now));
        write_spent(&mut self.inner.buffer, spent.unwrap_or_default());
        spent.is_some()
    }

    /// Writes the next actions and says how many; call again while it fills the buffer. The answer is when to call next.
    pub fn drain(&mut self, now: f64) -> u32 {
        self.inner.drain((ACTIONS, STRIDE), now, write_action)
    }

    /// Where a task is: 0 in the queue, 1 running, 2 asleep, -1 when it has ended.
    pub fn standing(&self, task: f64) -> i32 {
        match token(task).and_then(|task| self.inner.schedule.standing(task)) {
            None => -1,
            Some(Standing::Queued) => 0,
            Some(Standing::Running) => 1,
            Some(Standing::Asleep) => 2,
        }
    }

    /// Begins nothing of a lane before `until`.
    pub fn hold(&mut self, lane: f64, until: f64, now: f64) {
        if let Some(lane) = token(lane) {
            self.inner.schedule.hold(lane, instant(until), instant(now));
        }
    }

    /// A new circuit, or -1 where there are none.
    #[wasm_bindgen(js_name = addCircuit)]
    pub fn add_circuit(&mut self, now: f64) -> f64 {
        let added = self.inner.schedule.breakers().map(|breakers| breakers.add(instant(now)));
        added.map_or(-1.0, |circuit| circuit.to_number() as f64)
    }

    /// A circuit that has made room for others, or -1.
    #[wasm_bindgen(js_name = pollForgotten)]
    pub fn poll_forgotten(&mut self) -> f64 {
        let forgotten = self.inner.schedule.breakers().and_then(|breakers| breakers.poll_forgotten());
        forgotten.map_or(-1.0, |circuit| circuit.to_number() as f64)
    }

    /// 0 closed, 1 open (the answer is until when), 2 half-open, 3 isolated.
    #[wasm_bindgen(js_name = circuitState)]
    pub fn circuit_state(&mut self, circuit: f64, now: f64) -> u32 {
        let circuit = token(circuit);
        let state = self.inner.schedule.breakers().and_then(|breakers| breakers.state(circuit?, instant(now)));
        match state {
            None | Some(CircuitState::Closed) => 0,
            Some(CircuitState::Open { until }) => {
                self.inner.buffer[0] = time(until);
                1
            }
            Some(CircuitState::HalfOpen) => 2,
            Some(CircuitState::Isolated) => 3,
        }
    }

    /// Refuses everyone, until it is reset.
    #[wasm_bindgen(js_name = isolateCircuit)]
    pub fn isolate_circuit(&mut self, circuit: f64, now: f64) {
        let now = self.inner.see(now);
        if let Some(circuit) = token(circuit) {
            self.inner.schedule.isolate(circuit, now);
        }
    }

    /// Closes a circuit and forgets what it has seen.
    #[wasm_bindgen(js_name = resetCircuit)]
    pub fn reset_circuit(&mut self, circuit: f64) {
        if let Some((breakers, circuit)) = self.inner.schedule.breakers().zip(token(circuit)) {
            breakers.reset(circuit);
        }
    }

    /// What would meet a task that came now; whether it would begin. The answer: places its lane takes, tasks of it that wait, places that all
    /// take, until when the lane is held (or -1), when its circuit lets somebody through (or -1), the wait for a token, second attempts left.
    pub fn outlook(&mut self, lane: f64, circuit: f64, now: f64) -> bool {
        let at = |instant: Option<Instant>| instant.map_or(-1.0, time);
        let outlook = self.inner.schedule.outlook(token(lane), token(circuit), instant(now));
        self.inner.buffer[0] = f64::from(outlook.lane_active);
        self.inner.buffer[1] = f64::from(outlook.lane_queued);
        self.inner.buffer[2] = f64::from(outlook.active);
        self.inner.buffer[3] = at(outlook.held_until);
        self.inner.buffer[4] = at(outlook.shut_until);
        self.inner.buffer[5] = millis(outlook.rate_wait);
        self.inner.buffer[6] = outlook.retries_left.map_or(f64::INFINITY, |left| left as f64);
        outlook.begins
    }

    /// Gives a lane a limit of its own.
    #[wasm_bindgen(js_name = limitLane)]
    pub fn limit_lane(&mut self, lane: f64, limit: u32, now: f64) {
        let now = self.inner.see(now);
        if let Some(lane) = token(lane) {
            self.inner.schedule.limit_lane(lane, at_least_one(limit.into()), now);
        }
    }

    /// How many attempts may run at once.
    #[wasm_bindgen(getter)]
    pub fn concurrency(&self) -> u32 {
        self.inner.schedule.concurrency()
    }

    /// How many attempts run.
    #[wasm_bindgen(getter)]
    pub fn running(&self) -> u32 {
        self.inner.schedule.running()
    }

    /// How many tasks wait for their turn.
    #[wasm_bindgen(getter)]
    pub fn queued(&self) -> u32 {
        self.inner.schedule.queued()
    }

    /// How many tasks sleep between attempts.
    #[wasm_bindgen(getter)]
    pub fn sleeping(&self) -> u32 {
        self.inner.schedule.sleeping()
    }

    /// How many lanes have tasks.
    #[wasm_bindgen(getter)]
    pub fn lanes(&self) -> u32 {
        self.inner.schedule.lanes() as u32
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
            (3.0, task, deadline_number(deadline))
        }
        Action::Limit(change) => {
            let reason = reason_number(change.reason);
            cell[..4].copy_from_slice(&[5.0, f64::from(change.from), f64::from(change.to), reason]);
            return;
        }
        Action::Circuit { circuit, cause } => (6.0, circuit, cause_number(cause).into()),
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
