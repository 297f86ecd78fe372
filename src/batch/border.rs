//! What a run is told, and what it says.

use super::LearnedConfig;
use crate::slab::Token;
use crate::time::{Duration, Instant};
use std::num::NonZeroU32;

/// How batches are made and handed over.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Items in a batch; only the last may have fewer.
    pub batch_size: BatchSize,
    /// Batches handed over or waiting for a retry at the same time.
    pub concurrency: NonZeroU32,
    /// Tries after the first, for a whole batch and again for an item that stands alone. Parts in between get none.
    pub max_retries: u32,
    /// The pause before the first retry; it doubles with each further one.
    pub initial_delay: Duration,
    /// The longest pause.
    pub max_delay: Duration,
    /// How long a batch may take; [`Duration::FOREVER`] means no limit.
    pub timeout: Duration,
    /// Whether a batch that throws is cut in two. Otherwise all its items fail together.
    pub isolate: bool,
}

/// How many items make a batch.
#[derive(Clone, Copy, Debug)]
pub enum BatchSize {
    /// So many.
    Fixed(NonZeroU32),
    /// As many as turn out best.
    Learned(LearnedConfig),
}

/// What the host must do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Hand over the items `start .. start + len`.
    Start {
        /// What to name when it is settled.
        token: Token,
        /// The first item.
        start: u64,
        /// How many items.
        len: u32,
        /// How often these items have been handed over, this time included.
        attempt: u32,
    },
    /// The batch took too long: stop it and settle it as [`Outcome::Threw`].
    Expire {
        /// The batch.
        token: Token,
    },
}

/// How a batch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is an answer for each item; `failed` of them say that the item failed.
    Answered {
        /// Items whose answer is a failure. They are not tried again.
        failed: u32,
    },
    /// There is no answer: the handler threw, or took too long.
    Threw,
    /// The answer is unusable, and would be again: all items fail.
    Refused,
}

/// What became of the items of a settled batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Each item has its own answer.
    Settled,
    /// All items are failed, or aborted where the run is.
    Failed,
    /// The same items are handed over again at that time.
    Retry(Instant),
    /// The items are handed over again in two parts.
    Split,
}

/// A settlement that cannot be meant. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettleError {
    /// The batch is not in flight: it was settled before, or never started.
    #[error("the batch is not in flight")]
    NotInFlight,
    /// More items failed than the batch has.
    #[error("more items failed than the batch has")]
    TooManyFailed,
}

/// Counts of a run so far. Items are counted once, when they are settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Items that succeeded.
    pub done: u64,
    /// Items that failed.
    pub failed: u64,
    /// Items that were not finished because the run was aborted.
    pub aborted: u64,
    /// Times that a batch or a part of one was handed over.
    pub calls: u64,
    /// Times that the same items were handed over again.
    pub retries: u64,
    /// Times that a batch was cut in two.
    pub splits: u64,
}

impl Progress {
    /// Items that are settled, one way or another.
    pub const fn settled(&self) -> u64 {
        self.done + self.failed + self.aborted
    }
}
