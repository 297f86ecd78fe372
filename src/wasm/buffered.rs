//! A schedule with the buffer of numbers that calls about it go through.

use super::instant;
use super::numbers::{micros, millis};
use super::rules::schedule_config;
use crate::schedule::{Action, Schedule};
use crate::time::Instant;
use wasm_bindgen::JsValue;

/// See the top of this file. The first number of the buffer is the answer to the last call, and the actions are at its end.
pub(super) struct BufferedSchedule {
    pub(super) schedule: Schedule,
    pub(super) buffer: Box<[f64]>,
}

impl BufferedSchedule {
    /// A schedule for the object that `ScheduleConfig` in `js/core/schedule-types.ts` describes, with room for so many numbers.
    pub(super) fn new(config: &JsValue, seed: u64, length: usize, now: f64) -> Self {
        let schedule = Schedule::new(schedule_config(config), seed, instant(now));
        Self { schedule, buffer: vec![0.0; length].into_boxed_slice() }
    }

    pub(super) fn pointer(&self) -> u32 {
        self.buffer.as_ptr() as usize as u32
    }

    pub(super) fn length(&self) -> u32 {
        self.buffer.len() as u32
    }

    /// The moment of a call. A rate limit needs to know it finer than instants are.
    pub(super) fn see(&mut self, now: f64) -> Instant {
        self.schedule.see(micros(now));
        instant(now)
    }

    /// Writes the next actions, `room` of `stride` numbers at the most, and says how many. The answer is when to call next.
    pub(super) fn drain(
        &mut self,
        (room, stride): (usize, usize),
        now: f64,
        write: impl Fn(&mut [f64], Action),
    ) -> u32 {
        let now = self.see(now);
        let at = self.buffer.len() - room * stride;
        let mut count = 0;
        for cell in self.buffer[at..].chunks_exact_mut(stride) {
            let Some(action) = self.schedule.poll_action(now) else { break };
            write(cell, action);
            count += 1;
        }
        self.buffer[0] = self.schedule.poll_at_micros().map_or(f64::INFINITY, millis);
        count
    }
}
