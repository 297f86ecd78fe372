//! Where the buckets of a histogram lie.

use super::MOST_BUCKETS;

/// Bucket `i` holds `bound(i) ..= bound(i + 1)`, and each bound is at most
/// `(1 + alpha) / (1 - alpha)` times the one before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    per_octave: f64,
}

impl Scale {
    pub(super) fn new(alpha: f64) -> Option<Self> {
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

    pub(super) fn most_buckets(self) -> i32 {
        (MOST_BUCKETS as f64 * self.per_octave / PER_OCTAVE_AT_DEFAULT)
            .clamp(MOST_BUCKETS.into(), (8 * MOST_BUCKETS).into()) as i32
    }

    #[inline(always)]
    pub(super) fn index(self, magnitude: f64) -> i32 {
        let bits = magnitude.to_bits();
        let exponent = (bits >> 52) as i32 - 1023;
        let fraction = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000) - 1.0;
        let place = (f64::from(exponent) + cubic(fraction)) * self.per_octave;
        // The next lower whole number: beside this one, doubles are whole, and their low bits are the number.
        const WHOLE: f64 = 6_755_399_441_055_744.0;
        ((place - 0.5) + WHOLE).to_bits() as i32
    }

    /// The point of bucket `index` whose relative distance to both its bounds is the same.
    pub(super) fn value(self, index: i32) -> f64 {
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
