//! How often attempts may begin: a token bucket at the end of the queue, and how long it has kept the queue waiting.

use super::bucket::{Micros, Rate, TokenBucket};
use crate::time::{Duration, Instant};

/// How often attempts may begin.
#[derive(Clone, Copy, Debug)]
pub struct RateLimit {
    /// A token for each attempt.
    pub rate: Rate,
    /// A task that would wait longer for its first token, with all that are before it, is refused.
    pub max_wait: Micros,
}

/// See the top of this file. Without a limit it is always open.
#[derive(Clone, Debug, Default)]
pub(super) struct Gate {
    bucket: Option<TokenBucket>,
    max_wait: Micros,
    /// The latest time, finer than that of the rest of the schedule.
    now: Micros,
    /// Since when nothing but the bucket has kept the first task from beginning.
    shut: Option<Instant>,
    shut_before: Duration,
}

impl Gate {
    pub(super) fn new(limit: Option<RateLimit>, now: Instant) -> Self {
        let Some(RateLimit { rate, max_wait }) = limit else { return Self::default() };
        Self { bucket: Some(TokenBucket::new(rate, micros(now))), max_wait, ..Self::default() }
    }

    /// Lets one attempt through, if there is a token.
    pub(super) fn pass(&mut self, now: Instant) -> bool {
        self.see(micros(now));
        self.bucket.as_mut().is_none_or(|bucket| bucket.take(1, self.now))
    }

    /// Whether [`Gate::pass`] would let one through.
    pub(super) fn is_open(&mut self, now: Instant) -> bool {
        self.see(micros(now));
        self.bucket.as_mut().is_none_or(|bucket| bucket.tokens(self.now) > 0)
    }

    /// Whether it was shut and would now let one through.
    pub(super) fn opens(&mut self, now: Instant) -> bool {
        self.shut.is_some() && self.is_open(now)
    }

    /// How long until the `count`th from now would be let through, if that is longer than a task may wait.
    pub(super) fn wait_too_long(&mut self, count: u64, now: Instant) -> Option<Micros> {
        self.see(micros(now));
        let bucket = self.bucket.as_mut()?;
        bucket.tokens(self.now);
        Some(bucket.ready_at(count).since(self.now)).filter(|&wait| wait > self.max_wait)
    }

    /// How long the `count`th from now would wait. Changes nothing.
    pub(super) fn wait(&self, count: u64, now: Instant) -> Micros {
        let now = self.now.max(micros(now));
        self.bucket.as_ref().map_or(Micros::default(), |bucket| {
            let mut bucket = bucket.clone();
            bucket.tokens(now);
            bucket.ready_at(count).since(now)
        })
    }

    /// Whether somebody waits whom only the bucket holds up.
    pub(super) fn note(&mut self, waits: bool, now: Instant) {
        match (waits, self.shut) {
            (true, None) => self.shut = Some(now),
            (false, Some(_)) => {
                self.shut_before = self.shut_for(now);
                self.shut = None;
            }
            _ => {}
        }
    }

    /// For how long it has been shut in all.
    pub(super) fn shut_for(&self, now: Instant) -> Duration {
        let lately = self.shut.map_or(0, |since| now.since(since).as_millis());
        Duration::from_millis(self.shut_before.as_millis().saturating_add(lately))
    }

    /// When it will let the first one through for whom it is shut now.
    pub(super) fn opens_at(&self) -> Option<Micros> {
        self.shut?;
        Some(self.bucket.as_ref()?.ready_at(1))
    }

    /// Looks at a clock that is finer than instants are.
    pub(super) fn see(&mut self, now: Micros) {
        self.now = self.now.max(now);
    }

    pub(super) fn empty(&mut self) {
        if let Some(bucket) = &mut self.bucket {
            bucket.empty();
        }
    }
}

fn micros(now: Instant) -> Micros {
    Micros(now.as_millis().saturating_mul(1000))
}
