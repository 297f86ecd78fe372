//! A histogram with a bounded relative error and a bounded size.
//!
//! DDSketch (Masson, Rim and Lee, VLDB 2019): bucket bounds grow by a constant factor, so that every quantile is off by
//! at most `alpha` of its value, whatever the distribution, and two histograms merge into that of the union. Buckets
//! are found by a cubic in place of the logarithm (as in the authors' own implementations): it costs one per cent more
//! buckets, no call into a maths library, and gives the same bits natively and in WebAssembly.

mod buckets;
mod scale;
mod sketch;
#[cfg(test)]
mod tests;

use buckets::Buckets;
use scale::Scale;
pub use sketch::Sketch;

/// The relative error where nobody asks for another: one per cent.
pub const DEFAULT_ALPHA: f64 = 0.01;

/// Buckets kept on each side of zero at one per cent or more: they span a factor of more than `1e17`. A smaller error has
/// more of them in the same span, up to eight times as many.
const MOST_BUCKETS: i32 = 2048;

/// Counts of numbers, from which quantiles are read.
///
/// Numbers nearer to zero than [`f64::MIN_POSITIVE`] count as zero. When the numbers on one side of zero span more
/// than that many buckets, those nearest to zero are joined: quantiles that fall there lose their bound, all others
/// keep it.
#[derive(Clone, Debug)]
pub struct Histogram {
    scale: Scale,
    above: Buckets,
    below: Buckets,
    zeros: u64,
    sum: f64,
    min: f64,
    max: f64,
}

/// Where a histogram counts a number.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    value: f64,
    index: i32,
}

impl Spot {
    /// The bucket of its magnitude.
    pub fn index(self) -> i32 {
        self.index
    }
}

/// The relative error asked for cannot be kept: it must lie above 0.0001 and below 1.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("the relative error must lie between 0.0001 and 1")]
pub struct InvalidAlpha;

/// Two histograms of different relative errors do not merge.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("histograms of different relative errors do not merge")]
pub struct AlphaMismatch;

impl Histogram {
    /// An empty histogram whose quantiles are off by at most `alpha` of their value.
    pub fn new(alpha: f64) -> Result<Self, InvalidAlpha> {
        let scale = Scale::new(alpha).ok_or(InvalidAlpha)?;
        Ok(Self::on(scale))
    }

    /// Counts `value`. False, and nothing is counted, when it is infinite or not a number.
    #[inline]
    pub fn record(&mut self, value: f64) -> bool {
        let spot = self.spot(value);
        if let Some(spot) = spot {
            self.record_at(spot);
        }
        spot.is_some()
    }

    /// Where `value` is counted by this histogram and all of the same relative error; nowhere when it is infinite or not a number.
    #[inline]
    pub fn spot(&self, value: f64) -> Option<Spot> {
        let magnitude = value.abs();
        // False for what is not a number.
        if magnitude <= f64::MAX {
            let index = if magnitude >= f64::MIN_POSITIVE { self.scale.index(magnitude) } else { 0 };
            return Some(Spot { value, index });
        }
        None
    }

    /// Counts a number of the most usual kind, if it is one: positive, finite and not next to nothing.
    #[inline(always)]
    pub fn record_usual(&mut self, value: f64) -> Option<Spot> {
        if !(f64::MIN_POSITIVE..=f64::MAX).contains(&value) {
            return None;
        }
        let index = self.scale.index(value);
        self.above.add(index, 1);
        self.sum += value;
        if value < self.min {
            self.min = value;
        }
        if value > self.max {
            self.max = value;
        }
        Some(Spot { value, index })
    }

    /// Counts the number of a spot that this histogram, or one of the same relative error, gave.
    #[inline]
    pub fn record_at(&mut self, Spot { value, index }: Spot) {
        if value >= f64::MIN_POSITIVE {
            self.above.add(index, 1);
        } else if value <= -f64::MIN_POSITIVE {
            self.below.add(index, 1);
        } else {
            self.zeros += 1;
        }
        self.sum += value;
        // Written out, as both are seldom true.
        if value < self.min {
            self.min = value;
        }
        if value > self.max {
            self.max = value;
        }
    }

    /// Adds all that `other` counted, as if it had been recorded here.
    pub fn merge(&mut self, other: &Self) -> Result<(), AlphaMismatch> {
        if self.scale != other.scale {
            return Err(AlphaMismatch);
        }
        self.above.merge(&other.above);
        self.below.merge(&other.below);
        self.zeros += other.zeros;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        Ok(())
    }

    /// An empty histogram of the same relative error.
    pub fn emptied(&self) -> Self {
        Self::on(self.scale)
    }

    /// Forgets everything counted.
    pub fn clear(&mut self) {
        *self = Self::on(self.scale);
    }

    /// The number that has `floor(q * (count - 1))` numbers below it, off by at most `alpha` of its value. `q` is held
    /// to 0..=1; `None` while nothing is counted.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        if self.count() == 0 {
            return None;
        }
        let rank = (q.clamp(0.0, 1.0) * (self.count() - 1) as f64) as u64;
        if rank == 0 {
            return Some(self.min);
        }
        if rank == self.count() - 1 {
            return Some(self.max);
        }
        let negatives = self.below.total();
        let estimate = if rank < negatives {
            -self.scale.value(self.below.index_at(negatives - 1 - rank))
        } else if rank < negatives + self.zeros {
            0.0
        } else {
            self.scale.value(self.above.index_at(rank - negatives - self.zeros))
        };
        // Not `clamp`: its panic message would link the formatting of floats into the core, a tenth of its size.
        Some(estimate.max(self.min).min(self.max))
    }

    /// How many numbers were counted.
    pub fn count(&self) -> u64 {
        self.above.total + self.below.total + self.zeros
    }

    /// Their sum; exact up to the rounding of addition.
    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// Their mean; `None` while nothing is counted.
    pub fn mean(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.sum / self.count() as f64)
    }

    /// The least, exactly.
    pub fn min(&self) -> Option<f64> {
        (self.count() > 0).then_some(self.min)
    }

    /// The greatest, exactly.
    pub fn max(&self) -> Option<f64> {
        (self.count() > 0).then_some(self.max)
    }

    /// Whether buckets nearest to zero were joined, so that quantiles that fall there have no bound.
    pub fn is_collapsed(&self) -> bool {
        self.above.collapsed || self.below.collapsed
    }

    fn on(scale: Scale) -> Self {
        Self {
            scale,
            above: Buckets::new(scale.most_buckets()),
            below: Buckets::new(scale.most_buckets()),
            zeros: 0,
            sum: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
        }
    }

    /// Recounts everything; for tests.
    #[cfg(test)]
    fn validate(&self) {
        for side in [&self.above, &self.below] {
            assert!(side.counts.len() <= side.most as usize);
            assert_eq!(side.total(), side.counts.iter().sum::<u64>());
            assert!(side.counts.last().is_none_or(|&last| last > 0));
        }
    }
}

impl Default for Histogram {
    /// Empty, with an error of at most [`DEFAULT_ALPHA`].
    fn default() -> Self {
        Self::on(Scale::new(DEFAULT_ALPHA).expect("the default is valid"))
    }
}
