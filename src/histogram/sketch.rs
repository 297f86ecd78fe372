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
            count: histogram.count(),
            sum: histogram.sum,
            min: histogram.min,
            max: histogram.max,
            collapsed: histogram.is_collapsed(),
        }
    }

    /// How many numbers were counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// An empty histogram of the same relative error.
    pub fn emptied(&self) -> Histogram {
        Histogram::on(self.scale)
    }

    /// A histogram that counted the same.
    pub fn to_histogram(&self) -> Histogram {
        let mut histogram = self.emptied();
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
        histogram.sum += self.sum;
        histogram.min = histogram.min.min(self.min);
        histogram.max = histogram.max.max(self.max);
        true
    }

    /// Appends what was counted as numbers, for [`Sketch::from_numbers`]: count, zeros, sum, least, greatest, whether buckets were joined,
    /// how many buckets lie above zero, and for each bucket its index and count.
    pub fn write_numbers(&self, out: &mut Vec<f64>) {
        out.extend([self.count as f64, self.zeros as f64, self.sum, self.min, self.max]);
        out.extend([f64::from(u8::from(self.collapsed)), f64::from(self.above)]);
        out.extend(self.buckets.iter().flat_map(|&(index, count)| [f64::from(index), f64::from(count)]));
    }

    /// What [`Sketch::write_numbers`] wrote, of a histogram with the relative error of `like`. `None` when the numbers cannot have come
    /// from one.
    pub fn from_numbers(like: &Histogram, numbers: &[f64]) -> Option<Self> {
        let (head, rest) = numbers.split_at_checked(HEAD)?;
        let buckets: Option<Box<[(i32, u32)]>> = rest.chunks(2).map(bucket_of).collect();
        let buckets = buckets?;
        let (count, zeros, above) = (whole(head[0])?, whole(head[1])?, whole(head[6])?);
        let (sum, min, max) = (head[2], head[3], head[4]);
        let counted = buckets.iter().map(|&(_, count)| u64::from(count)).sum::<u64>() + zeros;
        let ordered = count == 0 || (sum.is_finite() && min.is_finite() && max.is_finite() && min <= max);
        let fits = counted == count && above <= buckets.len() as u64 && ordered;
        let (sum, min, max) = if count == 0 { (0.0, f64::INFINITY, f64::NEG_INFINITY) } else { (sum, min, max) };
        fits.then_some(Self {
            scale: like.scale,
            buckets,
            above: above as u32,
            zeros,
            count,
            sum,
            min,
            max,
            collapsed: head[5] != 0.0,
        })
    }

    /// About how many bytes it takes.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.buckets)
    }
}

/// Numbers before the buckets.
const HEAD: usize = 7;

/// No number has a bucket further away from that of 1, at the smallest relative error.
const FURTHEST: f64 = 8_388_608.0;

fn bucket_of(pair: &[f64]) -> Option<(i32, u32)> {
    let &[index, count] = pair else { return None };
    let known = index.trunc() == index && index.abs() <= FURTHEST;
    let count = u32::try_from(whole(count)?).ok()?;
    known.then_some((index as i32, count))
}

fn whole(number: f64) -> Option<u64> {
    const MOST: f64 = 9_007_199_254_740_992.0;
    (number.trunc() == number && (0.0..=MOST).contains(&number)).then_some(number as u64)
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
