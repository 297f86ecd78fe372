//! The border of `crate::schedule::{Backoff, RetryBudget}`. Times and spans are milliseconds.

use super::given::Given;
use super::instant;
use super::numbers::span;
use super::rules::{backoff, budget_rules};
use crate::rng::Rng;
use crate::schedule::{Backoff, RetryBudget};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// A rule for delays and the dice for their jitter.
#[wasm_bindgen]
pub struct BackoffHandle {
    inner: Backoff,
    rng: Rng,
}

#[wasm_bindgen]
impl BackoffHandle {
    /// The rule that `BackoffConfig` in `js/core/schedule-types.ts` describes.
    #[wasm_bindgen(constructor)]
    pub fn new(config: &JsValue) -> Self {
        let given = Given(config);
        Self { inner: backoff(&given), rng: Rng::new(given.number("seed") as u64) }
    }

    /// See `Backoff::delay`.
    pub fn delay(&mut self, failures: u32, previous: f64) -> f64 {
        self.inner.delay(failures, span(previous), &mut self.rng).as_millis() as f64
    }
}

/// A retry budget.
#[wasm_bindgen]
pub struct BudgetHandle {
    inner: RetryBudget,
}

#[wasm_bindgen]
impl BudgetHandle {
    /// The budget that `BudgetConfig` in `js/core/schedule-types.ts` describes.
    #[wasm_bindgen(constructor)]
    pub fn new(config: &JsValue) -> Self {
        Self { inner: RetryBudget::new(budget_rules(&Given(config))) }
    }

    /// A call was made.
    pub fn note(&mut self, now: f64) {
        self.inner.note(instant(now));
    }

    /// Takes one second attempt, if there is one.
    pub fn spend(&mut self, now: f64) -> bool {
        self.inner.spend(instant(now))
    }

    /// Second attempts that there are.
    pub fn left(&mut self, now: f64) -> f64 {
        self.inner.left(instant(now)) as f64
    }
}
