//! The cache machine, seen from JavaScript.

use super::{grow_ahead, instant};
use crate::cache::{Cache, Config, Policy};
use wasm_bindgen::prelude::wasm_bindgen;

/// A cache machine. Slots and words cross as whole arrays, a few times for thousands of operations.
#[wasm_bindgen]
#[derive(Debug)]
pub struct CacheHandle {
    inner: Cache,
}

#[wasm_bindgen]
impl CacheHandle {
    /// An empty cache of the policy of that number, whose time begins at `now`.
    #[wasm_bindgen(constructor)]
    pub fn new(policy: u32, expected: u32, seed: f64, now: f64) -> Self {
        let policy = Policy::ALL.get(policy as usize).copied().unwrap_or_default();
        Self { inner: Cache::new(Config { policy, expected, seed: seed as u64 }, instant(now)) }
    }

    /// Applies a log whose times count from `base`.
    pub fn replay(&mut self, words: &[u32], base: f64) {
        self.inner.replay(words, instant(base));
        grow_ahead();
    }

    /// The next victims in order, at most `most`.
    pub fn victims(&mut self, most: u32) -> Vec<u32> {
        self.inner.victims(most)
    }

    /// Up to `most` slots by what they are worth: those that leave last first, or those that leave first.
    pub fn ranked(&self, most: u32, hottest: bool) -> Vec<u32> {
        self.inner.ranked(most as usize, hottest)
    }

    /// The slots due at `now`, found in at most `budget` steps.
    #[wasm_bindgen(js_name = pollExpired)]
    pub fn poll_expired(&mut self, now: f64, mut budget: u32) -> Vec<u32> {
        std::iter::from_fn(|| self.inner.poll_expired(instant(now), &mut budget)).collect()
    }

    /// When to call `pollExpired` next; `Infinity` for never.
    #[wasm_bindgen(js_name = pollAt)]
    pub fn poll_at(&self) -> f64 {
        self.inner.poll_at().map_or(f64::INFINITY, |at| at.as_millis() as f64)
    }

    /// Forgets every entry.
    pub fn clear(&mut self, now: f64) {
        self.inner.clear(instant(now));
    }

    /// How many entries there are.
    pub fn len(&self) -> u32 {
        self.inner.len() as u32
    }
}
