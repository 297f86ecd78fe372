//! The border of `crate::schedule::Limiter`. Times and spans are milliseconds, with fractions down to a microsecond.

use super::numbers::{at_least_one, micros, millis};
use crate::schedule::{Entry, Limiter, LimiterConfig, Micros, Rate, Refusal, Turn};
use crate::slab::Token;
use wasm_bindgen::prelude::wasm_bindgen;

/// A limiter, and what there is to say about its last answer.
#[wasm_bindgen]
pub struct LimiterHandle {
    inner: Limiter,
    answer: f64,
}

#[wasm_bindgen]
impl LimiterHandle {
    /// See [`LimiterConfig`].
    #[wasm_bindgen(constructor)]
    pub fn new(tokens: u32, interval: f64, burst: u32, max_wait: f64, max_queue: u32, now: f64) -> Self {
        let [tokens, burst] = [tokens, burst].map(|count| at_least_one(count.into()));
        let rate = Rate { tokens, interval: micros(interval), burst };
        let config = LimiterConfig { rate, max_wait: micros(max_wait), max_queue };
        Self { inner: Limiter::new(config, micros(now)), answer: 0.0 }
    }

    /// 0 admitted, 1 in line (the answer is the ticket), or refused (the answer is after how long it would go on): 2 since it
    /// would wait too long, 3 since the line is full, 4 since it costs too much.
    pub fn admit(&mut self, cost: u32, now: f64) -> u32 {
        let now = micros(now);
        match self.inner.admit(cost, now) {
            Entry::Admit => 0,
            Entry::Wait { ticket, .. } => {
                self.answer = ticket.to_number() as f64;
                1
            }
            Entry::Reject(refusal) => self.refuse(refusal, now),
        }
    }

    /// As [`LimiterHandle::admit`], but never in line.
    pub fn take(&mut self, cost: u32, now: f64) -> u32 {
        let now = micros(now);
        self.inner.take(cost, now).map_or_else(|refusal| self.refuse(refusal, now), |()| 0)
    }

    /// Whether the call was in line.
    pub fn cancel(&mut self, ticket: f64) -> bool {
        self.inner.cancel(Token::from_number(ticket as u64))
    }

    /// Admits nobody before `until`.
    #[wasm_bindgen(js_name = holdUntil)]
    pub fn hold_until(&mut self, until: f64, now: f64) {
        self.inner.hold_until(micros(until), micros(now));
    }

    /// Pours the bucket out.
    pub fn empty(&mut self) {
        self.inner.empty();
    }

    /// The ticket of the next call whose wait is over, or -1. The answer is 0 when it goes on, else after how long it would have.
    pub fn poll(&mut self, now: f64) -> f64 {
        let now = micros(now);
        let (ticket, answer) = match self.inner.poll(now) {
            None => return -1.0,
            Some(Turn::Admit(ticket)) => (ticket, 0.0),
            Some(Turn::Refuse(ticket, until)) => (ticket, millis(until.since(now))),
        };
        self.answer = answer;
        ticket.to_number() as f64
    }

    /// When to poll next if nothing else happens.
    #[wasm_bindgen(js_name = pollAt)]
    pub fn poll_at(&self) -> f64 {
        self.inner.poll_at().map_or(f64::INFINITY, millis)
    }

    /// See the methods.
    #[wasm_bindgen(getter)]
    pub fn answer(&self) -> f64 {
        self.answer
    }

    /// Tokens that are there for newcomers.
    pub fn tokens(&mut self, now: f64) -> u32 {
        self.inner.tokens(micros(now))
    }

    fn refuse(&mut self, refusal: Refusal, now: Micros) -> u32 {
        let (code, until) = match refusal {
            Refusal::TooLong(until) => (2, until),
            Refusal::QueueFull(until) => (3, until),
            Refusal::TooCostly => (4, Micros::NEVER),
        };
        self.answer = millis(until.since(now));
        code
    }
}
