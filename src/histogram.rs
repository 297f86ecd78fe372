//! A histogram with a bounded relative error and a bounded size.
//!
//! DDSketch (Masson, Rim and Lee, VLDB 2019): bucket bounds grow by a constant factor, so that every quantile is off by
//! at most `alpha` of its value, whatever the distribution, and two histograms merge into that of the union. Buckets
//! are found by a cubic in place of the logarithm (as in the authors' own implementations): it costs one per cent more
//! buckets, no call into a maths library, and gives the same bits natively and in WebAssembly.

mod sketch;
#[cfg(test)]
mod tests;

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

/// Where the buckets lie. Bucket `i` holds `bound(i) ..= bound(i + 1)`, and each bound is at most
/// `(1 + alpha) / (1 - alpha)` times the one before.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Scale {
    per_octave: f64,
}

impl Scale {
    fn new(alpha: f64) -> Option<Self> {
        if !(0.0001..1.0).contains(&alpha) {
            return None;
        }
        // ln((1 + a) / (1 - a)) = 2 (a + a^3/3 + a^5/5 + ...), summed here so that every platform rounds alike. The
        // series is slow near 1, where a smaller alpha does as well.
        let alpha = alpha.min(0.9);
        let mut power = alpha;
        let mut half_log = 0.0;
        for odd in (1..400).step_by(2) {
            half_log += power / f64::from(odd);
            power *= alpha * alpha;
        }
        // The slope of the cubic against ln(x) is at least C: the width of a bucket follows from its flattest place.
        Some(Self { per_octave: 1.0 / (C * 2.0 * half_log) })
    }

    fn most_buckets(self) -> i32 {
        (MOST_BUCKETS as f64 * self.per_octave / PER_OCTAVE_AT_DEFAULT)
            .clamp(MOST_BUCKETS.into(), (8 * MOST_BUCKETS).into()) as i32
    }

    #[inline(always)]
    fn index(self, magnitude: f64) -> i32 {
        let bits = magnitude.to_bits();
        let exponent = (bits >> 52) as i32 - 1023;
        let fraction = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000) - 1.0;
        let place = (f64::from(exponent) + cubic(fraction)) * self.per_octave;
        // The next lower whole number: beside this one, doubles are whole, and their low bits are the number.
        const WHOLE: f64 = 6_755_399_441_055_744.0;
        ((place - 0.5) + WHOLE).to_bits() as i32
    }

    /// The point of bucket `index` whose relative distance to both its bounds is the same.
    fn value(self, index: i32) -> f64 {
        let (low, high) = (self.bound(index), self.bound(index + 1));
        low * (2.0 / (1.0 + low / high))
    }

    fn bound(self, index: i32) -> f64 {
        let place = f64::from(index) / self.per_octave;
        let exponent = place.floor();
        let rest = place - exponent;
        // Newton from the straight line; the cubic is within 0.01 of it and nearly straight.
        let mut fraction = rest;
        for _ in 0..5 {
            fraction -= (cubic(fraction) - rest) / ((3.0 * A * fraction + 2.0 * B) * fraction + C);
        }
        if exponent > 1023.0 {
            return f64::MAX;
        }
        if exponent < -1022.0 {
            return f64::MIN_POSITIVE;
        }
        (1.0 + fraction) * f64::from_bits(((exponent as i64 + 1023) as u64) << 52)
    }
}

/// Buckets to an octave at an error of one per cent.
const PER_OCTAVE_AT_DEFAULT: f64 = 35.0;

const A: f64 = 6.0 / 35.0;
const B: f64 = -3.0 / 5.0;
const C: f64 = 10.0 / 7.0;

/// Near `log2(1 + fraction)`, equal to it at 0 and 1, and rising everywhere between.
fn cubic(fraction: f64) -> f64 {
    ((A * fraction + B) * fraction + C) * fraction
}

/// Counts by index, dense from the first to the last index seen, at most `most` of them.
#[derive(Clone, Debug)]
struct Buckets {
    most: i32,
    counts: Vec<u64>,
    first: i32,
    total: u64,
    collapsed: bool,
}

impl Buckets {
    fn new(most: i32) -> Self {
        Self { most, counts: Vec::new(), first: 0, total: 0, collapsed: false }
    }

    fn total(&self) -> u64 {
        self.total
    }

    #[inline(always)]
    fn add(&mut self, index: i32, count: u64) {
        // Nobody counts to 2^64: no check for it in the busiest place of all.
        self.total = self.total.wrapping_add(count);
        // What is below the first wraps round to what is far beyond the last.
        match self.counts.get_mut(index.wrapping_sub(self.first) as u32 as usize) {
            Some(found) => *found = found.wrapping_add(count),
            None => self.add_beyond(index, count),
        }
    }

    #[cold]
    #[inline(never)]
    fn add_beyond(&mut self, index: i32, count: u64) {
        let at = self.room_for(index);
        self.counts[at] += count;
    }

    fn merge(&mut self, other: &Self) {
        // From the top down, so that room is made once.
        for (at, &count) in other.counts.iter().enumerate().rev() {
            if count > 0 {
                self.add(other.first + at as i32, count);
            }
        }
        self.collapsed |= other.collapsed;
    }

    /// The index of the number with `rank` smaller ones in this side.
    fn index_at(&self, rank: u64) -> i32 {
        let mut below = 0;
        let at = self.counts.iter().position(|&count| {
            below += count;
            below > rank
        });
        self.first + at.unwrap_or(self.counts.len().saturating_sub(1)) as i32
    }

    /// Where `index` is counted, after making room. The lowest index kept follows from the highest one alone, so the
    /// outcome does not depend on the order of additions.
    fn room_for(&mut self, index: i32) -> usize {
        if self.counts.is_empty() {
            self.first = index;
            self.counts.push(0);
            return 0;
        }
        let last = self.first + self.counts.len() as i32 - 1;
        let lowest = last.max(index) - (self.most - 1);
        if index > last {
            if lowest > self.first {
                self.join_below(lowest);
            }
            self.counts.resize((index - self.first + 1) as usize, 0);
        } else if index < self.first {
            let first = index.max(lowest);
            let added = (self.first - first) as usize;
            self.counts.splice(0..0, std::iter::repeat_n(0, added));
            self.first = first;
        }
        self.collapsed |= index < self.first;
        (index.max(self.first) - self.first) as usize
    }

    fn join_below(&mut self, lowest: i32) {
        let gone = ((lowest - self.first) as usize).min(self.counts.len());
        let joined: u64 = self.counts.drain(..gone).sum();
        self.first = lowest;
        match self.counts.first_mut() {
            Some(count) => *count += joined,
            None => self.counts.push(joined),
        }
        self.collapsed = true;
    }
}
