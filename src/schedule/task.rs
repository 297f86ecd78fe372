//! One admitted task: where it is on its way, what it may still use, and where its time went.

use crate::slab::Token;
use crate::time::{Duration, Instant};

/// What a task may use up.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long one attempt may take.
    pub attempt: Duration,
    /// How long everything may take, from admission to the end: queue, attempts and backoff.
    pub total: Duration,
    /// How many attempts may follow the first.
    pub retries: u32,
}

/// Where a task's time went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Attempts begun.
    pub attempts: u32,
    /// Time in the queue, before the first and between further attempts.
    pub queued: Duration,
    /// Time in attempts.
    pub running: Duration,
    /// Time asleep between attempts.
    pub backoff: Duration,
}

#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) lane: Token,
    pub(super) phase: Phase,
    pub(super) limits: Limits,
    pub(super) expires: Instant,
    /// The delay before the latest attempt, which decorrelated jitter grows from.
    pub(super) delay: Duration,
    since: Instant,
    spent: Spent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Queued,
    Running,
    Backoff { until: Instant },
}

impl Task {
    pub(super) fn new(lane: Token, limits: Limits, now: Instant) -> Self {
        Self {
            lane,
            phase: Phase::Queued,
            limits,
            expires: now + limits.total,
            delay: Duration::ZERO,
            since: now,
            spent: Spent::default(),
        }
    }

    /// Moves on to `phase`, and books the time in the phase that ends.
    pub(super) fn enter(&mut self, phase: Phase, now: Instant) {
        self.spent = self.spent_at(now);
        self.since = self.since.max(now);
        self.phase = phase;
        self.spent.attempts += u32::from(phase == Phase::Running);
    }

    /// Where the time went until `now`.
    pub(super) fn spent_at(&self, now: Instant) -> Spent {
        let mut spent = self.spent;
        let booked = match self.phase {
            Phase::Queued => &mut spent.queued,
            Phase::Running => &mut spent.running,
            Phase::Backoff { .. } => &mut spent.backoff,
        };
        *booked = Duration::from_millis(booked.as_millis().saturating_add(now.since(self.since).as_millis()));
        spent
    }

    /// The number of the attempt that runs or ran last, from 1.
    pub(super) fn attempt(&self) -> u32 {
        self.spent.attempts
    }

    /// When the clock next has a say in this task.
    pub(super) fn due(&self) -> Instant {
        match self.phase {
            Phase::Queued => self.expires,
            Phase::Running => self.expires.min(self.since + self.limits.attempt),
            Phase::Backoff { until } => until.min(self.expires),
        }
    }
}
