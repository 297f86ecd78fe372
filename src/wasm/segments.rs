//! The directory of a segment log, seen from JavaScript.

use super::{grow_ahead, instant};
use crate::segments::{Config, Directory, Packed, Rows, Segments};
use crate::time::Duration;
use wasm_bindgen::prelude::wasm_bindgen;

/// A directory with one buffer in the core's memory, through which lines and lists of segments come in and go out.
#[wasm_bindgen]
#[derive(Debug)]
pub struct SegmentsHandle {
    inner: Directory,
    rows: Rows,
    spelled: u32,
}

#[wasm_bindgen]
impl SegmentsHandle {
    /// A directory of an empty log. The last two numbers are secret.
    #[wasm_bindgen(constructor)]
    pub fn new(max_bytes: f64, segment_bytes: f64, tolerance: f64, low: u32, high: u32) -> Self {
        let (max_bytes, segment_bytes) = (max_bytes as u64, segment_bytes as u64);
        let config = Config { max_bytes, segment_bytes, tolerance: Duration::from_millis(tolerance as u64) };
        Self { inner: Directory::new(Segments::new(config), [low, high]), rows: Rows::default(), spelled: 0 }
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

    /// Takes in a segment whose first `count` lines are in the buffer, with their keys in `packed`. False when it is refused.
    pub fn commit(&mut self, segment: f64, bytes: f64, count: u32, packed: &[u16]) -> bool {
        let mut rows = self.rows.read(count as usize);
        let is_taken = self.inner.commit(segment as u64, bytes as u64, Packed(packed), &mut rows);
        grow_ahead();
        is_taken
    }

    /// The same from a directory as it is stored; of a value, `share` of its bytes count. `undefined` when it cannot be read, or has another checksum.
    pub fn play(&mut self, segment: f64, bytes: f64, stored: &[u8], share: f64, check: Option<u32>) -> Option<bool> {
        let is_taken = self.inner.play(segment as u64, bytes as u64, stored, share, check).ok();
        grow_ahead();
        is_taken
    }

    /// Writes to the buffer where the values of the `packed` keys lie, with the segment in place of the id; 0 for those that have none.
    pub fn locate(&mut self, packed: &[u16], now: f64) {
        for (at, units) in Packed(packed).enumerate() {
            if !self.rows.write_found(at, self.inner.locate(units, instant(now))) {
                return;
            }
        }
    }

    /// Whether the log may hold lines of a key.
    pub fn knows(&self, units: &[u16]) -> bool {
        self.inner.knows(units)
    }

    /// Hides the value of a key.
    pub fn forget(&mut self, units: &[u16]) -> bool {
        self.inner.forget(units)
    }

    /// Forgets a segment.
    pub fn remove(&mut self, segment: f64) -> bool {
        self.inner.remove(segment as u64)
    }

    /// Up to `most` keys from number `from` on, packed.
    pub fn spell(&mut self, from: u32, most: u32) -> Vec<u16> {
        let (packed, next) = self.inner.spell(from, most as usize);
        self.spelled = next;
        packed
    }

    /// The number that the last call of `spell` has come to; 0 when there are no more keys.
    #[wasm_bindgen(js_name = spelledTo)]
    pub fn spelled_to(&self) -> u32 {
        self.spelled
    }

    /// The keys of the first `count` lines in the buffer, packed.
    #[wasm_bindgen(js_name = spellRows)]
    pub fn spell_rows(&self, count: u32) -> Vec<u16> {
        self.inner.spell_rows(&self.rows.read(count as usize))
    }

    /// Writes the segments to give up first to the buffer; returns how many.
    #[wasm_bindgen(js_name = pollReclaim)]
    pub fn poll_reclaim(&mut self, incoming: f64, now: f64) -> u32 {
        let victims = self.inner.segments().poll_reclaim(incoming as u64, instant(now));
        self.rows.write_numbers(victims.into_iter().map(|segment| segment as f64)) as u32
    }

    /// The first segment after `after` that may go although nothing can be written, or 0.
    #[wasm_bindgen(js_name = pollSpare)]
    pub fn poll_spare(&self, after: f64, now: f64) -> f64 {
        self.inner.segments().poll_spare(after as u64, instant(now)).unwrap_or(0) as f64
    }

    /// Writes the segments to write anew to the buffer; returns how many.
    #[wasm_bindgen(js_name = pollCompaction)]
    pub fn poll_compaction(&mut self, now: f64) -> u32 {
        self.rows.write_numbers(
            self.inner.segments().poll_compaction(instant(now)).into_iter().map(|segment| segment as f64),
        ) as u32
    }

    /// Writes what must be kept of a segment to the buffer; returns how many lines.
    pub fn carry(&mut self, segment: f64, now: f64, evict: bool) -> u32 {
        self.rows.write(&self.inner.segments().carry(segment as u64, instant(now), evict)) as u32
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.inner.clear();
    }

    /// How many keys have a value.
    #[wasm_bindgen(js_name = len)]
    pub fn size(&self) -> u32 {
        self.inner.segments().len() as u32
    }

    /// How many segments there are.
    #[wasm_bindgen(js_name = segmentCount)]
    pub fn segment_count(&self) -> u32 {
        self.inner.segments().segment_count() as u32
    }

    /// The youngest segment that was ever committed.
    #[wasm_bindgen(js_name = lastSegment)]
    pub fn last_segment(&self) -> f64 {
        self.inner.segments().last_segment() as f64
    }

    /// Bytes that all segments take.
    pub fn bytes(&self) -> f64 {
        self.inner.segments().bytes() as f64
    }

    /// Bytes of lines that count.
    #[wasm_bindgen(js_name = liveBytes)]
    pub fn live_bytes(&self) -> f64 {
        self.inner.segments().live_bytes() as f64
    }
}
