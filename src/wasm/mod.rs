//! The border to JavaScript, and the only folder that names `wasm_bindgen`. One file per handle, one-line methods.
//! A handle without its feature would be carried by every part of the core.

#[cfg(feature = "batch")]
mod batch;
#[cfg(feature = "cache")]
mod cache;
#[cfg(feature = "cache")]
mod curve;
#[cfg(feature = "schedule")]
mod given;
#[cfg(all(feature = "inspect", feature = "cache", feature = "schedule"))]
mod inspect;
#[cfg(feature = "schedule")]
mod limiter;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "schedule")]
mod schedule;
#[cfg(feature = "segments")]
mod segments;

use crate::time::Instant;
use wasm_bindgen::prelude::wasm_bindgen;

/// The default one takes 8 kB of every part of the core; this one 1.5, and its time does not depend on what is free.
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

/// Traps on purpose, so that users and our own tests can watch a poisoned core being replaced.
#[wasm_bindgen(js_name = plantTrap)]
#[allow(clippy::panic)]
pub fn plant_trap() {
    panic!("a trap planted by a test");
}

/// Milliseconds of the host as an instant; fractions are dropped, what is out of range is clamped.
#[allow(dead_code, reason = "a part that knows no time has no use for it")]
fn instant(ms: f64) -> Instant {
    if ms == f64::INFINITY { Instant::NEVER } else { Instant::from_millis(ms as u64) }
}
