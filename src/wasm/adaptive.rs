//! The border of `crate::schedule::adaptive::Adaptive`, where one is wanted that limits no schedule. Times and spans are milliseconds.

use super::given::Given;
use super::instant;
use super::numbers::{load, reason_number};
use super::rules::adaptive_rules;
use crate::schedule::adaptive::Adaptive;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// How many calls are good for whoever is called.
#[wasm_bindgen]
pub struct AdaptiveHandle {
    inner: Adaptive,
}

#[wasm_bindgen]
impl AdaptiveHandle {
    /// A limit for the object that `AdaptiveConfig` in `js/core/schedule-types.ts` describes.
    #[wasm_bindgen(constructor)]
    pub fn new(config: &JsValue, now: f64) -> Self {
        Self { inner: Adaptive::new(adaptive_rules(&Given(config)), instant(now)) }
    }

    /// How many calls may run at the same time.
    #[wasm_bindgen(getter)]
    pub fn limit(&self) -> u32 {
        self.inner.limit()
    }

    /// A call is over, and so many ran with it: 0 it was served, 1 it was too much. Why the limit has changed, or -1.
    pub fn record(&mut self, took: f64, inflight: u32, load_number: u32, now: f64) -> f64 {
        let change = self.inner.record(took, inflight, load(load_number), instant(now));
        change.map_or(-1.0, |change| reason_number(change.reason))
    }
}
