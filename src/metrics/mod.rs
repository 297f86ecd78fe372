//! What was measured, by slot, and the forms in which it is told: quantiles, over everything and over windows of time, and Prometheus text.
//!
//! Counters and gauges are cells that the host keeps and copies in before an answer. Histogram samples come as a log
//! of slots and values, and are worked off in one go (law L1). Names and labels cross once, when a series begins.

mod border;
mod bounds;
mod distribution;
mod dump;
mod hold;
mod text;
mod windows;

use std::rc::Rc;

use crate::histogram::Histogram;
use crate::time::{Duration, Instant};
pub use border::{Config, DefineError, Kind, Place};
use bounds::Bounds;
use distribution::Distribution;
use hold::Hold;
pub use text::Format;
use windows::Windows;

/// The quantiles of [`Metrics::summarise`].
pub const QUANTILES: [f64; 3] = [0.5, 0.95, 0.99];

/// Numbers that come before the quantiles: since when in milliseconds, count, sum, min, max, latest.
pub const SUMMARY_HEAD: usize = 6;

/// Numbers that [`Metrics::summarise`] writes for each histogram.
pub const SUMMARY_WIDTH: usize = SUMMARY_HEAD + QUANTILES.len();

/// A sample: its histogram series and its value.
pub type Sample = (u32, f64);

/// Families of series, the samples of their histograms, and the host's cells as last copied.
#[derive(Clone, Debug)]
pub struct Metrics {
    families: Vec<Family>,
    cells: Vec<f64>,
    distributions: Vec<Distribution>,
    windows: Windows,
    summaries: Vec<f64>,
    began: Instant,
    hold: Hold,
}

#[derive(Clone, Debug)]
struct Family {
    name: String,
    help: String,
    kind: Kind,
    /// Of kinds that have samples: what a series begins with.
    begins: Option<(Rc<Bounds>, Histogram)>,
    series: Vec<Series>,
    /// Since when every series of it has windows.
    watched: Option<Instant>,
}

/// One set of labels, already in the form of the text, and the cell or distribution with its numbers.
#[derive(Clone, Debug)]
struct Series {
    labels: String,
    slot: u32,
    /// Whether the text tells it.
    told: bool,
}

impl Metrics {
    /// No families at all.
    pub fn new(config: Config, now: Instant) -> Self {
        Self {
            families: Vec::new(),
            cells: Vec::new(),
            distributions: Vec::new(),
            windows: Windows::new(config.retention, config.window_bytes, now),
            summaries: Vec::new(),
            began: now,
            hold: Hold::default(),
        }
    }

    /// Begins a family and numbers it: 0, 1, 2, ... An empty `help` is left out of the text.
    pub fn define(&mut self, name: &str, help: &str, kind: Kind) -> Result<u32, DefineError> {
        if !text::is_metric_name(name) {
            return Err(DefineError::MetricName);
        }
        match &kind {
            Kind::Histogram { bounds, .. } => {
                let rising = bounds.windows(2).all(|pair| pair[0] < pair[1]);
                if !rising || bounds.iter().any(|bound| !bound.is_finite()) {
                    return Err(DefineError::Bounds);
                }
            }
            Kind::Summary { quantiles, .. } => {
                if !quantiles.iter().all(|q| (0.0..=1.0).contains(q)) {
                    return Err(DefineError::Quantiles);
                }
            }
            Kind::Counter | Kind::Gauge => {}
        }
        let mut begins = None;
        if let Some(alpha) = kind.alpha() {
            let histogram = Histogram::new(alpha).map_err(|_| DefineError::Alpha)?;
            let bounds: &[f64] = if let Kind::Histogram { bounds, .. } = &kind { bounds } else { &[] };
            begins = Some((Rc::new(Bounds::new(bounds, &histogram)), histogram));
        }
        let (name, help) = (name.to_owned(), help.to_owned());
        self.families.push(Family { name, help, kind, begins, series: Vec::new(), watched: None });
        Ok((self.families.len() - 1) as u32)
    }

