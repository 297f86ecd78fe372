//! The samples of one series, and a distribution in numbers.

use crate::histogram::{DEFAULT_ALPHA, Histogram};
use crate::time::Instant;

/// What one series recorded.
#[derive(Clone, Debug)]
pub(super) struct Distribution {
    /// Samples up to each bound and above the one before; the last is the rest.
    pub(super) counts: Vec<u64>,
    pub(super) bounds: Vec<f64>,
    pub(super) histogram: Histogram,
    /// NaN before the first.
    pub(super) latest: f64,
    /// Since when windows know it.
    pub(super) watched: Option<Instant>,
}

impl Distribution {
    pub(super) fn new(bounds: &[f64], alpha: f64, watched: Option<Instant>) -> Self {
        let histogram = Histogram::new(alpha).or_else(|_| Histogram::new(DEFAULT_ALPHA)).expect("the default is valid");
        Self { counts: vec![0; bounds.len() + 1], bounds: bounds.to_vec(), histogram, latest: f64::NAN, watched }
    }

    pub(super) fn record(&mut self, value: f64) -> bool {
        let recorded = self.histogram.record(value);
        if recorded {
            self.counts[self.bounds.partition_point(|&bound| bound < value)] += 1;
            self.latest = value;
        }
        recorded
    }

    pub(super) fn clear(&mut self, now: Instant) {
        self.counts.fill(0);
        self.histogram.clear();
        self.latest = f64::NAN;
        self.watched = self.watched.map(|_| now);
    }
}

/// All that histograms counted, as one; those of another relative error than the first are left out.
pub(super) fn union<'a>(mut histograms: impl Iterator<Item = &'a Histogram>) -> Histogram {
    let mut sum = histograms.next().cloned().unwrap_or_default();
    for other in histograms {
        let _ = sum.merge(other);
    }
    sum
}

/// Appends [`super::SUMMARY_HEAD`] numbers and the quantiles of a histogram; NaN where there is none.
pub(super) fn describe(histogram: &Histogram, since: Instant, latest: f64, quantiles: &[f64], out: &mut Vec<f64>) {
    out.extend([since.as_millis() as f64, histogram.count() as f64, histogram.sum()]);
    out.extend([histogram.min(), histogram.max()].map(|number| number.unwrap_or(f64::NAN)));
    out.push(if histogram.count() == 0 { f64::NAN } else { latest });
    out.extend(quantiles.iter().map(|&q| histogram.quantile(q).unwrap_or(f64::NAN)));
}
