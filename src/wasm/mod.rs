//! The border to JavaScript, and the only folder that names `wasm_bindgen`. One file per handle, one-line methods.
//! A handle without its feature would be carried by every part of the core.

#[cfg(feature = "schedule")]
mod adaptive;
#[cfg(feature = "batch")]
mod batch;
#[cfg(feature = "schedule")]
mod breaker;
#[cfg(feature = "schedule")]
mod buffered;
#[cfg(feature = "cache")]
mod cache;
#[cfg(feature = "cache")]
mod curve;
#[cfg(feature = "schedule")]
mod given;
#[cfg(feature = "schedule")]
mod hedge;
#[cfg(all(feature = "inspect", feature = "cache", feature = "schedule"))]
mod inspect;
#[cfg(feature = "schedule")]
mod limiter;
#[cfg(feature = "lz4")]
mod lz4;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "schedule")]
mod numbers;
#[cfg(feature = "schedule")]
mod queue;
#[cfg(feature = "schedule")]
mod retry;
#[cfg(feature = "schedule")]
mod rules;
#[cfg(feature = "schedule")]
mod schedule;
#[cfg(feature = "segments")]
mod segments;

use crate::time::Instant;
use std::arch::wasm32::memory_size;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use wasm_bindgen::prelude::wasm_bindgen;

/// The default one takes 8 kB of every part of the core; this one 1.5, and its time does not depend on what is free.
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

/// Takes a sixteenth more memory when it has grown since the last call. The allocator alone takes 64 kB at a time; V8 counts all of a memory
/// anew whenever it grows, and from some 20 MB on it would collect garbage at every such step.
#[allow(dead_code, reason = "a part whose machines stay small has no use for it")]
fn grow_ahead() {
    static KNOWN_PAGES: AtomicUsize = AtomicUsize::new(0);
    const PAGE: usize = 1 << 16;
    const SHARE: usize = 16;
    let pages = memory_size::<0>();
    if pages > KNOWN_PAGES.load(Relaxed) {
        let mut room = Vec::<u8>::new();
        // Where there is no more, there is enough for now.
        let _ = room.try_reserve_exact(pages / SHARE * PAGE);
        black_box(room);
        KNOWN_PAGES.store(memory_size::<0>(), Relaxed);
    }
}

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
