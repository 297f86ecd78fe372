//! The samples of one series, and a distribution in numbers.

use std::rc::Rc;

use super::bounds::Bounds;
use crate::histogram::{Histogram, Spot};
use crate::time::Instant;

/// What one series recorded.
#[derive(Clone, Debug)]
pub(super) struct Distribution {
    /// Samples up to each bound and above the one before; the last is the rest.
    pub(super) counts: Box<[u64]>,
    pub(super) bounds: Rc<Bounds>,
    pub(super) histogram: Histogram,
    /// NaN before the first.
    pub(super) latest: f64,
    /// Since when windows know it.
    pub(super) watched: Option<Instant>,
}

impl Distribution {
    pub(super) fn new(bounds: Rc<Bounds>, histogram: Histogram, watched: Option<Instant>) -> Self {
        Self { counts: vec![0; bounds.all().len() + 1].into(), bounds, histogram, latest: f64::NAN, watched }
    }

    /// Counts a number, and says where.
    #[inline(always)]
    pub(super) fn record(&mut self, value: f64) -> Option<Spot> {
        let Some(spot) = self.histogram.record_usual(value) else { return self.record_unusual(value) };
        self.count(self.bounds.below_usual(value, spot.index()));
        self.latest = value;
        Some(spot)
    }

    #[cold]
    #[inline(never)]
    fn record_unusual(&mut self, value: f64) -> Option<Spot> {
        let spot = self.histogram.spot(value)?;
        self.histogram.record_at(spot);
        self.count(self.bounds.below(value));
        self.latest = value;
        Some(spot)
    }

    #[inline(always)]
    fn count(&mut self, bucket: usize) {
        if let Some(count) = self.counts.get_mut(bucket) {
            *count = count.wrapping_add(1);
        }
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
