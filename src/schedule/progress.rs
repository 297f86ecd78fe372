//! How a task goes on: from the queue into an attempt, asleep and back, and out, whatever it does then.

use super::adaptive::Load;
use super::breaker::Verdict;
use super::task::Phase;
use super::{Action, Deadline, Ending, Limits, Schedule, Spent};
use crate::slab::Token;
use crate::time::{Duration, Instant};

impl Schedule {
    /// Starts what the limits allow.
    pub(super) fn dispatch(&mut self, now: Instant) {
        // The clock was late: whoever may go on as of now has a turn before others have two.
        self.let_go(now);
        while let Some(task) = self.lanes.next().and_then(|slot| self.tasks.token_at(slot)) {
            let entry = self.tasks.get_mut(task).expect(LIVE);
            let circuit = entry.circuit;
            if let Some(deadline) = entry.overdue(now) {
                // The clock was late. The task never runs, and its lane keeps the turn.
                let spent = self.turn_away(task, now);
                self.actions.push_back(Action::Expire { task, deadline, spent });
                continue;
            }
            if let Some(refusal) = self.refusal(circuit, now) {
                let spent = self.turn_away(task, now);
                self.actions.push_back(Action::Refuse { task, refusal, spent });
                continue;
            }
            if !self.gate.pass(now) {
                break;
            }
            let permit = match (&mut self.breakers, circuit) {
                (Some(breakers), Some(circuit)) => breakers.admit(circuit, now).ok(),
                _ => None,
            };
            self.tasks.get_mut(task).expect(LIVE).permit = permit;
            let attempt = self.begin(task, now);
            self.actions.push_back(Action::Start { task, attempt });
        }
        self.gate.note(self.lanes.next().is_some(), now);
    }

    /// A task that is queued runs from now on. The number of its attempt.
    pub(super) fn begin(&mut self, task: Token, now: Instant) -> u32 {
        let entry = self.tasks.get_mut(task).expect(LIVE);
        self.lanes.begin(entry.lane, task.slot());
        entry.enter(Phase::Running, self.gate.shut_for(now), now);
        let attempt = entry.attempt();
        if let Some(budget) = self.budget.as_mut().filter(|_| attempt == 1) {
            budget.note(now);
        }
        self.arm(task);
        attempt
    }

    /// A task that waits ends without having had its turn.
    pub(super) fn turn_away(&mut self, task: Token, now: Instant) -> Spent {
        let entry = self.tasks.get(task).expect(LIVE);
        let (lane, spent) = (entry.lane, entry.spent_at(now, self.gate.shut_for(now)));
        self.lanes.unqueue(lane, task.slot());
        self.forget(task);
        spent
    }

    /// An attempt is over, if one runs: what that says is told, once.
    pub(super) fn over(&mut self, task: Token, verdict: Verdict, load: Load, now: Instant) {
        let Some(entry) = self.tasks.get_mut(task) else { return };
        let took = entry.took(now);
        if let (Some(breakers), Some(circuit), Some(permit)) = (&mut self.breakers, entry.circuit, entry.permit.take())
        {
            let cause = breakers.settle(circuit, permit, verdict, took, now);
            self.actions.extend(cause.map(|cause| Action::Circuit { circuit, cause }));
        }
        if let Some(adaptive) = self.adaptive.as_mut().filter(|_| load != Load::Ignored)
            && let Some(change) = adaptive.record(took.as_millis() as f64, self.lanes.active(), load, now)
        {
            self.lanes.set_limit(change.to);
            self.actions.push_back(Action::Limit(change));
        }
    }

    /// Puts a running task to sleep until its next attempt, if it may have one.
    pub(super) fn retry(
        &mut self,
        task: Token,
        retry_after: Option<Duration>,
        now: Instant,
    ) -> Result<Instant, Ending> {
        let entry = self.tasks.get_mut(task).expect(LIVE);
        if entry.attempt() > entry.limits.retries {
            return Err(Ending::Exhausted);
        }
        if retry_after.is_some_and(|pause| pause > self.config.max_retry_after) {
            return Err(Ending::PauseTooLong);
        }
        let own = self.config.backoff.delay(entry.attempt(), entry.delay, &mut self.rng);
        let until = now + own.max(retry_after.unwrap_or_default());
        if until >= entry.expires {
            return Err(Ending::NoTimeLeft);
        }
        let circuit = entry.circuit;
        if self.refusal(circuit, now).is_some_and(|refusal| until < refusal.retry_at) {
            return Err(Ending::CircuitOpen);
        }
        if self.budget.as_mut().is_some_and(|budget| !budget.spend(now)) {
            return Err(Ending::BudgetSpent);
        }
        let entry = self.tasks.get_mut(task).expect(LIVE);
        entry.delay = own;
        entry.enter(Phase::Backoff { until }, self.gate.shut_for(now), now);
        let lane = entry.lane;
        self.sleeping += 1;
        self.arm(task);
        self.lanes.release(lane, task.slot());
        self.dispatch(now);
        Ok(until)
    }

    /// The time of the task in `slot` has come.
    pub(super) fn wake(&mut self, slot: u32, now: Instant) {
        let Some(task) = self.tasks.token_at(slot) else { return };
        let entry = self.tasks.get_mut(task).expect(LIVE);
        if let Some(deadline) = entry.overdue(now) {
            self.expire(task, deadline, now);
            return;
        }
        match entry.phase {
            Phase::Running => {
                let attempt = entry.attempt();
                self.over(task, Verdict::Failure, Load::Overload, now);
                match self.retry(task, None, now) {
                    // Before the starts that the freed slot made possible: the host lets go, then takes up.
                    Ok(until) => self.actions.push_front(Action::Abort { task, attempt, until }),
                    Err(_) => self.expire(task, Deadline::Attempt, now),
                }
            }
            Phase::Backoff { .. } => {
                entry.enter(Phase::Queued, self.gate.shut_for(now), now);
                let (lane, Limits { priority, weight, .. }) = (entry.lane, entry.limits);
                self.sleeping -= 1;
                self.lanes.queue(lane, slot, priority, weight.get(), now);
                self.arm(task);
                self.dispatch(now);
            }
            Phase::Queued => self.arm(task),
        }
    }

    fn expire(&mut self, task: Token, deadline: Deadline, now: Instant) {
        if let Some(spent) = self.end(task, now) {
            self.actions.push_front(Action::Expire { task, deadline, spent });
        }
    }

    /// The one way out of every phase: gives up what the phase holds, once.
    pub(super) fn end(&mut self, task: Token, now: Instant) -> Option<Spent> {
        // Whoever gives up says nothing about whoever was asked.
        self.over(task, Verdict::Ignored, Load::Ignored, now);
        let entry = self.tasks.get(task)?;
        let (lane, spent) = (entry.lane, entry.spent_at(now, self.gate.shut_for(now)));
        match entry.phase {
            Phase::Queued => self.lanes.unqueue(lane, task.slot()),
            Phase::Running => self.lanes.release(lane, task.slot()),
            Phase::Backoff { .. } => self.sleeping -= 1,
        }
        self.forget(task);
        self.dispatch(now);
        Some(spent)
    }

    fn forget(&mut self, task: Token) {
        if let Some(entry) = self.tasks.remove(task) {
            self.wheel.remove(task.slot());
            self.lanes.leave(entry.lane);
        }
    }

    pub(super) fn arm(&mut self, task: Token) {
        let due = self.tasks.get(task).expect(LIVE).due();
        self.wheel.insert(task.slot(), due);
    }
}

const LIVE: &str = "a task that is at hand lives until it is forgotten";
