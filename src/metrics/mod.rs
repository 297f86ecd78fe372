//! What was measured, by slot, and the two forms in which it is told: quantiles and Prometheus text.
//!
//! Counters and gauges are cells that the host keeps and copies in before an answer. Histogram samples come as a log
//! of pairs, slot and value, and are worked off in one go (law L1). Names and labels cross once, when a series begins.

mod text;

use crate::histogram::{DEFAULT_ALPHA, Histogram};

/// The quantiles of [`Metrics::summarise`].
pub const QUANTILES: [f64; 3] = [0.5, 0.95, 0.99];

/// Numbers that [`Metrics::summarise`] writes for each histogram: count, sum, min, max and the [`QUANTILES`].
pub const SUMMARY_WIDTH: usize = 4 + QUANTILES.len();

/// What kind of numbers a family has, as Prometheus tells them apart.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A total that only rises.
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// Samples, counted by classic buckets and by a relative-error histogram.
    Histogram {
        /// Upper bounds of the classic buckets, rising and finite; the one to infinity is implied.
        bounds: Vec<f64>,
        /// The relative error of quantiles.
        alpha: f64,
    },
}

/// Why a family or a series was refused. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DefineError {
    /// A metric name must match `[a-zA-Z_:][a-zA-Z0-9_:]*`.
    #[error("the metric name is not valid")]
    MetricName,
    /// A label name must match `[a-zA-Z_][a-zA-Z0-9_]*`.
    #[error("the label name is not valid")]
    LabelName,
    /// Bucket bounds must be finite and rising.
    #[error("the bucket bounds are not finite and rising")]
    Bounds,
    /// The relative error must lie between 0.0001 and 1.
    #[error("the relative error is out of range")]
    Alpha,
    /// No family has this number.
    #[error("there is no such family")]
    Family,
}

/// Where a text that is told in parts goes on. The default is its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The family.
    pub family: u32,
    /// The series in the family.
    pub series: u32,
}

/// Families of series, the samples of their histograms, and the host's cells as last copied.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    families: Vec<Family>,
    cells: Vec<f64>,
    distributions: Vec<Distribution>,
    summaries: Vec<f64>,
}

#[derive(Clone, Debug)]
struct Family {
    name: String,
    help: String,
    kind: Kind,
    series: Vec<Series>,
}

/// One set of labels, already in the form of the text, and the cell or distribution with its numbers.
#[derive(Clone, Debug)]
struct Series {
    labels: String,
    slot: u32,
}

#[derive(Clone, Debug)]
struct Distribution {
    /// Samples up to each bound and above the one before; the last is the rest.
    counts: Vec<u64>,
    bounds: Vec<f64>,
    histogram: Histogram,
}

impl Metrics {
    /// No families at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a family and numbers it: 0, 1, 2, ... An empty `help` is left out of the text.
    pub fn define(&mut self, name: &str, help: &str, kind: Kind) -> Result<u32, DefineError> {
        if !text::is_metric_name(name) {
            return Err(DefineError::MetricName);
        }
        if let Kind::Histogram { bounds, alpha } = &kind {
            let rising = bounds.windows(2).all(|pair| pair[0] < pair[1]);
            if !rising || bounds.iter().any(|bound| !bound.is_finite()) {
                return Err(DefineError::Bounds);
            }
            Histogram::new(*alpha).map_err(|_| DefineError::Alpha)?;
        }
        self.families.push(Family { name: name.to_owned(), help: text::escaped_help(help), kind, series: Vec::new() });
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
        let slot = match &family.kind {
            Kind::Counter | Kind::Gauge => cell,
            Kind::Histogram { bounds, alpha } => {
                self.distributions.push(Distribution::new(bounds, *alpha));
                (self.distributions.len() - 1) as u32
            }
        };
        family.series.push(Series { labels: text::encoded_labels(labels), slot });
        Ok(slot)
    }

    /// The cells of counters and gauges, for the host to copy its own into; `count` of them from now on.
    pub fn cells_mut(&mut self, count: usize) -> &mut [f64] {
        self.cells.resize(count, 0.0);
        &mut self.cells
    }

    /// Records a log of samples, pairs of a histogram series and a value. Returns how many were recorded: one that
    /// names no series, or is not finite, is not.
    pub fn drain(&mut self, log: &[f64]) -> u32 {
        let mut recorded = 0;
        for pair in log.chunks_exact(2) {
            // `as` holds what is negative, too large or not a number to the range of u32.
            let slot = pair[0] as u32 as usize;
            recorded += u32::from(self.distributions.get_mut(slot).is_some_and(|series| series.record(pair[1])));
        }
        recorded
    }

    /// [`SUMMARY_WIDTH`] numbers for each histogram series, in the order of their numbers; NaN where an empty
    /// histogram has none.
    pub fn summarise(&mut self) -> &[f64] {
        self.summaries.clear();
        for Distribution { histogram, .. } in &self.distributions {
            let extremes = [histogram.min(), histogram.max()];
            let quantiles = QUANTILES.map(|q| histogram.quantile(q));
            self.summaries.extend([histogram.count() as f64, histogram.sum()]);
            self.summaries.extend(extremes.iter().chain(&quantiles).map(|number| number.unwrap_or(f64::NAN)));
        }
        &self.summaries
    }

    /// Writes the Prometheus text (format 0.0.4) from `from` on into `out`, and stops after the series that takes it
    /// past `most` bytes. Returns where to go on, or `None` at the end.
    pub fn write_text(&self, from: Place, most: usize, out: &mut String) -> Option<Place> {
        text::write(self, from, most, out)
    }

    /// Forgets all numbers and keeps families and series.
    pub fn reset(&mut self) {
        self.cells.fill(0.0);
        for series in &mut self.distributions {
            series.counts.fill(0);
            series.histogram.clear();
        }
    }
}

impl Distribution {
    fn new(bounds: &[f64], alpha: f64) -> Self {
        let histogram = Histogram::new(alpha).or_else(|_| Histogram::new(DEFAULT_ALPHA)).expect("the default is valid");
        Self { counts: vec![0; bounds.len() + 1], bounds: bounds.to_vec(), histogram }
    }

    fn record(&mut self, value: f64) -> bool {
        let recorded = self.histogram.record(value);
        if recorded {
            self.counts[self.bounds.partition_point(|&bound| bound < value)] += 1;
        }
        recorded
    }
}
