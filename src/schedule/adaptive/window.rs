//! A few calls that are looked at together.

use crate::time::{Duration, Instant};

/// What a window has shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// The usual, in milliseconds; see [`usual`].
    pub(super) latency: f64,
    /// The most that ran at the same time.
    pub(super) inflight: u32,
}

/// It is full after some calls, or after a while: pages make few.
#[derive(Clone, Debug)]
pub(super) struct Window {
    took: Vec<f64>,
    inflight: u32,
    began: Instant,
}

const FEWEST: usize = 5;
const LONGEST: Duration = Duration::from_millis(1000);

impl Window {
    pub(super) fn new(now: Instant) -> Self {
        Self { took: Vec::new(), inflight: 0, began: now }
    }

    /// A call under that limit; what there is to see when it fills the window, which then begins anew.
    pub(super) fn add(&mut self, took: f64, inflight: u32, limit: u32, now: Instant) -> Option<Seen> {
        self.took.push(took);
        self.inflight = self.inflight.max(inflight);
        let wanted = calls_to_judge(limit);
        let is_over = now.since(self.began) >= LONGEST && self.took.len() >= FEWEST;
        if self.took.len() < wanted && !is_over {
            return None;
        }
        let seen = Seen { latency: usual(std::mem::take(&mut self.took)), inflight: self.inflight };
        *self = Self::new(now);
        Some(seen)
    }
}

/// How many calls show what is usual under a limit: each place is used a few times.
pub(super) fn calls_to_judge(limit: u32) -> usize {
    (limit as usize).saturating_mul(4).clamp(50, 400)
}

/// The mean without the longest tenth, which a single pause of a collector may be; not zero, so that it can be divided by. A median would need twice
/// the calls to be as sure of times that are spread as waiting times are.
pub(super) fn usual(mut took: Vec<f64>) -> f64 {
    let kept = took.len() - took.len() / 10;
    if kept > 0 {
        took.select_nth_unstable_by(kept - 1, f64::total_cmp);
    }
    let sum: f64 = took[..kept].iter().sum();
    (sum / kept.max(1) as f64).max(0.001)
}
