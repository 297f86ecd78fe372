//! Circuit breakers by key: after too many failures the calls of a key are refused for a while, then some are let through and decide.
//!
//! (Nygard, "Release It!", 2007; windows and slow calls as in resilience4j.) Every operation is O(1), whatever the size
//! of a window, and there is no timer: states follow from times. A probe in half-open is a lease. It comes back when
//! its call is ignored, and ends with the state when its call is never heard of again; so half-open always ends. Keys
//! are bounded: those that are not used for long, and are not open, make room.

mod circuit;
#[cfg(test)]
mod model;
#[cfg(test)]
mod naive;
mod window;

use crate::slab::{Links, Slab, Token};
use crate::time::{Duration, Instant};
use circuit::Circuit;
use std::collections::VecDeque;
use std::num::NonZeroU32;
pub use window::{Tally, WindowKind};

/// A millionth of something, for ratios that are compared exactly.
pub const MILLION: u32 = 1_000_000;

/// When a circuit opens, for how long, and how it closes. The same for all circuits of a [`Breakers`].
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Which calls are judged together.
    pub window: WindowKind,
    /// It opens when so many millionths of them failed.
    pub failure_ratio: u32,
    /// It judges no fewer calls.
    pub minimum_calls: u32,
    /// A call that takes so long is slow.
    pub slow_after: Duration,
    /// It opens when so many millionths of the calls were slow.
    pub slow_ratio: u32,
    /// How long it stays open at first.
    pub open_for: Duration,
    /// By what that grows, in millionths, each time that the probes fail.
    pub open_factor: u64,
    /// The longest that it stays open.
    pub max_open: Duration,
    /// Calls that are let through in half-open.
    pub probes: NonZeroU32,
    /// It closes when so many millionths of them succeed.
    pub probe_ratio: u32,
    /// Half-open lasts no longer; without a verdict the circuit then opens again.
    pub max_half_open: Duration,
    /// A circuit that is not used for so long makes room.
    pub idle_after: Duration,
    /// There are never more circuits.
    pub max_circuits: NonZeroU32,
}

/// What lets one call through, to be given back with its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit(pub u32);

/// How a call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Well.
    Success,
    /// Badly.
    Failure,
    /// In a way that says nothing about whoever was called.
    Ignored,
}

/// A call may not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// When one may, as far as is known.
    pub retry_at: Instant,
    /// Whether somebody has isolated the circuit.
    pub isolated: bool,
}

/// The state of a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CircuitState {
    /// Calls go through.
    Closed,
    /// None does, until then.
    Open {
        /// When the next one may.
        until: Instant,
    },
    /// Some do, and decide.
    HalfOpen,
    /// None does, since somebody wants it so.
    Isolated,
}

/// Why a circuit opened or closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Too many calls failed.
    Failures,
    /// Too many calls were slow.
    SlowCalls,
    /// Too many probes failed.
    ProbesFailed,
    /// Enough probes succeeded.
    ProbesPassed,
}

/// See the top of this file.
#[derive(Clone, Debug)]
pub struct Breakers {
    rules: Rules,
    circuits: Slab<Entry>,
    /// The circuits in the order of their last use.
    order: Links,
    forgotten: VecDeque<Token>,
}

#[derive(Clone, Debug)]
struct Entry {
    circuit: Circuit,
    used: Instant,
}

const BY_USE: u32 = 0;
/// How many of those not used for longest are looked at when room is needed.
const LOOKED_AT: usize = 4;

impl Breakers {
    /// No circuits yet.
    pub fn new(rules: Rules) -> Self {
        Self { rules, circuits: Slab::default(), order: Links::new(1), forgotten: VecDeque::new() }
    }

    /// A new circuit, closed. Others may have to make room: see [`Breakers::poll_forgotten`].
    pub fn add(&mut self, now: Instant) -> Token {
        self.insert(Circuit::new(&self.rules), now)
    }

    /// A circuit as it was when it was saved, `elapsed` ago, under rules with the same window.
    pub fn restore(&mut self, saved: &[f64], elapsed: Duration, now: Instant) -> Option<Token> {
        let circuit = Circuit::restore(&self.rules, saved, elapsed, now)?;
        Some(self.insert(circuit, now))
    }

    /// A circuit as numbers, for [`Breakers::restore`]. How it is isolated is not among them.
    pub fn save(&mut self, circuit: Token, now: Instant) -> Option<Vec<f64>> {
        self.circuits.get_mut(circuit).map(|entry| entry.circuit.save(now))
    }

    /// A circuit that has made room for others. Its name means nothing from now on.
    pub fn poll_forgotten(&mut self) -> Option<Token> {
        self.forgotten.pop_front()
    }

    /// Lets a call through, or says when one may. A forgotten circuit lets everyone through.
    pub fn admit(&mut self, circuit: Token, now: Instant) -> Result<Permit, Refusal> {
        self.touch(circuit, now);
        let entry = self.circuits.get_mut(circuit);
        entry.map_or(Ok(Permit(u32::MAX)), |entry| entry.circuit.admit(&self.rules, now))
    }

    /// What [`Breakers::admit`] would refuse.
    pub fn refusal(&mut self, circuit: Token, now: Instant) -> Option<Refusal> {
        self.circuits.get_mut(circuit)?.circuit.refusal(&self.rules, now)
    }

