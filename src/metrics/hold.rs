//! Samples that wait while a text is told.

use super::Sample;
use crate::time::Instant;

/// Samples that may wait.
const MOST: usize = 1 << 20;

/// Logs that wait, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Hold {
    /// The moment of the text.
    moment: Option<Instant>,
    logs: Vec<(Vec<Sample>, Instant)>,
    samples: usize,
}

impl Hold {
    pub(super) fn begin(&mut self, moment: Instant) {
        self.moment = Some(moment);
    }

    /// The moment whose numbers are told, while one is.
    pub(super) fn moment(&self) -> Option<Instant> {
        self.moment
    }

    /// Whether so many samples have to wait and may.
    pub(super) fn has_room(&self, samples: usize) -> bool {
        self.moment.is_some() && self.samples + samples <= MOST
    }

    /// Takes samples of `now`.
    pub(super) fn keep(&mut self, samples: Vec<Sample>, now: Instant) {
        self.samples += samples.len();
        self.logs.push((samples, now));
    }

    /// Nothing waits any longer. What did must be recorded.
    pub(super) fn end(&mut self) -> Vec<(Vec<Sample>, Instant)> {
        self.moment = None;
        self.samples = 0;
        std::mem::take(&mut self.logs)
    }
}
