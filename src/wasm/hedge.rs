//! The border of `crate::schedule::Hedge`. Times and spans are milliseconds.

use super::instant;
use super::numbers::span;
use crate::schedule::{Hedge, HedgeDelay};
use wasm_bindgen::prelude::wasm_bindgen;

/// How long calls usually take.
#[wasm_bindgen]
pub struct HedgeHandle {
    inner: Hedge,
}

#[wasm_bindgen]
impl HedgeHandle {
    /// A fixed delay, or an infinite one and the quantile that it is.
    #[wasm_bindgen(constructor)]
    pub fn new(delay: f64, quantile: f64, min_samples: u32) -> Self {
        let quantile = HedgeDelay::Quantile { quantile, min_samples };
        Self { inner: Hedge::new(if delay == f64::INFINITY { quantile } else { HedgeDelay::Fixed(span(delay)) }) }
    }

    /// A call has succeeded and took so long.
    pub fn record(&mut self, took: f64, now: f64) {
        self.inner.record(took, instant(now));
    }

    /// After how long another attempt may begin.
    pub fn delay(&self) -> f64 {
        self.inner.delay().map_or(f64::INFINITY, |delay| delay.as_millis() as f64)
    }
}
