//! A histogram at rest: only the buckets that hold something.

use super::{Buckets, Histogram, Scale};

/// What a [`Histogram`] counted, in as few bytes as that takes. It can be added to a histogram of the same scale.
#[derive(Clone, Debug)]
pub struct Sketch {
    scale: Scale,
    /// Bucket and count; those above zero first.
    buckets: Box<[(i32, u32)]>,
    above: u32,
    zeros: u64,
    count: u64,
    sum: f64,
    min: f64,
    max: f64,
    collapsed: bool,
}

impl Sketch {
    /// The sketch of what `histogram` counted. A bucket with more than 2^32 numbers is told as several.
    pub fn of(histogram: &Histogram) -> Self {
        let mut buckets = Vec::with_capacity(filled(&histogram.above) + filled(&histogram.below));
        push_buckets(&histogram.above, &mut buckets);
        let above = buckets.len() as u32;
        push_buckets(&histogram.below, &mut buckets);
        Self {
            scale: histogram.scale,
            buckets: buckets.into_boxed_slice(),
            above,
            zeros: histogram.zeros,
            count: histogram.count,
            sum: histogram.sum,
            min: histogram.min,
            max: histogram.max,
            collapsed: histogram.is_collapsed(),
        }
    }

    /// A histogram that counted the same.
    pub fn to_histogram(&self) -> Histogram {
        let mut histogram = Histogram::on(self.scale);
        self.add_to(&mut histogram);
        histogram
    }

    /// Adds what was counted to `histogram`, which must be of the same scale; otherwise nothing happens and the answer is false.
    pub fn add_to(&self, histogram: &mut Histogram) -> bool {
        if histogram.scale != self.scale {
            return false;
        }
        let (above, below) = self.buckets.split_at(self.above as usize);
        // From the top down, so that room is made once.
        for (side, buckets) in [(&mut histogram.above, above), (&mut histogram.below, below)] {
            for &(index, count) in buckets.iter().rev() {
                side.add(index, u64::from(count));
            }
        }
        histogram.above.collapsed |= self.collapsed;
        histogram.zeros += self.zeros;
        histogram.count += self.count;
        histogram.sum += self.sum;
        histogram.min = histogram.min.min(self.min);
        histogram.max = histogram.max.max(self.max);
        true
    }

    /// About how many bytes it takes.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.buckets)
    }
}

fn filled(side: &Buckets) -> usize {
    side.counts.iter().filter(|&&count| count > 0).count()
}

fn push_buckets(side: &Buckets, out: &mut Vec<(i32, u32)>) {
    for (at, &count) in side.counts.iter().enumerate() {
        let mut rest = count;
        while rest > 0 {
            let part = u32::try_from(rest).unwrap_or(u32::MAX);
            out.push((side.first + at as i32, part));
            rest -= u64::from(part);
        }
    }
}
