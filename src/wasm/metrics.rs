//! The border of `crate::metrics`.

use super::instant;
use crate::metrics::{Config, Format, Kind, Metrics, Place};
use crate::time::Duration;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// Families and series of one registry. The host copies cells and samples into buffers owned here.
#[wasm_bindgen(js_name = MetricsMachine)]
pub struct MetricsMachine {
    inner: Metrics,
    /// Values, and behind them the slots, two in the bits of one number.
    log: Vec<f64>,
    log_length: usize,
    next: Option<Place>,
}

#[wasm_bindgen(js_class = MetricsMachine)]
impl MetricsMachine {
    /// A registry without families, whose log holds `log_length` samples, an even number.
    #[wasm_bindgen(constructor)]
    pub fn new(log_length: u32, retention: f64, window_bytes: f64, now: f64) -> Self {
        let config = Config { retention: Duration::from_millis(retention as u64), window_bytes: window_bytes as usize };
        let log_length = log_length as usize;
        Self { inner: Metrics::new(config, instant(now)), log: vec![0.0; log_length / 2 * 3], log_length, next: None }
    }

    /// Begins a family of counters and numbers it.
    #[wasm_bindgen(js_name = defineCounter)]
    pub fn define_counter(&mut self, name: &str, help: &str) -> Result<u32, JsError> {
        Ok(self.inner.define(name, help, Kind::Counter)?)
    }

    /// Begins a family of gauges and numbers it.
    #[wasm_bindgen(js_name = defineGauge)]
    pub fn define_gauge(&mut self, name: &str, help: &str) -> Result<u32, JsError> {
        Ok(self.inner.define(name, help, Kind::Gauge)?)
    }

    /// Begins a family of histograms and numbers it.
    #[wasm_bindgen(js_name = defineHistogram)]
    pub fn define_histogram(&mut self, name: &str, help: &str, bounds: Vec<f64>, alpha: f64) -> Result<u32, JsError> {
        Ok(self.inner.define(name, help, Kind::Histogram { bounds, alpha })?)
    }

    /// Begins a family of summaries and numbers it. `window` is in milliseconds; infinity is all samples.
    #[wasm_bindgen(js_name = defineSummary)]
    pub fn define_summary(
        &mut self,
        name: &str,
        help: &str,
        quantiles: Vec<f64>,
        window: f64,
        alpha: f64,
    ) -> Result<u32, JsError> {
        Ok(self.inner.define(name, help, Kind::Summary { quantiles, window: span(window), alpha })?)
    }

    /// Begins a series; see [`Metrics::add_series`]. `labels` are names and values in turn, between carriage returns,
    /// which the host lets into neither: one string crosses in place of many.
    #[wasm_bindgen(js_name = addSeries)]
    pub fn add_series(&mut self, family: u32, cell: u32, labels: &str) -> Result<u32, JsError> {
        Ok(self.inner.add_series(family, cell, &pairs_of(labels))?)
    }

    /// Whether the text tells a series; see [`Metrics::set_told`].
    #[wasm_bindgen(js_name = setTold)]
    pub fn set_told(&mut self, family: u32, place: u32, told: bool) {
        self.inner.set_told(family, place, told);
    }

    /// Begins a series in the place of another; see [`Metrics::reuse_series`]. `labels` as for `addSeries`.
    #[wasm_bindgen(js_name = reuseSeries)]
    pub fn reuse_series(&mut self, family: u32, place: u32, labels: &str) -> Result<(), JsError> {
        Ok(self.inner.reuse_series(family, place, &pairs_of(labels))?)
    }

    /// How many samples each histogram series has recorded.
    pub fn counts(&mut self) -> Vec<f64> {
        self.inner.counts()
    }

    /// Where the log of samples lies: values, and behind room for all of them their slots, each 32 bits, the first in the low half.
    #[wasm_bindgen(js_name = logPointer)]
    pub fn log_pointer(&self) -> *const f64 {
        self.log.as_ptr()
    }

