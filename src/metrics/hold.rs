//! Samples that wait while a text is told.

use crate::time::Instant;

/// Numbers that may wait: a million samples.
const MOST: usize = 2 << 20;

/// Logs that wait, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Hold {
    /// The moment of the text.
    moment: Option<Instant>,
    logs: Vec<(Box<[f64]>, Instant)>,
    numbers: usize,
}

impl Hold {
    pub(super) fn begin(&mut self, moment: Instant) {
        self.moment = Some(moment);
    }

    /// The moment whose numbers are told, while one is.
    pub(super) fn moment(&self) -> Option<Instant> {
        self.moment
    }

    /// Takes a log if it has to wait and may.
    pub(super) fn keep(&mut self, log: &[f64], now: Instant) -> bool {
        if self.moment.is_none() || self.numbers + log.len() > MOST {
            return false;
        }
        self.numbers += log.len();
        self.logs.push((log.into(), now));
        true
    }

    /// Nothing waits any longer. What did must be recorded.
    pub(super) fn end(&mut self) -> Vec<(Box<[f64]>, Instant)> {
        self.moment = None;
        self.numbers = 0;
        std::mem::take(&mut self.logs)
    }
}