    /// Begins a series of a counter or gauge, whose number is in the host's cell `cell`; or a series of a histogram,
    /// where `cell` is not read. Histogram series are numbered 0, 1, 2, ... over all families, in the order they
    /// begin; the answer is that number, or `cell`.
    pub fn add_series(&mut self, family: u32, cell: u32, labels: &[(&str, &str)]) -> Result<u32, DefineError> {
        let family = self.families.get_mut(family as usize).ok_or(DefineError::Family)?;
        if !labels.iter().all(|(name, _)| text::is_label_name(name)) {
            return Err(DefineError::LabelName);
        }
        let slot = match &family.begins {
            None => cell,
            Some((bounds, histogram)) => {
                self.distributions.push(Distribution::new(Rc::clone(bounds), histogram.clone(), family.watched));
                (self.distributions.len() - 1) as u32
            }
        };
        family.series.push(Series { labels: text::encoded_labels(labels), slot, told: true });
        Ok(slot)
    }

    /// Whether the text tells a series, the `place`th of its family. Its numbers stay, and are recorded on.
    pub fn set_told(&mut self, family: u32, place: u32, told: bool) {
        if let Some(series) = self.series_mut(family, place) {
            series.told = told;
        }
    }

    /// Begins a series in the place of one that nobody uses any more: other labels, no samples, and told. The cell of a counter or gauge is the
    /// host's to clear.
    pub fn reuse_series(&mut self, family: u32, place: u32, labels: &[(&str, &str)]) -> Result<(), DefineError> {
        if !labels.iter().all(|(name, _)| text::is_label_name(name)) {
            return Err(DefineError::LabelName);
        }
        self.let_go();
        let watched = self.families.get(family as usize).and_then(|family| family.watched);
        let series = self.series_mut(family, place).ok_or(DefineError::Family)?;
        series.labels = text::encoded_labels(labels);
        series.told = true;
        let slot = series.slot;
        if self.families[family as usize].begins.is_some()
            && let Some(distribution) = self.distributions.get_mut(slot as usize)
        {
            distribution.clear(Instant::ZERO);
            distribution.watched = watched;
            self.windows.forget(slot);
        }
        Ok(())
    }

    /// How many samples each histogram series has recorded.
    pub fn counts(&mut self) -> Vec<f64> {
        self.let_go();
        self.distributions.iter().map(|distribution| distribution.histogram.count() as f64).collect()
    }

    fn series_mut(&mut self, family: u32, place: u32) -> Option<&mut Series> {
        self.families.get_mut(family as usize)?.series.get_mut(place as usize)
    }

    /// The cells of counters and gauges, for the host to copy its own into; `count` of them from now on.
    pub fn cells_mut(&mut self, count: usize) -> &mut [f64] {
        self.cells.resize(count, 0.0);
        &mut self.cells
    }

    /// Windows know all series of a histogram from `now` on, those that begin later too.
    pub fn watch_family(&mut self, family: u32, now: Instant) {
        let Some(family) = self.families.get_mut(family as usize) else { return };
        if family.begins.is_none() {
            return;
        }
        family.watched.get_or_insert(now);
        for series in &family.series {
            if let Some(distribution) = self.distributions.get_mut(series.slot as usize) {
                distribution.watched.get_or_insert(now);
            }
        }
    }

    /// Windows know one histogram series from `now` on.
    pub fn watch(&mut self, slot: u32, now: Instant) {
        if let Some(distribution) = self.distributions.get_mut(slot as usize) {
            distribution.watched.get_or_insert(now);
        }
    }

    /// Records samples taken at `now`, each a histogram series and a value. Returns how many were recorded: one that names no series, or
    /// is not finite, is not. While a text is told they wait, and the answer is 0.
    pub fn drain(&mut self, samples: impl ExactSizeIterator<Item = Sample>, now: Instant) -> u32 {
        if self.hold.has_room(samples.len()) {
            self.hold.keep(samples.collect(), now);
            return 0;
        }
        self.let_go();
        self.record(samples, now)
    }

