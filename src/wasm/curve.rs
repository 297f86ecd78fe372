//! The curve of one cache, seen from JavaScript.

use crate::cache::curve::{Curve, Limits};
use wasm_bindgen::prelude::wasm_bindgen;

/// A curve. It is fed with the logs that the cache machine gets, and with what happened beside them.
#[wasm_bindgen]
#[derive(Debug)]
pub struct CurveHandle {
    inner: Curve,
}

#[wasm_bindgen]
impl CurveHandle {
    /// Of a cache with these limits; infinite where there is none.
    #[wasm_bindgen(constructor)]
    pub fn new(max: f64, max_size: f64) -> Self {
        Self { inner: Curve::new(Limits { max, max_size }) }
    }

    /// Applies a log of the cache, and the events beside it.
    pub fn replay(&mut self, words: &[u32], events: &[u32]) {
        self.inner.replay(words, events);
    }

    /// Other limits; counting begins anew.
    pub fn resize(&mut self, max: f64, max_size: f64) {
        self.inner.resize(Limits { max, max_size });
    }

    /// Every key is gone.
    pub fn clear(&mut self) {
        self.inner.clear();
    }

    /// The hit rates at 0.25 to 4 times the limits; none before the first read.
    #[wasm_bindgen(js_name = hitRates)]
    pub fn hit_rates(&self) -> Vec<f64> {
        self.inner.hit_rates().map(Vec::from).unwrap_or_default()
    }
}
