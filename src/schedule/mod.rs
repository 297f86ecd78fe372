//! What may run now: tasks wait in lanes, run in attempts, sleep between attempts, and end exactly once.
//!
//! The host submits a task, polls, and does what the actions say. It reports the outcome of an attempt with
//! [`Schedule::settle`], and the machine decides whether to try again. A slot is held while an attempt runs and at no
//! other time; it is handed over within the call that frees it, so no newcomer can slip in between. One deadline runs
//! through queue, attempts and backoff. Each task has one timer in one wheel; every operation is O(1).

pub mod adaptive;
mod backoff;
mod border;
pub mod breaker;
mod bucket;
mod budget;
mod gate;
mod hedge;
mod lanes;
mod limiter;
#[cfg(test)]
mod limiter_model;
mod line;
#[cfg(test)]
mod model;
mod outlook;
mod progress;
mod task;
#[cfg(test)]
mod tests;

use crate::rng::Rng;
use crate::slab::{Slab, Token};
use crate::time::{Duration, Instant};
use crate::wheel::Wheel;
use adaptive::{Adaptive, Load};
pub use backoff::{Backoff, DOUBLE, Jitter};
pub use border::{Action, Admission, Config, Deadline, Ending, Outcome, Overflow, Settled};
use breaker::{Breakers, Refusal as CircuitRefusal, Verdict};
pub use bucket::{Micros, Rate, TokenBucket};
pub use budget::{BudgetRules, RetryBudget};
use gate::Gate;
pub use gate::RateLimit;
pub use hedge::{Hedge, HedgeDelay};
use lanes::Lanes;
pub use limiter::{Entry, Limiter, LimiterConfig, Refusal, Turn};
pub use outlook::Outlook;
use std::collections::VecDeque;
use std::num::NonZeroU32;
pub use task::{Limits, Spent, Standing};
use task::{Phase, Task};

/// See the top of this file.
#[derive(Clone, Debug)]
pub struct Schedule {
    config: Config,
    tasks: Slab<Task>,
    lanes: Lanes,
    gate: Gate,
    breakers: Option<Breakers>,
    budget: Option<RetryBudget>,
    adaptive: Option<Adaptive>,
    wheel: Wheel,
    /// When lanes are let go that are held.
    holds: Wheel,
    actions: VecDeque<Action>,
    sleeping: u32,
    rng: Rng,
}

impl Schedule {
    /// A schedule without tasks. The jitter of its delays follows from `seed`.
    pub fn new(config: Config, seed: u64, now: Instant) -> Self {
        let adaptive = config.adaptive.map(|rules| Adaptive::new(rules, now));
        Self {
            lanes: Lanes::new(
                adaptive.as_ref().map_or(config.concurrency.get(), Adaptive::limit),
                config.per_lane.get(),
                config.aging,
                config.overflow == Overflow::DropOldest,
            ),
            breakers: config.breaker.map(Breakers::new),
            budget: config.retry_budget.map(RetryBudget::new),
            adaptive,
            gate: Gate::new(config.rate_limit, now),
            config,
            tasks: Slab::default(),
            wheel: Wheel::new(now),
            holds: Wheel::new(now),
            actions: VecDeque::new(),
            sleeping: 0,
            rng: Rng::new(seed),
        }
    }

    /// Asks for a task to be run. Without a lane, or with one that no longer lives, it gets a lane of its own. Its attempts go through `circuit`,
    /// if that is given: see [`Schedule::breakers`].
    pub fn submit(&mut self, lane: Option<Token>, circuit: Option<Token>, limits: Limits, now: Instant) -> Admission {
        if let Some(refusal) = self.refusal(circuit, now) {
            return Admission::CircuitOpen(refusal);
        }
        // Whoever would be held for longer than it may wait is told so at once.
        if let Some(until) =
            lane.and_then(|lane| self.held_until(lane)).filter(|&until| until >= now + limits.wait.min(limits.total))
        {
            return Admission::RateLimited { wait: Micros(until.since(now).as_millis().saturating_mul(1000)) };
        }
        let is_full = limits.wait == Duration::ZERO || self.waiting() >= self.config.max_queue;
        let is_full = is_full && !self.begins_at_once(lane, limits.weight.get(), now);
        if is_full && (limits.wait == Duration::ZERO || self.lanes.oldest().is_none()) {
            return Admission::QueueFull;
        }
        if let Some(wait) = self.gate.wait_too_long(u64::from(self.lanes.queued()) + 1, now) {
            return Admission::RateLimited { wait };
        }
        let oldest = self.lanes.oldest().filter(|_| is_full).and_then(|slot| self.tasks.token_at(slot));
        let lane = self.lanes.enter(lane);
        let task = self.tasks.insert(Task::new(lane, circuit, limits, self.gate.shut_for(now), now));
        self.lanes.queue(lane, task.slot(), limits.priority, limits.weight.get(), now);
        self.arm(task);
        if let Some(oldest) = oldest {
            // Only now, so that a lane whose only task it was keeps its turn for the new one.
            let spent = self.turn_away(oldest, now);
            self.actions.push_front(Action::Expire { task: oldest, deadline: Deadline::Room, spent });
        }
        self.dispatch(now);
        Admission::Admitted { task, lane }
    }