    fn record(&mut self, samples: impl Iterator<Item = Sample>, now: Instant) -> u32 {
        self.windows.turn(now);
        let mut recorded = 0;
        for (slot, value) in samples {
            let Some(distribution) = self.distributions.get_mut(slot as usize) else { continue };
            let Some(spot) = distribution.record(value) else { continue };
            recorded += 1;
            if distribution.watched.is_some() {
                self.windows.record(slot, spot, || distribution.histogram.emptied());
            }
        }
        recorded
    }

    /// [`SUMMARY_WIDTH`] numbers for each histogram series, in the order of their numbers; NaN where an empty
    /// histogram has none. Of all samples, or of those in the last `window`.
    pub fn summarise(&mut self, window: Option<Duration>, now: Instant) -> &[f64] {
        self.let_go();
        let mut summaries = std::mem::take(&mut self.summaries);
        summaries.clear();
        for slot in 0..self.distributions.len() as u32 {
            self.describe(&[slot], window, now, &QUANTILES, &mut summaries);
        }
        self.summaries = summaries;
        &self.summaries
    }

    /// Appends what the histogram series `slots` recorded together, in the last `window` or ever: [`SUMMARY_HEAD`] numbers and a
    /// number for each of `quantiles`, NaN where there is none. Series of another relative error than the first are left out.
    pub fn describe(
        &mut self,
        slots: &[u32],
        window: Option<Duration>,
        now: Instant,
        quantiles: &[f64],
        out: &mut Vec<f64>,
    ) {
        self.let_go();
        self.windows.turn(now);
        let known = || slots.iter().filter_map(|&slot| Some((slot, self.distributions.get(slot as usize)?)));
        let latest = known().next_back().map_or(f64::NAN, |(_, distribution)| distribution.latest);
        let (since, sum) = match window {
            // The most frequent question needs no copy.
            None if slots.len() == 1 => {
                let Some((_, only)) = known().next() else { return };
                distribution::describe(&only.histogram, self.began, latest, quantiles, out);
                return;
            }
            None => (self.began, distribution::union(known().map(|(_, distribution)| &distribution.histogram))),
            Some(window) => self.windowed(known(), window, now),
        };
        distribution::describe(&sum, since, latest, quantiles, out);
    }

    /// A text begins: until [`Metrics::end_text`] what is drained waits, so that all numbers of the text are of one moment. Other questions,
    /// and a million samples, end the wait.
    pub fn begin_text(&mut self, now: Instant) {
        self.let_go();
        self.windows.turn(now);
        self.hold.begin(now);
    }

    /// Writes the text from `from` on into `out`, and stops after the series that takes it past `most` bytes. Returns where to go on, or
    /// `None` at the end.
    pub fn write_text(&self, format: Format, from: Place, most: usize, out: &mut String) -> Option<Place> {
        text::Writer::new(self, format).write(from, most, out)
    }

    /// The text is told, or given up.
    pub fn end_text(&mut self) {
        self.let_go();
    }

    /// Forgets all numbers and keeps families and series.
    pub fn reset(&mut self, now: Instant) {
        self.let_go();
        self.began = now;
        self.cells.fill(0.0);
        self.windows.turn(now);
        self.windows.clear();
        for family in &mut self.families {
            family.watched = family.watched.map(|_| now);
        }
        for series in &mut self.distributions {
            series.clear(now);
        }
    }

    /// Records what waited.
    fn let_go(&mut self) {
        for (samples, now) in self.hold.end() {
            self.record(samples.into_iter(), now);
        }
    }

    fn windowed<'a>(
        &'a self,
        series: impl Iterator<Item = (u32, &'a Distribution)>,
        window: Duration,
        now: Instant,
    ) -> (Instant, Histogram) {
        let mut sum: Option<Histogram> = None;
        let mut watched: Option<Instant> = None;
        let mut since = now;
        for (slot, distribution) in series {
            let Some(from) = distribution.watched else { continue };
            let sum = sum.get_or_insert_with(|| distribution.histogram.emptied());
            since = self.windows.add(slot, window, now, sum);
            watched = Some(watched.map_or(from, |earliest| earliest.min(from)));
        }
        (since.max(watched.unwrap_or(now)), sum.unwrap_or_default())
    }
}
