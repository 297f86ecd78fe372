//! How long to wait before the next attempt.

use crate::rng::Rng;
use crate::time::Duration;

/// How delays grow and how they are spread, so that clients which failed together do not come back together
/// (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jitter {
    /// Exactly the exponential delay.
    None,
    /// Anything from zero up to the exponential delay, which grows by the factor with each attempt.
    Full,
    /// Anything from the initial delay up to three times the delay before.
    Decorrelated,
}

/// The rule for delays between attempts.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// The first delay, or its upper end.
    pub initial: Duration,
    /// No delay is longer.
    pub max: Duration,
    /// How delays are spread.
    pub jitter: Jitter,
    /// By what the exponential delay grows, in millionths. At least a million.
    pub factor: u32,
}

/// A factor of two.
pub const DOUBLE: u32 = 2 * MILLION;
const MILLION: u32 = 1_000_000;

impl Backoff {
    /// The delay after `failures` failed attempts (from 1), of which the last was preceded by a delay of `previous`.
    pub fn delay(&self, failures: u32, previous: Duration, rng: &mut Rng) -> Duration {
        let initial = self.initial.as_millis();
        let drawn = match self.jitter {
            Jitter::None => self.exponential(failures),
            Jitter::Full => rng.between(0, self.exponential(failures)),
            Jitter::Decorrelated => rng.between(initial, previous.as_millis().max(initial).saturating_mul(3)),
        };
        Duration::from_millis(drawn.min(self.max.as_millis()))
    }

    fn exponential(&self, failures: u32) -> u64 {
        let (mut delay, max) = (self.initial.as_millis(), self.max.as_millis());
        for _ in 1..failures {
            let next = (u128::from(delay) * u128::from(self.factor) / u128::from(MILLION)).min(u128::from(max)) as u64;
            // It stands still at the end, with a factor of one, or as a millisecond too short to grow.
            if next <= delay {
                break;
            }
            delay = next;
        }
        delay.min(max)
    }
}

#[cfg(test)]
mod tests {
    use super::{Backoff, DOUBLE, Jitter};
    use crate::rng::Rng;
    use crate::time::Duration;
    use proptest::prelude::{any, proptest};

    fn backoff(jitter: Jitter) -> Backoff {
        Backoff { initial: Duration::from_millis(100), max: Duration::from_millis(5000), jitter, factor: DOUBLE }
    }

    #[test]
    fn full_jitter_fills_the_exponential_delay() {
        let mut rng = Rng::new(7);
        for (failures, ceiling) in [(1, 100), (2, 200), (5, 1600), (8, 5000), (200, 5000)] {
            let drawn = (0..2000).map(|_| backoff(Jitter::Full).delay(failures, Duration::ZERO, &mut rng).as_millis());
            let (low, high) = drawn.fold((u64::MAX, 0), |(low, high), ms| (ms.min(low), ms.max(high)));
            assert!(
                low <= ceiling / 50 && high <= ceiling && high >= ceiling - ceiling / 50,
                "{failures}: {low}..{high}"
            );
        }
    }

    #[test]
    fn decorrelated_jitter_grows_from_the_delay_before() {
        let (mut rng, mut previous) = (Rng::new(7), Duration::ZERO);
        for failures in 1..50 {
            let next = backoff(Jitter::Decorrelated).delay(failures, previous, &mut rng);
            assert!(next.as_millis() >= 100 && next.as_millis() <= (previous.as_millis().max(100) * 3).min(5000));
            previous = next;
        }
    }

    #[test]
    fn without_jitter_it_is_the_exponential_delay() {
        let delays = |factor| {
            let backoff = Backoff { factor, ..backoff(Jitter::None) };
            [1, 2, 3, 7, 1000].map(|failures| backoff.delay(failures, Duration::ZERO, &mut Rng::new(1)).as_millis())
        };
        assert_eq!(delays(DOUBLE), [100, 200, 400, 5000, 5000]);
        assert_eq!(delays(1_500_000), [100, 150, 225, 1135, 5000]);
        assert_eq!(delays(1_000_000), [100; 5]);
    }

    proptest! {
        #[test]
        fn never_exceeds_the_maximum(seed: u64, failures: u32, initial: u64, max: u64, previous: u64, full in any::<bool>()) {
            let jitter = if full { Jitter::Full } else { Jitter::Decorrelated };
            let backoff = Backoff { initial: Duration::from_millis(initial), max: Duration::from_millis(max), jitter, factor: DOUBLE };
            assert!(backoff.delay(failures, Duration::from_millis(previous), &mut Rng::new(seed)).as_millis() <= max);
        }
    }
}