    /// Takes in a task that runs already, whatever the limits say: the host has let it begin while there was nothing to decide. No action
    /// tells it to begin.
    pub fn adopt(&mut self, lane: Option<Token>, limits: Limits, now: Instant) -> (Token, Token) {
        let lane = self.lanes.enter(lane);
        let shut = self.gate.shut_for(now);
        let task = self.tasks.insert(Task::new(lane, None, limits, shut, now));
        self.lanes.queue(lane, task.slot(), limits.priority, limits.weight.get(), now);
        self.begin(task, now);
        // Its lane has given up its turn, and there may be less room.
        self.dispatch(now);
        (task, lane)
    }

    /// Reports how an attempt went, and what that says about whoever was asked. An attempt that was broken off, or settled before, changes
    /// nothing.
    pub fn settle(
        &mut self,
        task: Token,
        attempt: u32,
        outcome: Outcome,
        (verdict, load): (Verdict, Load),
        now: Instant,
    ) -> Settled {
        let current = self.tasks.get(task).filter(|task| task.phase == Phase::Running && task.attempt() == attempt);
        if current.is_none() {
            return Settled::Stale;
        }
        self.over(task, verdict, load, now);
        let again = match outcome {
            Outcome::Ok | Outcome::Fatal => Err(Ending::Final),
            Outcome::Retryable { retry_after } => self.retry(task, retry_after, now),
        };
        match again {
            Ok(until) => Settled::Backoff { until },
            Err(ending) => Settled::Done(ending, self.end(task, now).unwrap_or_default()),
        }
    }

    /// Begins nothing of `lane` before `until`, as whoever is called has asked for. A hold that lasts longer stands.
    pub fn hold(&mut self, lane: Token, until: Instant, now: Instant) {
        if until > now && self.lanes.hold(lane) {
            let until = self.holds.due(lane.slot()).map_or(until, |other| until.max(other));
            self.holds.insert(lane.slot(), until);
            // It may have had the turn, and others room.
            self.dispatch(now);
        }
    }

    /// Until when a lane is held.
    pub fn held_until(&self, lane: Token) -> Option<Instant> {
        self.lanes.is_held(lane).then(|| self.holds.due(lane.slot())).flatten()
    }

    /// Ends a task in whatever phase it is; the host breaks off its attempt if one runs. `None` when it had ended.
    pub fn cancel(&mut self, task: Token, now: Instant) -> Option<Spent> {
        self.end(task, now)
    }

    /// The next thing to do at `now`. Poll until there is nothing left after every input, and at [`Schedule::poll_at`].
    pub fn poll_action(&mut self, now: Instant) -> Option<Action> {
        loop {
            while let Some(action) = self.actions.pop_front() {
                if self.is_current(&action) {
                    return Some(action);
                }
            }
            if self.let_go(now) {
                self.dispatch(now);
                continue;
            }
            match self.wheel.poll(now, &mut u32::MAX.clone()) {
                Some(slot) => self.wake(slot, now),
                None if self.gate.opens(now) => self.dispatch(now),
                None => return None,
            }
        }
    }

    /// When to poll next if nothing else happens.
    pub fn poll_at(&self) -> Option<Instant> {
        let open = self.gate.opens_at().map(|at| Instant::from_millis(at.0.div_ceil(1000)));
        self.wheel.poll_at().into_iter().chain(self.holds.poll_at()).chain(open).min()
    }

    /// The same, as exact as the rate limit needs it.
    pub fn poll_at_micros(&self) -> Option<Micros> {
        let millis = self.wheel.poll_at().into_iter().chain(self.holds.poll_at()).min();
        let wheel = millis.map(|at| Micros(at.as_millis().saturating_mul(1000)));
        wheel.into_iter().chain(self.gate.opens_at()).min()
    }

    /// Looks at a clock that is finer than instants are, before a call at the same time: a rate limit may need it.
    pub fn see(&mut self, now: Micros) {
        self.gate.see(now);
    }

    /// Takes the tokens that a new schedule begins with: it may be the heir of one that has used them.
    pub fn empty_bucket(&mut self) {
        self.gate.empty();
    }

