//! The border of `crate::schedule::breaker::Breakers`. Times and spans are milliseconds; a circuit is a number, or -1.

use super::given::Given;
use super::instant;
use super::numbers::{cause_number, span, time, verdict};
use super::rules::breaker_rules;
use crate::schedule::breaker::{Breakers, CircuitState, Permit};
use crate::slab::Token;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// Circuits, and what there is to say about the last answer.
#[wasm_bindgen]
pub struct BreakerHandle {
    inner: Breakers,
    answer: f64,
}

#[wasm_bindgen]
impl BreakerHandle {
    /// Circuits under the rules that `BreakerRules` in `js/core/breaker-core.ts` describes.
    #[wasm_bindgen(constructor)]
    pub fn new(rules: &JsValue) -> Self {
        Self { inner: Breakers::new(breaker_rules(&Given(rules))), answer: 0.0 }
    }

    /// A new circuit, closed.
    pub fn add(&mut self, now: f64) -> f64 {
        self.inner.add(instant(now)).to_number() as f64
    }

    /// A permit; -1 when the circuit refuses (the answer is when it may not), -2 when it is isolated.
    pub fn admit(&mut self, circuit: f64, now: f64) -> f64 {
        match self.inner.admit(token(circuit), instant(now)) {
            Ok(Permit(permit)) => f64::from(permit),
            Err(refusal) => {
                self.answer = time(refusal.retry_at);
                if refusal.isolated { -2.0 } else { -1.0 }
            }
        }
    }

    /// Tells how a call went: 0 well, 1 badly, 2 in a way that says nothing. Why the circuit has changed: 0 it has not, 1 failures,
    /// 2 slow calls, 3 failed probes, 4 it is closed.
    pub fn settle(&mut self, circuit: f64, permit: f64, verdict: u32, took: f64, now: f64) -> u32 {
        let verdict = self::verdict(verdict);
        let cause = self.inner.settle(token(circuit), Permit(permit as u32), verdict, span(took), instant(now));
        cause.map_or(0, cause_number)
    }

    /// 0 closed, 1 open (the answer is until when), 2 half-open, 3 isolated.
    pub fn state(&mut self, circuit: f64, now: f64) -> u32 {
        match self.inner.state(token(circuit), instant(now)) {
            None | Some(CircuitState::Closed) => 0,
            Some(CircuitState::Open { until }) => {
                self.answer = time(until);
                1
            }
            Some(CircuitState::HalfOpen) => 2,
            Some(CircuitState::Isolated) => 3,
        }
    }

    /// See the methods.
    #[wasm_bindgen(getter)]
    pub fn answer(&self) -> f64 {
        self.answer
    }

    /// What the window holds: calls, failures, slow calls.
    pub fn tally(&mut self, circuit: f64, now: f64) -> Vec<f64> {
        let tally = self.inner.tally(token(circuit), instant(now)).unwrap_or_default();
        [tally.calls, tally.failed, tally.slow].map(f64::from).to_vec()
    }

    /// See `Breakers::isolate`.
    pub fn isolate(&mut self, circuit: f64) {
        self.inner.isolate(token(circuit));
    }

    /// Takes one isolation back.
    pub fn release(&mut self, circuit: f64) {
        self.inner.release(token(circuit));
    }

    /// Closes a circuit.
    pub fn reset(&mut self, circuit: f64) {
        self.inner.reset(token(circuit));
    }

    /// A circuit as numbers.
    pub fn save(&mut self, circuit: f64, now: f64) -> Vec<f64> {
        self.inner.save(token(circuit), instant(now)).unwrap_or_default()
    }

    /// A circuit from numbers that were saved so long ago; -1 when they mean nothing.
    pub fn restore(&mut self, saved: &[f64], elapsed: f64, now: f64) -> f64 {
        self.inner.restore(saved, span(elapsed), instant(now)).map_or(-1.0, |circuit| circuit.to_number() as f64)
    }

    /// A circuit that has made room for others, or -1.
    #[wasm_bindgen(js_name = pollForgotten)]
    pub fn poll_forgotten(&mut self) -> f64 {
        self.inner.poll_forgotten().map_or(-1.0, |circuit| circuit.to_number() as f64)
    }
}

fn token(circuit: f64) -> Token {
    // What is no circuit names none: the slot of -1 saturates to one that never is.
    if circuit < 0.0 { Token::from_number(u64::from(u32::MAX)) } else { Token::from_number(circuit as u64) }
}