    /// Records the first `length` samples of the log, taken at `now`, and says how many were recorded.
    pub fn drain(&mut self, length: u32, now: f64) -> u32 {
        let (values, slots) = self.log.split_at(self.log_length);
        let length = values.len().min(length as usize);
        let slot = |at: usize| (slots[at / 2].to_bits() >> (32 * (at & 1))) as u32;
        self.inner.drain((0..length).map(|at| (slot(at), values[at])), instant(now))
    }

    /// Windows know a histogram series from `now` on.
    pub fn watch(&mut self, slot: u32, now: f64) {
        self.inner.watch(slot, instant(now));
    }

    /// Windows know all series of a histogram from `now` on.
    #[wasm_bindgen(js_name = watchFamily)]
    pub fn watch_family(&mut self, family: u32, now: f64) {
        self.inner.watch_family(family, instant(now));
    }

    /// What histogram series recorded together, in the last `window` milliseconds or, with infinity, ever; see [`Metrics::describe`].
    pub fn describe(&mut self, slots: &[u32], window: f64, now: f64, quantiles: &[f64]) -> Vec<f64> {
        let mut out = Vec::new();
        self.inner.describe(slots, span(window), instant(now), quantiles, &mut out);
        out
    }

    /// Makes room for `count` cells, and says where they lie.
    pub fn cells(&mut self, count: u32) -> *const f64 {
        self.inner.cells_mut(count as usize).as_ptr()
    }

    /// Writes the summaries of all histograms, of the last `window` milliseconds or, with infinity, of everything, and says where they lie.
    pub fn summarise(&mut self, window: f64, now: f64) -> *const f64 {
        self.inner.summarise(span(window), instant(now)).as_ptr()
    }

    /// What a histogram series recorded, as numbers for [`MetricsMachine::merge`].
    pub fn dump(&mut self, slot: u32) -> Vec<f64> {
        let mut out = Vec::new();
        self.inner.dump(slot, &mut out);
        out
    }

    /// Adds what another series dumped; whether the numbers fit.
    pub fn merge(&mut self, slot: u32, numbers: &[f64], now: f64) -> bool {
        self.inner.merge(slot, numbers, instant(now))
    }

    /// A text of `now` begins: what is drained waits until it ends.
    #[wasm_bindgen(js_name = beginText)]
    pub fn begin_text(&mut self, now: f64) {
        self.inner.begin_text(instant(now));
    }

    /// The text from a place on, for about `most` bytes, as Prometheus (0), OpenMetrics (1) or with bounds first (2); `nextFamily` and `nextSeries` tell where to go on.
    #[wasm_bindgen(js_name = textPart)]
    pub fn text_part(&mut self, format: u8, family: u32, series: u32, most: u32) -> String {
        let mut out = String::with_capacity(most as usize + 4096);
        let format = [Format::Prometheus, Format::OpenMetrics, Format::BoundsFirst][usize::from(format.min(2))];
        self.next = self.inner.write_text(format, Place { family, series }, most as usize, &mut out);
        out
    }

    /// The text is told, or given up.
    #[wasm_bindgen(js_name = endText)]
    pub fn end_text(&mut self) {
        self.inner.end_text();
    }

    /// The family where the text goes on, or -1 at its end.
    #[wasm_bindgen(getter, js_name = nextFamily)]
    pub fn next_family(&self) -> f64 {
        self.next.map_or(-1.0, |place| f64::from(place.family))
    }

    /// The series where the text goes on, or -1 at its end.
    #[wasm_bindgen(getter, js_name = nextSeries)]
    pub fn next_series(&self) -> f64 {
        self.next.map_or(-1.0, |place| f64::from(place.series))
    }

    /// Forgets all numbers and keeps the series.
    pub fn reset(&mut self, now: f64) {
        self.inner.reset(instant(now));
    }
}

fn pairs_of(labels: &str) -> Vec<(&str, &str)> {
    let mut parts = labels.split('\r');
    std::iter::from_fn(|| parts.next().zip(parts.next())).collect()
}

fn span(ms: f64) -> Option<Duration> {
    ms.is_finite().then_some(Duration::from_millis(ms as u64))
}
