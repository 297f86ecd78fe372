//! One admitted task: where it is on its way, what it may still use, and where its time went.

use super::Deadline;
use super::breaker::Permit;
use crate::slab::Token;
use crate::time::{Duration, Instant};
use std::num::NonZeroU32;

/// What a task may use up.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long one attempt may take.
    pub attempt: Duration,
    /// How long everything may take, from admission to the end: queue, attempts and backoff.
    pub total: Duration,
    /// How many attempts may follow the first.
    pub retries: u32,
    /// How long it may wait in the queue for its first attempt. Zero: it begins at once or not at all.
    pub wait: Duration,
    /// Who comes first in a lane: the higher.
    pub priority: i32,
    /// How many places it takes while it runs.
    pub weight: NonZeroU32,
}

impl Limits {
    /// A task that may take as long as it likes, and is tried once.
    pub const NONE: Self = Self {
        attempt: Duration::FOREVER,
        total: Duration::FOREVER,
        retries: 0,
        wait: Duration::FOREVER,
        priority: 0,
        weight: NonZeroU32::MIN,
    };
}

/// Where a task's time went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Attempts begun.
    pub attempts: u32,
    /// Time in the queue, before the first and between further attempts, but for `rate`.
    pub queued: Duration,
    /// Time in the queue while nothing but the rate limit kept the first in it from beginning.
    pub rate: Duration,
    /// Time in attempts.
    pub running: Duration,
    /// Time asleep between attempts.
    pub backoff: Duration,
}

#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) lane: Token,
    /// The breaker that its attempts go through.
    pub(super) circuit: Option<Token>,
    /// What that has let the attempt through with which runs.
    pub(super) permit: Option<Permit>,
    pub(super) phase: Phase,
    pub(super) limits: Limits,
    pub(super) expires: Instant,
    /// The delay before the latest attempt, which decorrelated jitter grows from.
    pub(super) delay: Duration,
    since: Instant,
    /// For how long the gate had been shut when the phase began.
    shut: Duration,
    spent: Spent,
}

/// Where a task is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It waits for its turn.
    Queued,
    /// An attempt runs.
    Running,
    /// It sleeps between attempts.
    Asleep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Queued,
    Running,
    Backoff { until: Instant },
}

impl Task {
    pub(super) fn new(lane: Token, circuit: Option<Token>, limits: Limits, shut: Duration, now: Instant) -> Self {
        Self {
            lane,
            circuit,
            permit: None,
            phase: Phase::Queued,
            limits,
            expires: now + limits.total,
            delay: Duration::ZERO,
            since: now,
            shut,
            spent: Spent::default(),
        }
    }

    /// Moves on to `phase`, and books the time in the phase that ends. `shut` is for how long the gate has been shut.
    pub(super) fn enter(&mut self, phase: Phase, shut: Duration, now: Instant) {
        self.spent = self.spent_at(now, shut);
        self.since = self.since.max(now);
        self.shut = shut;
        self.phase = phase;
        self.spent.attempts += u32::from(phase == Phase::Running);
    }

    /// Where the time went until `now`.
    pub(super) fn spent_at(&self, now: Instant, shut: Duration) -> Spent {
        let mut spent = self.spent;
        let span = now.since(self.since).as_millis();
        match self.phase {
            Phase::Queued => {
                let rate = shut.as_millis().saturating_sub(self.shut.as_millis()).min(span);
                book(&mut spent.rate, rate);
                book(&mut spent.queued, span - rate);
            }
            Phase::Running => book(&mut spent.running, span),
            Phase::Backoff { .. } => book(&mut spent.backoff, span),
        }
        spent
    }

    /// The number of the attempt that runs or ran last, from 1.
    pub(super) fn attempt(&self) -> u32 {
        self.spent.attempts
    }

    /// When it gives up its place in the queue.
    fn patience(&self) -> Instant {
        if self.attempt() > 0 || self.limits.wait == Duration::ZERO {
            return Instant::NEVER;
        }
        self.since + self.limits.wait
    }

    /// Which deadline has ended it, if one has.
    pub(super) fn overdue(&self, now: Instant) -> Option<Deadline> {
        if self.expires <= now {
            return Some(if self.attempt() == 0 { Deadline::Queue } else { Deadline::Total });
        }
        (self.phase == Phase::Queued && self.patience() <= now).then_some(Deadline::Wait)
    }

    /// For how long the attempt has run.
    pub(super) fn took(&self, now: Instant) -> Duration {
        now.since(self.since)
    }

    /// When the clock next has a say in this task.
    pub(super) fn due(&self) -> Instant {
        match self.phase {
            Phase::Queued => self.expires.min(self.patience()),
            Phase::Running => self.expires.min(self.since + self.limits.attempt),
            Phase::Backoff { until } => until.min(self.expires),
        }
    }
}

fn book(total: &mut Duration, span: u64) {
    *total = Duration::from_millis(total.as_millis().saturating_add(span));
}
