//! The directory of a segment log, seen from JavaScript.

use super::{grow_ahead, instant};
use crate::segments::{Config, Rows, Segments};
use crate::time::Duration;
use wasm_bindgen::prelude::wasm_bindgen;

/// A directory with one buffer in the core's memory, through which lines and lists of segments come in and go out.
#[wasm_bindgen]
#[derive(Debug)]
pub struct SegmentsHandle {
    inner: Segments,
    rows: Rows,
}

#[wasm_bindgen]
impl SegmentsHandle {
    /// A directory of an empty log.
    #[wasm_bindgen(constructor)]
    pub fn new(max_bytes: f64, segment_bytes: f64, tolerance: f64) -> Self {
        let (max_bytes, segment_bytes) = (max_bytes as u64, segment_bytes as u64);
        let config = Config { max_bytes, segment_bytes, tolerance: Duration::from_millis(tolerance as u64) };
        Self { inner: Segments::new(config), rows: Rows::default() }
    }

    /// Where the buffer begins.
    #[wasm_bindgen(js_name = rowsPointer)]
    pub fn rows_pointer(&self) -> u32 {
        self.rows.numbers().as_ptr() as u32
    }

    /// How many numbers the buffer has.
    #[wasm_bindgen(js_name = rowsLength)]
    pub fn rows_length(&self) -> u32 {
        self.rows.numbers().len() as u32
    }

    /// Takes in a segment whose first `count` lines are in the buffer. False when it is refused.
    pub fn commit(&mut self, segment: f64, bytes: f64, count: u32) -> bool {
        let is_taken = self.inner.commit(segment as u64, bytes as u64, &self.rows.read(count as usize)).is_ok();
        grow_ahead();
        is_taken
    }

    /// The segment that holds the value of `id`, with the line in the buffer; 0 when there is none.
    pub fn locate(&mut self, id: u32, now: f64) -> f64 {
        let Some((segment, row)) = self.inner.locate(id, instant(now)) else { return 0.0 };
        self.rows.write(&[row]);
        segment as f64
    }

    /// Hides the value of `id`.
    pub fn forget(&mut self, id: u32) -> bool {
        self.inner.forget(id)
    }

    /// Forgets a segment.
    pub fn remove(&mut self, segment: f64) -> bool {
        self.inner.remove(segment as u64)
    }

    /// An id that is free again, or -1.
    #[wasm_bindgen(js_name = pollFreed)]
    pub fn poll_freed(&mut self) -> f64 {
        self.inner.poll_freed().map_or(-1.0, f64::from)
    }

    /// A segment to give up, or 0.
    #[wasm_bindgen(js_name = pollReclaim)]
    pub fn poll_reclaim(&self, incoming: f64, now: f64) -> f64 {
        self.inner.poll_reclaim(incoming as u64, instant(now)).unwrap_or(0) as f64
    }

    /// The first segment after `after` that may go although nothing can be written, or 0.
    #[wasm_bindgen(js_name = pollSpare)]
    pub fn poll_spare(&self, after: f64, now: f64) -> f64 {
        self.inner.poll_spare(after as u64, instant(now)).unwrap_or(0) as f64
    }

    /// Writes the segments to write anew to the buffer; returns how many.
    #[wasm_bindgen(js_name = pollCompaction)]
    pub fn poll_compaction(&mut self, now: f64) -> u32 {
        self.rows.write_numbers(self.inner.poll_compaction(instant(now)).into_iter().map(|segment| segment as f64))
            as u32
    }

    /// Writes what must be kept of a segment to the buffer; returns how many lines.
    pub fn carry(&mut self, segment: f64, now: f64, evict: bool) -> u32 {
        self.rows.write(&self.inner.carry(segment as u64, instant(now), evict)) as u32
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.inner.clear();
    }

    /// How many keys have a value.
    #[wasm_bindgen(js_name = len)]
    pub fn size(&self) -> u32 {
        self.inner.len() as u32
    }

    /// How many segments there are.
    #[wasm_bindgen(js_name = segmentCount)]
    pub fn segment_count(&self) -> u32 {
        self.inner.segment_count() as u32
    }

    /// The youngest segment that was ever committed.
    #[wasm_bindgen(js_name = lastSegment)]
    pub fn last_segment(&self) -> f64 {
        self.inner.last_segment() as f64
    }

    /// Bytes that all segments take.
    pub fn bytes(&self) -> f64 {
        self.inner.bytes() as f64
    }

    /// Bytes of lines that count.
    #[wasm_bindgen(js_name = liveBytes)]
    pub fn live_bytes(&self) -> f64 {
        self.inner.live_bytes() as f64
    }
}