    /// Tells the outcome of a call that was let through, and how long it took; why the circuit has changed, if it has.
    pub fn settle(
        &mut self,
        circuit: Token,
        permit: Permit,
        verdict: Verdict,
        took: Duration,
        now: Instant,
    ) -> Option<Cause> {
        self.circuits.get_mut(circuit)?.circuit.settle(&self.rules, permit, verdict, took, now)
    }

    /// The state of a circuit.
    pub fn state(&mut self, circuit: Token, now: Instant) -> Option<CircuitState> {
        Some(self.circuits.get_mut(circuit)?.circuit.state(now))
    }

    /// What the window of a circuit holds.
    pub fn tally(&mut self, circuit: Token, now: Instant) -> Option<Tally> {
        Some(self.circuits.get_mut(circuit)?.circuit.tally(now))
    }

    /// When a circuit lets somebody through that refuses everyone now. Changes nothing.
    pub fn shut_until(&self, circuit: Token, now: Instant) -> Option<Instant> {
        let mut circuit = self.circuits.get(circuit)?.circuit.clone();
        circuit.refusal(&self.rules, now).map(|refusal| refusal.retry_at)
    }

    /// Refuses all calls until this has been taken back as often as it was asked for, or the circuit is reset.
    pub fn isolate(&mut self, circuit: Token) {
        if let Some(entry) = self.circuits.get_mut(circuit) {
            entry.circuit.isolate();
        }
    }

    /// Takes one isolation back.
    pub fn release(&mut self, circuit: Token) {
        if let Some(entry) = self.circuits.get_mut(circuit) {
            entry.circuit.release();
        }
    }

    /// Closes a circuit and forgets what it has seen.
    pub fn reset(&mut self, circuit: Token) {
        if let Some(entry) = self.circuits.get_mut(circuit) {
            entry.circuit.reset(&self.rules);
        }
    }

    /// How many circuits there are.
    pub fn len(&self) -> usize {
        self.circuits.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.circuits.is_empty()
    }

    fn insert(&mut self, circuit: Circuit, now: Instant) -> Token {
        self.make_room(now);
        let token = self.circuits.insert(Entry { circuit, used: now });
        self.order.push_back(BY_USE, token.slot());
        token
    }

    fn touch(&mut self, circuit: Token, now: Instant) {
        let Some(entry) = self.circuits.get_mut(circuit) else { return };
        // To be exact within a part of the idle time is enough, and spares the list most of its work.
        if now.since(entry.used).as_millis() > self.rules.idle_after.as_millis() / 16 {
            entry.used = now;
            self.order.unlink(circuit.slot());
            self.order.push_back(BY_USE, circuit.slot());
        }
    }

    /// Two leave for one that comes, as long as some are idle. When there are too many, one has to leave: rather one that is closed and
    /// has seen no failure, so that a flood of new keys does not set free an old one that is held.
    fn make_room(&mut self, now: Instant) {
        for _ in 0..2 {
            let Some(first) = self.first() else { break };
            let idle = |entry: &&Entry| now.since(entry.used) > self.rules.idle_after && entry.circuit.is_at_rest(now);
            if self.circuits.get(first).filter(idle).is_none() {
                break;
            }
            self.forget(first);
        }
        if self.circuits.len() < self.rules.max_circuits.get() as usize {
            return;
        }
        let mut worst = None;
        for _ in 0..LOOKED_AT {
            let Some(first) = self.first() else { break };
            let Some(entry) = self.circuits.get_mut(first) else { break };
            let merit = match entry.circuit.state(now) {
                CircuitState::Closed if entry.circuit.tally(now).failed == 0 => 0,
                CircuitState::Closed => 1,
                CircuitState::HalfOpen => 2,
                CircuitState::Open { .. } => 3,
                CircuitState::Isolated => 4,
            };
            if worst.is_none_or(|(least, _)| merit < least) {
                worst = Some((merit, first));
            }
            self.order.unlink(first.slot());
            self.order.push_back(BY_USE, first.slot());
        }
        if let Some((_, token)) = worst {
            self.forget(token);
        }
    }

    fn first(&self) -> Option<Token> {
        self.circuits.token_at(self.order.front(BY_USE)?)
    }

    fn forget(&mut self, circuit: Token) {
        self.order.unlink(circuit.slot());
        self.circuits.remove(circuit);
        self.forgotten.push_back(circuit);
    }
}

impl Rules {
    fn judge(&self, tally: Tally) -> Option<Cause> {
        let reaches =
            |count: u32, ratio: u32| u64::from(count) * u64::from(MILLION) >= u64::from(ratio) * u64::from(tally.calls);
        if tally.calls < self.minimum_calls {
            return None;
        }
        if self.window == WindowKind::Consecutive {
            return (tally.calls > 0).then_some(if tally.failed > 0 { Cause::Failures } else { Cause::SlowCalls });
        }
        if tally.failed > 0 && reaches(tally.failed, self.failure_ratio) {
            return Some(Cause::Failures);
        }
        (tally.slow > 0 && reaches(tally.slow, self.slow_ratio)).then_some(Cause::SlowCalls)
    }

    /// How many probes have to succeed: at least one, and no more than there are.
    fn probes_to_pass(&self) -> u32 {
        let needed = (u64::from(self.probes.get()) * u64::from(self.probe_ratio)).div_ceil(u64::from(MILLION));
        (needed as u32).clamp(1, self.probes.get())
    }

    fn longer(&self, open_for: Duration) -> Duration {
        let grown = u128::from(open_for.as_millis()) * u128::from(self.open_factor) / u128::from(MILLION);
        Duration::from_millis(u64::try_from(grown).unwrap_or(u64::MAX)).min(self.max_open)
    }
}
