//! Who may go on, and when: calls wait in one line for the tokens of a bucket.
//!
//! The line is served strictly in turn, so that a costly call does not starve behind cheap ones. A call that would wait too
//! long is refused when it comes, not after it has waited; so are those in line when a hold makes their wait too long.
//! The host polls after every input and at [`Limiter::poll_at`]. Every operation is O(1), but for a hold.

use super::bucket::{Micros, Rate, TokenBucket};
use crate::slab::{Links, Slab, Token};

/// The limits of a [`Limiter`].
#[derive(Clone, Copy, Debug)]
pub struct LimiterConfig {
    /// How often.
    pub rate: Rate,
    /// How long a call may have to wait.
    pub max_wait: Micros,
    /// How many calls may be in line.
    pub max_queue: u32,
}

/// The answer to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// It may go on.
    Admit,
    /// It is in line.
    Wait {
        /// Names it until it is admitted, refused or cancelled.
        ticket: Token,
        /// When it is expected to go on.
        until: Micros,
    },
    /// It may not, and has taken nothing.
    Reject(Refusal),
}

/// Why a call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It costs more than the bucket ever holds.
    TooCostly,
    /// It would go on only then.
    TooLong(Micros),
    /// As many calls are in line as may be; it would go on then.
    QueueFull(Micros),
}

/// What becomes of a call in line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It goes on.
    Admit(Token),
    /// A hold has made its wait too long; it would have gone on then.
    Refuse(Token, Micros),
}

/// See the top of this file.
#[derive(Clone, Debug)]
pub struct Limiter {
    config: LimiterConfig,
    bucket: TokenBucket,
    calls: Slab<Call>,
    links: Links,
    /// Tokens that those in line will take.
    owed: u64,
}

#[derive(Clone, Debug)]
struct Call {
    cost: u32,
    patience: Micros,
    refused: Option<Micros>,
}

const LINE: u32 = 0;
const REFUSED: u32 = 1;

impl Limiter {
    /// Nobody in line before a full bucket.
    pub fn new(config: LimiterConfig, now: Micros) -> Self {
        let bucket = TokenBucket::new(config.rate, now);
        Self { config, bucket, calls: Slab::default(), links: Links::new(2), owed: 0 }
    }

    /// A call that goes on at once or not at all.
    pub fn take(&mut self, cost: u32, now: Micros) -> Result<(), Refusal> {
        if cost > self.bucket.burst() {
            return Err(Refusal::TooCostly);
        }
        if self.links.is_empty(LINE) && self.bucket.take(cost, now) {
            return Ok(());
        }
        self.bucket.tokens(now);
        Err(Refusal::TooLong(self.bucket.ready_at(self.owed.saturating_add(u64::from(cost)))))
    }

    /// A call that may wait its turn.
    pub fn admit(&mut self, cost: u32, now: Micros) -> Entry {
        let until = match self.take(cost, now) {
            Ok(()) => return Entry::Admit,
            Err(Refusal::TooLong(until)) => until,
            Err(refusal) => return Entry::Reject(refusal),
        };
        if until.since(now) > self.config.max_wait {
            return Entry::Reject(Refusal::TooLong(until));
        }
        if self.waiting() >= self.config.max_queue {
            return Entry::Reject(Refusal::QueueFull(until));
        }
        let patience = now.after(self.config.max_wait);
        let ticket = self.calls.insert(Call { cost, patience, refused: None });
        self.links.push_back(LINE, ticket.slot());
        self.owed += u64::from(cost);
        Entry::Wait { ticket, until }
    }

    /// Takes a call out of line; those behind it move up. False when it is not in line any more.
    pub fn cancel(&mut self, ticket: Token) -> bool {
        self.leave(ticket).is_some()
    }

    /// Admits nobody before `until`, and refuses those in line who would have to wait too long for that.
    pub fn hold_until(&mut self, until: Micros, now: Micros) {
        self.bucket.tokens(now);
        self.bucket.hold_until(until);
        let (mut ahead, mut next) = (0, self.links.front(LINE));
        while let Some(slot) = next {
            next = self.links.after(slot);
            let Some(call) = self.calls.token_at(slot).and_then(|ticket| self.calls.get_mut(ticket)) else { continue };
            let ready = self.bucket.ready_at(ahead + u64::from(call.cost));
            if ready > call.patience {
                call.refused = Some(ready);
                self.owed -= u64::from(call.cost);
                self.links.unlink(slot);
                self.links.push_back(REFUSED, slot);
            } else {
                ahead += u64::from(call.cost);
            }
        }
    }

    /// Pours the bucket out, as if all its tokens had just been taken.
    pub fn empty(&mut self) {
        self.bucket.empty();
    }

    /// The next call whose wait is over at `now`.
    pub fn poll(&mut self, now: Micros) -> Option<Turn> {
        let slot = self.links.front(REFUSED).or_else(|| self.links.front(LINE))?;
        let ticket = self.calls.token_at(slot)?;
        let &Call { cost, refused, .. } = self.calls.get(ticket)?;
        let turn = match refused {
            Some(until) => Turn::Refuse(ticket, until),
            None if self.bucket.take(cost, now) => Turn::Admit(ticket),
            None => return None,
        };
        self.leave(ticket);
        Some(turn)
    }

    /// When to poll next if nothing else happens.
    pub fn poll_at(&self) -> Option<Micros> {
        if !self.links.is_empty(REFUSED) {
            return Some(Micros::default());
        }
        let first = self.calls.token_at(self.links.front(LINE)?)?;
        Some(self.bucket.ready_at(u64::from(self.calls.get(first)?.cost)))
    }

    /// How many calls wait.
    pub fn waiting(&self) -> u32 {
        self.calls.len() as u32
    }

    /// Whole tokens in the bucket that nobody in line waits for.
    pub fn tokens(&mut self, now: Micros) -> u32 {
        let there = u64::from(self.bucket.tokens(now));
        there.saturating_sub(self.owed) as u32
    }

    fn leave(&mut self, ticket: Token) -> Option<Call> {
        let call = self.calls.remove(ticket)?;
        self.links.unlink(ticket.slot());
        if call.refused.is_none() {
            self.owed -= u64::from(call.cost);
        }
        Some(call)
    }
}