    /// The circuits that tasks can go through, if there are any.
    pub fn breakers(&mut self) -> Option<&mut Breakers> {
        self.breakers.as_mut()
    }

    /// Refuses everyone who goes through `circuit`, until it is reset. Who waits is told when it would be his turn.
    pub fn isolate(&mut self, circuit: Token, now: Instant) {
        if let Some(breakers) = &mut self.breakers {
            breakers.isolate(circuit);
            self.dispatch(now);
        }
    }

    /// Changes how many attempts run at once. What runs goes on.
    pub fn set_concurrency(&mut self, concurrency: NonZeroU32, now: Instant) {
        self.lanes.set_limit(concurrency.get());
        self.dispatch(now);
    }

    /// Gives `lane` a limit of its own, as long as it lives. What runs goes on.
    pub fn limit_lane(&mut self, lane: Token, limit: NonZeroU32, now: Instant) {
        self.lanes.limit_lane(lane, limit.get());
        self.dispatch(now);
    }

    /// Lets no attempt begin, or lets them begin again. What runs goes on, and who waits is held to his deadlines.
    pub fn set_paused(&mut self, paused: bool, now: Instant) {
        self.lanes.set_paused(paused);
        self.dispatch(now);
    }

    /// How many attempts may run at once.
    pub fn concurrency(&self) -> u32 {
        self.lanes.limit()
    }

    /// How many attempts run.
    pub fn running(&self) -> u32 {
        self.lanes.running()
    }

    /// How many tasks wait for their turn.
    pub fn queued(&self) -> u32 {
        self.lanes.queued()
    }

    /// How many tasks sleep between attempts.
    pub fn sleeping(&self) -> u32 {
        self.sleeping
    }

    /// How many lanes have tasks.
    pub fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// Where a task is on its way; `None` when it has ended.
    pub fn standing(&self, task: Token) -> Option<Standing> {
        self.tasks.get(task).map(|task| match task.phase {
            Phase::Queued => Standing::Queued,
            Phase::Running => Standing::Running,
            Phase::Backoff { .. } => Standing::Asleep,
        })
    }

    fn waiting(&self) -> u32 {
        self.lanes.queued() + self.sleeping
    }

    /// Whether a task that is queued in `lane` now would begin within the call.
    fn begins_at_once(&mut self, lane: Option<Token>, weight: u32, now: Instant) -> bool {
        self.lanes.has_room(lane, weight) && self.lanes.nobody_is_ready() && self.gate.is_open(now)
    }

    fn refusal(&mut self, circuit: Option<Token>, now: Instant) -> Option<CircuitRefusal> {
        self.breakers.as_mut()?.refusal(circuit?, now)
    }

    /// What was said of a task that has been cancelled since is not worth saying. A broken-off attempt and an end are
    /// always news: they are made where the state changes.
    fn is_current(&self, action: &Action) -> bool {
        match *action {
            Action::Start { task, attempt } => {
                self.tasks.get(task).is_some_and(|task| task.phase == Phase::Running && task.attempt() == attempt)
            }
            Action::Abort { task, .. } => self.tasks.get(task).is_some(),
            Action::Expire { .. } | Action::Refuse { .. } | Action::Limit(_) | Action::Circuit { .. } => true,
        }
    }

    /// Ends the holds whose time has come. Whether there were any.
    fn let_go(&mut self, now: Instant) -> bool {
        let mut any = false;
        while !self.holds.is_empty()
            && let Some(slot) = self.holds.poll(now, &mut u32::MAX.clone())
        {
            self.lanes.let_go(slot);
            any = true;
        }
        any
    }

    /// Recounts everything that is kept up step by step.
    #[cfg(test)]
    fn validate(&self) {
        let mut lanes = std::collections::BTreeMap::new();
        let (mut queued, mut sleeping) = (0, 0);
        for (token, task) in self.tasks.iter() {
            let (members, active) = lanes.entry(task.lane).or_insert((0, 0));
            *members += 1;
            *active += u32::from(task.phase == Phase::Running) * task.limits.weight.get();
            queued += u32::from(task.phase == Phase::Queued);
            sleeping += u32::from(matches!(task.phase, Phase::Backoff { .. }));
            assert_eq!(self.wheel.due(token.slot()).unwrap_or(Instant::NEVER), task.due());
            assert_eq!(task.phase == Phase::Queued, self.lanes.waiting(task.lane).contains(&token.slot()));
        }
        assert_eq!((queued, sleeping), (self.lanes.queued(), self.sleeping));
        assert!(self.wheel.len() <= self.tasks.len());
        self.lanes.validate(&lanes);
    }
}
