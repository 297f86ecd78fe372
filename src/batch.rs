//! How a long row of items is handed over in batches.
//!
//! Batches go out in input order, a few at a time. One that throws is tried again after a pause, then cut in two and
//! the halves tried by themselves, and so on, until the items that break their batch stand alone. Parts of a batch
//! already begun come before fresh items, so never more than `concurrency` batches are open. Every item is settled
//! exactly once: done, failed or aborted.

mod border;
mod learned;
#[cfg(test)]
mod tests;

pub use border::{Action, BatchSize, Config, Outcome, Progress, SettleError, Verdict};
pub use learned::{LearnedConfig, LearnedSize};

use crate::slab::{Links, Slab, Token};
use crate::time::{Duration, Instant};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// One run over a row of items whose length may become known late.
#[derive(Clone, Debug)]
pub struct BatchRun {
    config: Config,
    supply: Supply,
    supplied: u64,
    /// The first item that was never handed over.
    next: u64,
    /// Cut off and ready, the earliest items on top.
    parts: Vec<Part>,
    waiting: BinaryHeap<Reverse<Waiting>>,
    flying: Slab<Flight>,
    /// Flights by deadline, which is the order of their starts; one list.
    deadlines: Links,
    learned: Option<LearnedSize>,
    progress: Progress,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Supply {
    Open,
    Ended,
    Aborted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    start: u64,
    len: u32,
    attempt: u32,
    retries_left: u32,
}

#[derive(Clone, Copy, Debug)]
struct Flight {
    part: Part,
    deadline: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    until: Instant,
    part: Part,
}

impl BatchRun {
    /// A run without items yet.
    pub fn new(config: Config) -> Self {
        let learned = match config.batch_size {
            BatchSize::Fixed(_) => None,
            BatchSize::Learned(bounds) => Some(LearnedSize::new(bounds)),
        };
        Self {
            config,
            learned,
            supply: Supply::Open,
            supplied: 0,
            next: 0,
            parts: Vec::new(),
            waiting: BinaryHeap::new(),
            flying: Slab::default(),
            deadlines: Links::new(1),
            progress: Progress::default(),
        }
    }

    /// `count` more items are there. Ignored after the end.
    pub fn supply(&mut self, count: u64) {
        if self.supply == Supply::Open {
            self.supplied = self.supplied.saturating_add(count);
        }
    }

    /// No more items will come: the rest goes out as a smaller batch.
    pub fn end(&mut self) {
        if self.supply == Supply::Open {
            self.supply = Supply::Ended;
        }
    }

    /// How many items the host should read now, so that no more than `concurrency` batches of them are unsettled.
    pub fn wanted(&self) -> u64 {
        match self.supply {
            Supply::Open => self.most_open().saturating_sub(self.supplied - self.progress.settled()),
            Supply::Ended | Supply::Aborted => 0,
        }
    }

    /// What to do next; `None` until there is an input or [`BatchRun::poll_at`] has come.
    pub fn poll_action(&mut self, now: Instant) -> Option<Action> {
        if let Some(token) = self.expired(now) {
            self.deadlines.unlink(token.slot());
            return Some(Action::Expire { token });
        }
        let part = self.next_part(now)?;
        let deadline = now + self.config.timeout;
        let token = self.flying.insert(Flight { part, deadline });
        if deadline != Instant::NEVER {
            self.deadlines.push_back(0, token.slot());
        }
        self.progress.calls += 1;
        Some(Action::Start { token, start: part.start, len: part.len, attempt: part.attempt })
    }

    /// When to poll although nothing happened: the end of a pause, or of the time a batch may take.
    pub fn poll_at(&self) -> Option<Instant> {
        let deadline = self.deadlines.front(0).and_then(|slot| self.deadline_of(slot));
        let retry = self.waiting.peek().map(|Reverse(waiting)| waiting.until);
        deadline.into_iter().chain(retry).min()
    }

    /// The batch named `token` has ended.
    pub fn handle_outcome(&mut self, token: Token, outcome: Outcome, now: Instant) -> Result<Verdict, SettleError> {
        let part = self.flying.get(token).ok_or(SettleError::NotInFlight)?.part;
        if matches!(outcome, Outcome::Answered { failed } if failed > part.len) {
            return Err(SettleError::TooManyFailed);
        }
        self.flying.remove(token);
        self.deadlines.unlink(token.slot());
        if let (Outcome::Threw, Some(learned)) = (outcome, &mut self.learned) {
            learned.handle_failure(part.len);
        }
        Ok(match outcome {
            Outcome::Answered { failed } => {
                self.progress.done += u64::from(part.len - failed);
                self.progress.failed += u64::from(failed);
                Verdict::Settled
            }
            Outcome::Threw if self.supply != Supply::Aborted => self.recover(part, now),
            Outcome::Threw => {
                self.progress.aborted += u64::from(part.len);
                Verdict::Failed
            }
            Outcome::Refused => self.fail(part),
        })
    }

    /// A batch of `len` items was answered after so many microseconds; only a run that learns its size listens.
    pub fn learn(&mut self, len: u32, micros: u64) {
        if let Some(learned) = &mut self.learned {
            learned.handle_answer(len, micros);
        }
    }

    /// How many items the next fresh batch has.
    pub fn batch_size(&self) -> u32 {
        match (&self.learned, self.config.batch_size) {
            (Some(learned), _) => learned.size(),
            (None, BatchSize::Fixed(size)) => size.get(),
            (None, BatchSize::Learned(bounds)) => bounds.min.get(),
        }
    }

