//! How long calls usually take, and when one has taken long enough that another attempt beside it is worth its while.
//!
//! (Dean and Barroso, "The Tail at Scale", CACM 2013: after the 95th percentile.) The quantile is of two generations of
//! latencies, so that it follows what happens lately; it is looked up anew after some calls, not after each.

use crate::histogram::{DEFAULT_ALPHA, Histogram};
use crate::time::{Duration, Instant};

/// When to begin another attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HedgeDelay {
    /// After so long.
    Fixed(Duration),
    /// After as long as this part of the latest calls took, once so many are known.
    Quantile {
        /// From 0 to 1.
        quantile: f64,
        /// Calls.
        min_samples: u32,
    },
}

/// A generation is over when it is this old, or has seen this much.
const GENERATION: Duration = Duration::from_millis(60_000);
const MOST_SAMPLES: u64 = 10_000;
const LOOKED_UP_EVERY: u32 = 32;

/// See the top of this file.
#[derive(Clone, Debug)]
pub struct Hedge {
    delay: HedgeDelay,
    generations: Option<[Histogram; 2]>,
    since: Instant,
    unseen: u32,
    known: Option<Duration>,
}

impl Hedge {
    /// Nothing is known yet.
    pub fn new(delay: HedgeDelay) -> Self {
        let generations = match delay {
            HedgeDelay::Fixed(_) => None,
            HedgeDelay::Quantile { .. } => {
                Histogram::new(DEFAULT_ALPHA).ok().map(|histogram| [histogram.clone(), histogram])
            }
        };
        Self { delay, generations, since: Instant::ZERO, unseen: 0, known: None }
    }

    /// A call has succeeded and took so many milliseconds.
    pub fn record(&mut self, took: f64, now: Instant) {
        let (HedgeDelay::Quantile { quantile, min_samples }, Some([recent, former])) =
            (self.delay, &mut self.generations)
        else {
            return;
        };
        let is_old = now.since(self.since) >= GENERATION && recent.count() >= u64::from(min_samples);
        if is_old || recent.count() >= MOST_SAMPLES {
            std::mem::swap(recent, former);
            recent.clear();
            self.since = now;
        }
        recent.record(took);
        self.unseen += 1;
        let count = recent.count() + former.count();
        if count < u64::from(min_samples) || (self.known.is_some() && self.unseen < LOOKED_UP_EVERY) {
            return;
        }
        self.unseen = 0;
        let mut both = former.clone();
        if both.merge(recent).is_ok() {
            self.known = both.quantile(quantile).map(|ms| Duration::from_millis(ms as u64 + 1));
        }
    }

    /// After how long another attempt may begin; `None` as long as nobody knows.
    pub fn delay(&self) -> Option<Duration> {
        match self.delay {
            HedgeDelay::Fixed(delay) => Some(delay),
            HedgeDelay::Quantile { .. } => self.known,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Hedge, HedgeDelay};
    use crate::rng::Rng;
    use crate::time::{Duration, Instant};

    #[test]
    fn follows_the_quantile_of_what_happened_lately() {
        let mut hedge = Hedge::new(HedgeDelay::Quantile { quantile: 0.95, min_samples: 50 });
        let mut rng = Rng::new(3);
        let mut run = |hedge: &mut Hedge, from: u64, calls: u64, scale: u64| {
            for call in 0..calls {
                hedge.record(rng.between(0, 1000 * scale) as f64, Instant::from_millis(from + call * 100));
            }
        };
        run(&mut hedge, 0, 49, 1);
        assert_eq!(hedge.delay(), None);
        run(&mut hedge, 5000, 1000, 1);
        let delay = hedge.delay().map_or(0, Duration::as_millis);
        assert!((900..=1000).contains(&delay), "{delay}");
        // Two generations later nothing is left of that.
        run(&mut hedge, 200_000, 2000, 5);
        let delay = hedge.delay().map_or(0, Duration::as_millis);
        assert!((4500..=5000).contains(&delay), "{delay}");
        assert_eq!(Hedge::new(HedgeDelay::Fixed(Duration::ZERO)).delay(), Some(Duration::ZERO));
    }
}
