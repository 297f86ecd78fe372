//! The cache machine, seen from JavaScript.

use super::instant;
use crate::cache::Cache;
use wasm_bindgen::prelude::wasm_bindgen;

/// A cache machine with two buffers in the core's memory: the host writes its log into one and reads slots from the other.
#[wasm_bindgen]
#[derive(Debug)]
pub struct CacheHandle {
    inner: Cache,
    log: Vec<u32>,
    slots: Vec<u32>,
}

#[wasm_bindgen]
impl CacheHandle {
    /// An empty cache; `log_words` and `slot_words` are the lengths of its two buffers.
    #[wasm_bindgen(constructor)]
    pub fn new(log_words: u32, slot_words: u32, now: f64) -> Self {
        Self { inner: Cache::new(instant(now)), log: vec![0; log_words as usize], slots: vec![0; slot_words as usize] }
    }

    /// Where the log buffer begins.
    #[wasm_bindgen(js_name = logPointer)]
    pub fn log_pointer(&self) -> u32 {
        self.log.as_ptr() as u32
    }

    /// Where the buffer of slots begins.
    #[wasm_bindgen(js_name = slotsPointer)]
    pub fn slots_pointer(&self) -> u32 {
        self.slots.as_ptr() as u32
    }

    /// Applies the first `words` words of the log.
    pub fn replay(&mut self, words: u32, base: f64) {
        self.inner.replay(&self.log[..words as usize], instant(base));
    }

    /// Writes the next victims to the buffer of slots, at most `most`; returns how many.
    pub fn victims(&mut self, most: u32) -> u32 {
        self.inner.victims(&mut self.slots[..most as usize]) as u32
    }

    /// Writes the slots due at `now` to the buffer of slots, in at most `budget` steps; returns how many.
    #[wasm_bindgen(js_name = pollExpired)]
    pub fn poll_expired(&mut self, now: f64, budget: u32) -> u32 {
        self.inner.poll_expired(instant(now), budget, &mut self.slots) as u32
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