    /// Hands over nothing more. Items not in flight are aborted; those in flight are when their batch throws, or when
    /// it is given up by [`BatchRun::abandon`].
    pub fn abort(&mut self) {
        self.supply = Supply::Aborted;
        let cut: u64 = self.parts.drain(..).map(|part| u64::from(part.len)).sum();
        let waiting: u64 = self.waiting.drain().map(|Reverse(waiting)| u64::from(waiting.part.len)).sum();
        self.progress.aborted += cut + waiting + (self.supplied - self.next);
        self.next = self.supplied;
    }

    /// After an abort: waits for no batch in flight. Its items are aborted; settling it later is refused.
    pub fn abandon(&mut self) {
        self.abort();
        let tokens: Vec<Token> = self.flying.iter().map(|(token, _)| token).collect();
        for token in tokens {
            self.deadlines.unlink(token.slot());
            self.progress.aborted += self.flying.remove(token).map_or(0, |flight| u64::from(flight.part.len));
        }
    }

    /// Whether every item is settled and no more will come.
    pub fn is_finished(&self) -> bool {
        self.supply != Supply::Open && self.progress.settled() == self.supplied
    }

    /// Items there have been so far.
    pub fn supplied(&self) -> u64 {
        self.supplied
    }

    /// The counts so far.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    fn most_open(&self) -> u64 {
        u64::from(self.batch_size()) * u64::from(self.config.concurrency.get())
    }

    fn deadline_of(&self, slot: u32) -> Option<Instant> {
        self.flying.token_at(slot).and_then(|token| self.flying.get(token)).map(|flight| flight.deadline)
    }

    fn expired(&self, now: Instant) -> Option<Token> {
        let slot = self.deadlines.front(0)?;
        self.flying.token_at(slot).filter(|_| self.deadline_of(slot).is_some_and(|deadline| deadline <= now))
    }

    /// A pause keeps its place among the `concurrency`: a handler in trouble is not sent fresh batches meanwhile.
    fn next_part(&mut self, now: Instant) -> Option<Part> {
        if self.waiting.peek().is_some_and(|Reverse(waiting)| waiting.until <= now) {
            return self.waiting.pop().map(|Reverse(waiting)| waiting.part);
        }
        if self.flying.len() + self.waiting.len() >= self.config.concurrency.get() as usize {
            return None;
        }
        if let Some(part) = self.parts.pop() {
            return Some(part);
        }
        let (ready, full) = (self.supplied - self.next, u64::from(self.batch_size()));
        if ready == 0 || (ready < full && self.supply == Supply::Open) {
            return None;
        }
        let len = ready.min(full) as u32;
        let part = Part { start: self.next, len, attempt: 1, retries_left: self.config.max_retries };
        self.next += u64::from(len);
        Some(part)
    }

    fn recover(&mut self, part: Part, now: Instant) -> Verdict {
        if part.retries_left > 0 {
            let made = self.config.max_retries - part.retries_left;
            let factor = 1u64.checked_shl(made).unwrap_or(u64::MAX);
            let pause = self.config.initial_delay.as_millis().saturating_mul(factor);
            let until = now + Duration::from_millis(pause.min(self.config.max_delay.as_millis()));
            let part = Part { attempt: part.attempt + 1, retries_left: part.retries_left - 1, ..part };
            self.waiting.push(Reverse(Waiting { until, part }));
            self.progress.retries += 1;
            return Verdict::Retry(until);
        }
        if part.len == 1 || !self.config.isolate {
            return self.fail(part);
        }
        let half = part.len / 2;
        for (start, len) in [(part.start + u64::from(half), part.len - half), (part.start, half)] {
            let retries_left = if len == 1 { self.config.max_retries } else { 0 };
            self.parts.push(Part { start, len, attempt: part.attempt + 1, retries_left });
        }
        self.progress.splits += 1;
        Verdict::Split
    }

    fn fail(&mut self, part: Part) -> Verdict {
        self.progress.failed += u64::from(part.len);
        Verdict::Failed
    }

    /// Recounts everything; for tests.
    #[cfg(test)]
    fn validate(&self) {
        let flying = self.flying.iter().map(|(_, flight)| flight.part);
        let waiting = self.waiting.iter().map(|Reverse(waiting)| waiting.part);
        let mut open: Vec<Part> = self.parts.iter().copied().chain(flying).chain(waiting).collect();
        open.sort();
        assert!(open.windows(2).all(|pair| pair[0].start + u64::from(pair[0].len) <= pair[1].start), "{open:?}");
        assert!(open.last().is_none_or(|last| last.start + u64::from(last.len) <= self.next));
        let unsettled: u64 = open.iter().map(|part| u64::from(part.len)).sum::<u64>() + self.supplied - self.next;
        assert_eq!(self.progress.settled() + unsettled, self.supplied);
        assert!(self.flying.len() + self.waiting.len() <= self.config.concurrency.get() as usize);
        let mut deadlines: Vec<Instant> = Vec::new();
        let mut slot = self.deadlines.front(0);
        while let Some(at) = slot {
            deadlines.push(self.deadline_of(at).expect("only what flies has a deadline"));
            slot = self.deadlines.after(at);
        }
        assert!(deadlines.is_sorted());
    }
}
