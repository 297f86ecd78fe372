//! What goes into a schedule and what comes out of it.

use super::adaptive::{AdaptiveRules, LimitChange};
use super::breaker::{Cause, Refusal, Rules};
use super::{Backoff, BudgetRules, Micros, RateLimit, Spent};
use crate::slab::Token;
use crate::time::{Duration, Instant};
use std::num::NonZeroU32;

/// The limits of a schedule.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// How many attempts run at once.
    pub concurrency: NonZeroU32,
    /// How many attempts of one lane run at once.
    pub per_lane: NonZeroU32,
    /// How many admitted tasks may be waiting, for their turn or for their next attempt. Beyond it, a task is refused
    /// unless it can run at once.
    pub max_queue: u32,
    /// What happens when one more comes. To let it wait outside until there is room is up to the host.
    pub overflow: Overflow,
    /// How long a task has to wait to come before one whose priority is higher by one and which has just come.
    pub aging: Duration,
    /// How long a failed task sleeps.
    pub backoff: Backoff,
    /// A server may ask for no longer pause than this; a task that is told to sleep longer ends instead.
    pub max_retry_after: Duration,
    /// How often attempts begin.
    pub rate_limit: Option<RateLimit>,
    /// How much of the load may be attempts after the first.
    pub retry_budget: Option<BudgetRules>,
    /// How the number of attempts that run at once is found out, between the least that these say and `concurrency`.
    pub adaptive: Option<AdaptiveRules>,
    /// When attempts are refused since those before have failed.
    pub breaker: Option<Rules>,
}

/// Who leaves when more wait than may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// Whoever comes last.
    Reject,
    /// Whoever has waited for longest.
    DropOldest,
}

/// The answer to [`super::Schedule::submit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The task is in. Name the lane in later submissions of the same key, as long as one of its tasks lives.
    Admitted {
        /// Names the task until it ends.
        task: Token,
        /// Names its lane.
        lane: Token,
    },
    /// As many tasks wait as may wait.
    QueueFull,
    /// The rate limit would keep the task waiting longer than it allows.
    RateLimited {
        /// So long.
        wait: Micros,
    },
    /// Its circuit lets nobody through.
    CircuitOpen(Refusal),
}

/// How an attempt went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It brought the result.
    Ok,
    /// It failed in a way that another attempt may mend, perhaps not before a pause that the server asked for.
    Retryable {
        /// The pause.
        retry_after: Option<Duration>,
    },
    /// It failed for good.
    Fatal,
}

/// The answer to [`super::Schedule::settle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The attempt had ended before; nothing has changed.
    Stale,
    /// The task sleeps and is then tried again.
    Backoff {
        /// When it joins the queue again.
        until: Instant,
    },
    /// The task has ended with the reported outcome.
    Done(Ending, Spent),
}

/// Why a settled task is not tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The outcome needs no further attempt, or allows none.
    Final,
    /// It has no retries left.
    Exhausted,
    /// The next attempt could not begin before the total deadline.
    NoTimeLeft,
    /// The server asked for a longer pause than is allowed.
    PauseTooLong,
    /// Its circuit would let no attempt through when the pause is over.
    CircuitOpen,
    /// Too many tasks are tried again already.
    BudgetSpent,
}

/// Something the host must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Begin this attempt of the task.
    Start {
        /// The task.
        task: Token,
        /// The number of the attempt, from 1.
        attempt: u32,
    },
    /// Break off this attempt, whose time is up. It needs no report; the task sleeps and is then tried again.
    Abort {
        /// The task.
        task: Token,
        /// The number of the attempt.
        attempt: u32,
        /// When it joins the queue again.
        until: Instant,
    },
    /// Nothing is to be done: the number of attempts that run at once has changed.
    Limit(LimitChange),
    /// Nothing is to be done: a circuit has opened or closed.
    Circuit {
        /// Which.
        circuit: Token,
        /// Why.
        cause: Cause,
    },
    /// The task has ended without a result, since its circuit has opened while it waited.
    Refuse {
        /// The task.
        task: Token,
        /// When the circuit lets somebody through.
        refusal: Refusal,
        /// Where its time went.
        spent: Spent,
    },
    /// The task has ended without a result; break off its attempt if one runs.
    Expire {
        /// The task.
        task: Token,
        /// Which deadline ended it.
        deadline: Deadline,
        /// Where its time went.
        spent: Spent,
    },
}

/// A deadline that ended a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deadline {
    /// The total deadline, before the first attempt could begin.
    Queue,
    /// The deadline of the last attempt.
    Attempt,
    /// The total deadline.
    Total,
    /// It has waited as long as it may for its first attempt.
    Wait,
    /// No deadline: it has made room for one that came later.
    Room,
}
