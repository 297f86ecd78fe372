//! What happens: it is told to the machine, and its answers are judged.

use super::super::adaptive::Load;
use super::super::breaker::Verdict;
use super::super::{Admission, Ending, Limits, Outcome, Overflow, Settled};
use super::cases::Op;
use super::world::{State, Task, World, rate};
use crate::slab::Token;
use crate::time::{Duration, Instant};
use std::num::NonZeroU32;

impl World {
    pub(super) fn apply(&mut self, op: Op) {
        self.turn += 1;
        match op {
            Op::Submit { key, attempt, total, retries, place } => self.submit(key, (attempt, total, retries), place),
            Op::Adopt { key, attempt, weight } => self.adopt(key, attempt, weight),
            Op::Settle { pick, retryable, retry_after } => {
                let running: Vec<Token> = self.tokens(|task| matches!(task.state, State::Running { .. }));
                if !running.is_empty() {
                    self.settle(running[pick % running.len()], retryable, retry_after);
                }
            }
            Op::SettleStale { pick, attempt } => self.settle_stale(pick, attempt),
            Op::Hold { key, span } => {
                if let Some(&lane) = self.lanes.get(&key) {
                    let until = self.now + span;
                    self.machine.hold(lane, Instant::from_millis(until), self.at());
                    if span > 0 {
                        let held = self.held.entry(key).or_insert(until);
                        *held = until.max(*held);
                    }
                    self.find_ready();
                }
            }
            Op::Cancel { pick } => {
                let live = self.tokens(|_| true);
                if !live.is_empty() {
                    let task = live[pick % live.len()];
                    let spent = self.machine.cancel(task, self.at()).expect("a live task can be cancelled");
                    self.end(task, spent);
                }
            }
            Op::Advance(span) => {
                let end = self.now + span;
                while let Some(at) = self.machine.poll_at().map(Instant::as_millis).filter(|&at| at <= end) {
                    self.pass(self.now.max(at));
                    self.turn += 1;
                    self.drain();
                }
                self.pass(end);
            }
            Op::Drift(span) => {
                self.pass(self.now + span);
                return;
            }
        }
        self.drain();
    }

    fn submit(&mut self, key: u8, limits: (u64, u64, u32), place: (u64, i32, u32)) {
        let waiting = self.live.len() as u32 - self.running(None);
        let (wait, priority, weight) = place;
        let at_once = self.fits(key, weight) && self.line(key).is_empty() && self.ready.is_empty() && self.has_token();
        let queued = self.tokens(|task| matches!(task.state, State::Queued { .. })).len() as u64;
        let is_full = (waiting >= self.config.max_queue || wait == 0) && !at_once;
        let makes_room = self.config.overflow == Overflow::DropOldest && wait > 0 && queued > 0;
        let refused = is_full && !makes_room;
        let (attempt, total, retries) = limits;
        let held = self.held.get(&key).is_some_and(|&until| until >= self.now.saturating_add(wait.min(total)));
        let refused = refused && !held;
        let too_long = held || rate(self.config).is_some_and(|(.., most)| self.rate_wait(queued + 1) > most);
        let asked = Limits {
            attempt: Duration::from_millis(attempt),
            total: Duration::from_millis(total),
            retries,
            wait: Duration::from_millis(wait),
            priority,
            weight: NonZeroU32::new(weight).expect("not zero"),
        };
        match self.machine.submit(self.lanes.get(&key).copied(), None, asked, self.at()) {
            Admission::CircuitOpen(_) => panic!("there are no circuits"),
            Admission::QueueFull => assert!(refused),
            Admission::RateLimited { .. } => assert!(!refused && too_long),
            Admission::Admitted { task, lane } => {
                assert!(!refused && !too_long);
                self.room = is_full && makes_room;
                assert_eq!(*self.lanes.entry(key).or_insert(lane), lane);
                self.submitted += 1;
                let state = State::Queued { turn: self.turn * 2 };
                assert!(
                    self.live
                        .insert(
                            task,
                            Task { key, state, limits, place, joined: self.now, submitted: self.now, attempts: 0 }
                        )
                        .is_none()
                );
            }
        }
        self.find_ready();
    }

    /// It runs from the beginning, and no limit keeps it from that.
    fn adopt(&mut self, key: u8, attempt: u64, weight: u32) {
        let asked = Limits {
            attempt: Duration::from_millis(attempt),
            weight: NonZeroU32::new(weight).expect("not zero"),
            ..Limits::NONE
        };
        let (token, lane) = self.machine.adopt(self.lanes.get(&key).copied(), asked, self.at());
        assert_eq!(*self.lanes.entry(key).or_insert(lane), lane);
        let (limits, place) = ((attempt, u64::MAX, 0), (u64::MAX, 0, weight));
        let state = State::Running { since: self.now };
        let task = Task { key, state, limits, place, joined: self.now, submitted: self.now, attempts: 1 };
        assert!(self.live.insert(token, task).is_none());
        self.submitted += 1;
        self.ready.remove(&key);
        self.find_ready();
    }

    pub(super) fn settle(&mut self, token: Token, retryable: bool, retry_after: Option<u64>) {
        let task = self.live[&token].clone();
        let outcome = match (retryable, retry_after) {
            (true, ms) => Outcome::Retryable { retry_after: ms.map(Duration::from_millis) },
            (false, Some(_)) => Outcome::Fatal,
            (false, None) => Outcome::Ok,
        };
        let expires = task.submitted.saturating_add(task.limits.1);
        match self.machine.settle(token, task.attempts, outcome, (Verdict::Success, Load::Ignored), self.at()) {
            Settled::Stale => panic!("a running attempt is not stale"),
            Settled::Backoff { until } => {
                assert!(retryable);
                self.put_to_sleep(token, until, retry_after);
            }
            Settled::Done(ending, spent) => {
                let max_pause = self.config.max_retry_after.as_millis();
                match ending {
                    Ending::Final => assert!(!retryable),
                    Ending::Exhausted => assert!(retryable && task.attempts > task.limits.2),
                    Ending::PauseTooLong => assert!(retry_after.is_some_and(|ms| ms > max_pause)),
                    Ending::CircuitOpen | Ending::BudgetSpent => panic!("there are no circuits and no budget"),
                    Ending::NoTimeLeft => {
                        let longest = self.config.backoff.max.as_millis().max(retry_after.unwrap_or(0));
                        assert!(retryable && self.now + longest >= expires);
                    }
                }
                self.end(token, spent);
            }
        }
    }

    fn settle_stale(&mut self, pick: usize, attempt: u32) {
        if let Some(&token) = self.ended.get(pick % self.ended.len().max(1)) {
            assert_eq!(
                self.machine.settle(token, attempt, Outcome::Ok, (Verdict::Success, Load::Ignored), self.at()),
                Settled::Stale
            );
            assert_eq!(self.machine.cancel(token, self.at()), None);
        }
        let other = self.tokens(|task| !matches!(task.state, State::Running { .. }) || task.attempts != attempt);
        if !other.is_empty() {
            let token = other[pick % other.len()];
            assert_eq!(
                self.machine.settle(token, attempt, Outcome::Fatal, (Verdict::Failure, Load::Ignored), self.at()),
                Settled::Stale
            );
        }
    }
}
