//! The border to JavaScript, and the only folder that names `wasm_bindgen`. One file per handle, one-line methods.

mod batch;
mod cache;
mod metrics;
mod schedule;
mod segments;

use crate::time::Instant;
use wasm_bindgen::prelude::wasm_bindgen;

/// Traps on purpose, so that users and our own tests can watch a poisoned core being replaced.
#[wasm_bindgen(js_name = plantTrap)]
#[allow(clippy::panic)]
pub fn plant_trap() {
    panic!("a trap planted by a test");
}

/// Milliseconds of the host as an instant; fractions are dropped, what is out of range is clamped.
fn instant(ms: f64) -> Instant {
    if ms == f64::INFINITY { Instant::NEVER } else { Instant::from_millis(ms as u64) }
}
