//! One circuit: closed, open, or half-open. Its state follows from times that were noted, never from a timer that might be lost.

use super::window::{Tally, Window};
use super::{Cause, CircuitState, Permit, Refusal, Rules, Verdict};
use crate::time::{Duration, Instant};

/// See the top of this file.
#[derive(Clone, Debug)]
pub(super) struct Circuit {
    state: State,
    /// Rises with every change of state: what was begun before says nothing about what is now.
    generation: u32,
    /// How long it stays open the next time.
    open_for: Duration,
    window: Window,
    isolations: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open { until: Instant },
    HalfOpen { ends: Instant, leased: u32, passed: u32, failed: u32 },
}

impl Circuit {
    pub(super) fn new(rules: &Rules) -> Self {
        let (open_for, window) = (rules.open_for, Window::new(rules.window));
        Self { state: State::Closed, generation: 0, open_for, window, isolations: 0 }
    }

    /// Whether a call may begin now, and if not, when one may.
    pub(super) fn refusal(&mut self, rules: &Rules, now: Instant) -> Option<Refusal> {
        if self.isolations > 0 {
            return Some(Refusal { retry_at: Instant::NEVER, isolated: true });
        }
        self.pass(now);
        let retry_at = match self.state {
            State::Closed => return None,
            State::Open { until } => until,
            State::HalfOpen { ends, leased, passed, failed } if leased + passed + failed >= rules.probes.get() => ends,
            State::HalfOpen { .. } => return None,
        };
        (retry_at > now).then_some(Refusal { retry_at, isolated: false })
    }

    /// Lets one call through, whose outcome is to be told.
    pub(super) fn admit(&mut self, rules: &Rules, now: Instant) -> Result<Permit, Refusal> {
        if let Some(refusal) = self.refusal(rules, now) {
            return Err(refusal);
        }
        if let State::Open { .. } = self.state {
            self.enter(State::HalfOpen { ends: now + rules.max_half_open, leased: 0, passed: 0, failed: 0 });
        }
        if let State::HalfOpen { leased, .. } = &mut self.state {
            *leased += 1;
        }
        Ok(Permit(self.generation))
    }

    /// The outcome of a call that was let through; why the state has changed, if it has.
    pub(super) fn settle(
        &mut self,
        rules: &Rules,
        permit: Permit,
        verdict: Verdict,
        took: Duration,
        now: Instant,
    ) -> Option<Cause> {
        self.pass(now);
        if permit.0 != self.generation {
            return None;
        }
        let slow = took >= rules.slow_after;
        match &mut self.state {
            State::Open { .. } => None,
            State::Closed if verdict == Verdict::Ignored => None,
            State::Closed => {
                let tally = self.window.record(verdict == Verdict::Failure, slow, now);
                let cause = rules.judge(tally)?;
                self.trip(now);
                Some(cause)
            }
            State::HalfOpen { leased, passed, failed, .. } => {
                *leased = leased.saturating_sub(1);
                match verdict {
                    Verdict::Ignored => return None,
                    Verdict::Success if !slow => *passed += 1,
                    _ => *failed += 1,
                }
                let (passed, failed, needed) = (*passed, *failed, rules.probes_to_pass());
                if passed >= needed {
                    self.close(rules);
                    return Some(Cause::ProbesPassed);
                }
                if failed <= rules.probes.get() - needed {
                    return None;
                }
                self.open_for = rules.longer(self.open_for);
                self.trip(now);
                Some(Cause::ProbesFailed)
            }
        }
    }

    /// What it is to those who look at it: open only as long as it refuses everyone.
    pub(super) fn state(&mut self, now: Instant) -> CircuitState {
        self.pass(now);
        match self.state {
            _ if self.isolations > 0 => CircuitState::Isolated,
            State::Closed => CircuitState::Closed,
            State::Open { until } if until > now => CircuitState::Open { until },
            State::Open { .. } | State::HalfOpen { .. } => CircuitState::HalfOpen,
        }
    }

    /// Refuses everyone until as many [`Circuit::release`] as this have been heard.
    pub(super) fn isolate(&mut self) {
        self.isolations += 1;
    }

    pub(super) fn release(&mut self) {
        self.isolations = self.isolations.saturating_sub(1);
    }

    pub(super) fn reset(&mut self, rules: &Rules) {
        self.isolations = 0;
        self.close(rules);
    }

    pub(super) fn tally(&mut self, now: Instant) -> Tally {
        self.window.tally(now)
    }

    /// Whether a new one would do as well, once it has not been used for long.
    pub(super) fn is_at_rest(&self, now: Instant) -> bool {
        self.isolations == 0 && !matches!(self.state, State::Open { until } if until > now)
    }

    /// The state and the time left of it, the next open time, and the window.
    pub(super) fn save(&mut self, now: Instant) -> Vec<f64> {
        self.pass(now);
        let (state, left) = match self.state {
            State::Closed => (0.0, 0.0),
            State::Open { until } => (1.0, until.since(now).as_millis() as f64),
            // Whoever comes back finds none of the probes; it begins anew.
            State::HalfOpen { .. } => (1.0, 0.0),
        };
        let mut saved = vec![state, left, self.open_for.as_millis() as f64];
        self.window.save(now, &mut saved);
        saved
    }

    /// What was saved `elapsed` ago; `None` when it says nothing that can be meant.
    pub(super) fn restore(rules: &Rules, saved: &[f64], elapsed: Duration, now: Instant) -> Option<Self> {
        let ([state, left, open_for], window) = saved.split_first_chunk()?;
        let window = Window::restore(rules.window, window, elapsed, now);
        let left = Duration::from_millis((*left as u64).min(rules.max_open.as_millis()));
        let until = Instant::from_millis(now.as_millis() + left.as_millis().saturating_sub(elapsed.as_millis()));
        let state = if *state == 1.0 { State::Open { until } } else { State::Closed };
        let open_for = Duration::from_millis(*open_for as u64).max(rules.open_for).min(rules.max_open);
        Some(Self { state, generation: 0, open_for, window, isolations: 0 })
    }

    /// Half-open ends, verdict or not: a probe whose outcome is never told holds nobody up for longer.
    fn pass(&mut self, now: Instant) {
        if let State::HalfOpen { ends, .. } = self.state
            && ends <= now
        {
            self.enter(State::Open { until: ends + self.open_for });
        }
    }

    fn trip(&mut self, now: Instant) {
        self.enter(State::Open { until: now + self.open_for });
    }

    fn close(&mut self, rules: &Rules) {
        self.enter(State::Closed);
        self.open_for = rules.open_for;
        self.window = Window::new(rules.window);
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.generation = self.generation.wrapping_add(1);
    }
}
