//! shelflife's deciding half: machines that are told what happened and say what to do next.
//!
//! - Nothing here does I/O, reads a clock or rolls dice: time and seeds are arguments.
//! - A machine has `new(config, now)`, commands that take `now`, `handle_*` for outcomes, `poll_*` for what the
//!   host must do next, and getters. After any input the host polls until there is nothing left, then waits for
//!   the earliest `poll_at`.
//! - Refusal is a value; `Err` is the caller's mistake; a panic is a bug.
//! - Keys and values stay with the host, but for the keys of a segment log. Numbers cross the border: slots, ids, weights,
//!   times.
//! - `wasm` is the only room that knows of JavaScript; without it the crate compiles natively with no such dependency.

#[cfg(feature = "batch")]
pub mod batch;
#[cfg(feature = "cache")]
pub mod cache;
pub mod column;
pub mod histogram;
#[cfg(feature = "lz4")]
pub mod lz4;
#[cfg(feature = "metrics")]
pub mod metrics;
pub mod rng;
#[cfg(feature = "schedule")]
pub mod schedule;
#[cfg(feature = "segments")]
pub mod segments;
pub mod slab;
pub mod time;
pub mod wheel;

#[cfg(target_arch = "wasm32")]
#[allow(unreachable_pub, reason = "wasm_bindgen exports only what is `pub`")]
mod wasm;
