//! How many calls at the same time are good for whoever is called: found out by their latency and by what it refuses.
//!
//! The gradient is Vegas' estimate of the queue (Brakmo and Peterson, 1995; Netflix' concurrency-limits): of `limit` calls, `limit · (1 - base / now)`
//! wait there. The base is not the least that was ever seen, nor an average, which an incident would drag up with it: now and
//! then the limit is halved for a few calls, and what they take is the base (BBR's probe of the round-trip time; Cardwell
//! et al., 2016). A refusal (429, 503) or a timeout lowers the limit at once, whatever the latency. AIMD looks at nothing else.

#[cfg(test)]
mod simulation;
mod window;

use crate::time::{Duration, Instant};
use window::Window;

/// What makes the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Latency and refusals.
    Gradient,
    /// Refusals alone: one more in each window, and a tenth less at each refusal.
    Aimd,
}

/// Between what the limit lies, and how it moves.
#[derive(Clone, Copy, Debug)]
pub struct AdaptiveRules {
    /// See [`Algorithm`].
    pub algorithm: Algorithm,
    /// The least limit, at least 1.
    pub min: u32,
    /// The greatest.
    pub max: u32,
    /// The first.
    pub initial: u32,
    /// Calls that take longer are a sign of too many, whatever the base.
    pub max_healthy_latency: Duration,
    /// The limit is at most so many times what is in use.
    pub max_limit_factor: u32,
}

/// How a call went, as far as the limit is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// It was served.
    Served,
    /// It was refused, or took too long: 429, 503, a timeout.
    Overload,
    /// It says nothing.
    Ignored,
}

/// Why the limit has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A call was refused or took too long.
    Overload,
    /// Calls took longer than `max_healthy_latency`.
    Unhealthy,
    /// Calls wait where they are sent.
    Queueing,
    /// They do not, and the limit is in use.
    Headroom,
    /// Much less is in use.
    Unused,
    /// For a few calls, to measure how long they take when nobody waits.
    Probe,
    /// That is known.
    Probed,
}

/// A change of the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitChange {
    /// The limit before.
    pub from: u32,
    /// The limit from now on.
    pub to: u32,
    /// Why.
    pub reason: Reason,
}

/// See the top of this file.
#[derive(Clone, Debug)]
pub struct Adaptive {
    rules: AdaptiveRules,
    limit: f64,
    /// The latency of calls for which nobody waits, in milliseconds.
    base: Option<f64>,
    /// The latency lately.
    smooth: Option<f64>,
    window: Window,
    /// Since when calls are looked at, after a change: those before were under the old limit.
    since: Instant,
    /// How many are not looked at even then: of those that begin together the short ones end first.
    skipped: u32,
    probe: Option<Probe>,
    probed_at: Instant,
    has_probed: bool,
    queueing: u32,
    /// Before the first sign of a queue it doubles.
    is_starting: bool,
}

#[derive(Clone, Debug)]
struct Probe {
    limit: u32,
    /// When no more ran than that; calls from then on count.
    drained: Option<Instant>,
    skipped: u32,
    began: Instant,
    took: Vec<f64>,
}

const FEWEST_PROBED: usize = 5;
const BETWEEN_PROBES: Duration = Duration::from_millis(30_000);
const SOONEST_PROBE: Duration = Duration::from_millis(5000);
/// A probe that measures nothing ends.
const LONGEST_PROBE: Duration = Duration::from_millis(10_000);

impl Adaptive {
    /// Nothing is known yet.
    pub fn new(rules: AdaptiveRules, now: Instant) -> Self {
        let min = rules.min.max(1);
        let rules = AdaptiveRules { min, max: rules.max.max(min), ..rules };
        Self {
            rules,
            limit: f64::from(rules.initial.max(min).min(rules.max)),
            base: None,
            smooth: None,
            window: Window::new(now),
            since: now,
            skipped: rules.initial.saturating_mul(2),
            probe: None,
            probed_at: now,
            has_probed: false,
            queueing: 0,
            is_starting: true,
        }
    }

    /// How many calls may run at the same time.
    pub fn limit(&self) -> u32 {
        self.probe.as_ref().map_or(self.limit as u32, |probe| probe.limit)
    }

    /// The latency of calls for which nobody waits, in milliseconds, as far as it is known.
    pub fn base(&self) -> Option<f64> {
        self.base
    }

    /// A call is over; it took so many milliseconds, and with it `inflight` ran.
    pub fn record(&mut self, took: f64, inflight: u32, load: Load, now: Instant) -> Option<LimitChange> {
        let from = self.limit();
        let reason = match load {
            Load::Ignored => None,
            Load::Overload => self.overload(took, now),
            Load::Served if self.rules.algorithm == Algorithm::Aimd => self.count(took, inflight, now),
            Load::Served if self.probe.is_some() => self.look(took, inflight, now),
            Load::Served => self.weigh(took, inflight, now),
        }?;
        let to = self.limit();
        (to != from).then_some(LimitChange { from, to, reason })
    }

    /// A tenth less, at most once in the time that a call takes: what is under way already had no chance to know.
    fn overload(&mut self, took: f64, now: Instant) -> Option<Reason> {
        if began(took, now) < self.since {
            return None;
        }
        self.probe = None;
        self.is_starting = false;
        self.lower(0.9, now);
        Some(Reason::Overload)
    }

    fn count(&mut self, took: f64, inflight: u32, now: Instant) -> Option<Reason> {
        if took > self.rules.max_healthy_latency.as_millis() as f64 {
            return self.overload(took, now).map(|_| Reason::Unhealthy);
        }
        let seen = self.window.add(took, inflight, self.limit as u32, now)?;
        (u64::from(seen.inflight) * 2 >= self.limit as u64).then(|| self.raise(1.0))
    }

    fn weigh(&mut self, took: f64, inflight: u32, now: Instant) -> Option<Reason> {
        if began(took, now) < self.since {
            return None;
        }
        if self.skipped > 0 {
            self.skipped -= 1;
            return None;
        }
        let seen = self.window.add(took, inflight, self.limit as u32, now)?;
        // The latest windows count most; a sudden change counts in full within a few of them.
        let smooth = self.smooth.map_or(seen.latency, |before| before + (seen.latency - before) * 0.4);
        self.smooth = Some(smooth);
        let base = self.base.map_or(smooth, |base| base + (smooth - base) * self.trust(smooth, base));
        self.base = Some(base);
        if smooth > self.rules.max_healthy_latency.as_millis() as f64 {
            self.is_starting = false;
            self.lower(0.8, now);
            return Some(Reason::Unhealthy);
        }
        let queue = self.limit * (1.0 - base / smooth);
        let (few, many) = ((self.limit * 0.05).max(0.5), (self.limit * 0.12).max(1.2));
        if queue > few {
            self.is_starting = false;
        }
        self.queueing = if queue > many { self.queueing + 1 } else { 0 };
        let since_probe = now.since(self.probed_at);
        let suspects = self.queueing >= 3 && since_probe >= SOONEST_PROBE;
        let between = if self.has_probed { BETWEEN_PROBES } else { SOONEST_PROBE };
        if (suspects || since_probe >= between) && self.limit >= 2.0 {
            return Some(self.begin_probe(now));
        }
        if queue > many {
            // As much as waits, but no more than a quarter at once.
            self.lower((1.0 - queue / self.limit + 0.05).max(0.75), now);
            return Some(Reason::Queueing);
        }
        if (u64::from(seen.inflight) * 2) < self.limit as u64 {
            let most = f64::from(seen.inflight.max(1).saturating_mul(self.rules.max_limit_factor));
            if most < self.limit {
                self.limit = most.max(f64::from(self.rules.min));
                return Some(Reason::Unused);
            }
            return None;
        }
        (queue <= few).then(|| self.raise(if self.is_starting { self.limit } else { (self.limit * 0.05).max(1.0) }))
    }

    /// How much of what is seen goes into the base. Of many that are not exact, the least is less than any of them is meant to be; so a little
    /// less is hardly believed. Where two run, none of them waits for the others.
    fn trust(&self, smooth: f64, base: f64) -> f64 {
        match () {
            () if smooth < base * 0.8 => 0.5,
            () if self.limit < 3.0 => 0.2,
            () if smooth < base => 0.02,
            () => 0.0,
        }
    }

    fn begin_probe(&mut self, now: Instant) -> Reason {
        let limit = (self.limit as u32 / 2).max(1);
        self.probe = Some(Probe { limit, drained: None, skipped: limit * 2, began: now, took: Vec::new() });
        Reason::Probe
    }

    /// What is measured while half as many run.
    fn look(&mut self, took: f64, inflight: u32, now: Instant) -> Option<Reason> {
        let probe = self.probe.as_mut()?;
        match probe.drained {
            // The one that is over is among them.
            None if inflight <= probe.limit => probe.drained = Some(now),
            Some(drained) if began(took, now) >= drained && probe.skipped > 0 => probe.skipped -= 1,
            Some(drained) if began(took, now) >= drained => probe.took.push(took),
            _ => {}
        }
        let gives_up =
            now.since(probe.began) >= LONGEST_PROBE && now.since(probe.began).as_millis() as f64 > 20.0 * took;
        if probe.took.len() < window::calls_to_judge(probe.limit) && !gives_up {
            return None;
        }
        let took = std::mem::take(&mut probe.took);
        if took.len() >= FEWEST_PROBED {
            let found = window::usual(took);
            // What is nearly as before is the same, seen again; what is not is another.
            let same = self.base.filter(|base| (found - base).abs() < 0.3 * base);
            self.base = Some(same.map_or(found, |base| base + (found - base) * 0.4));
            self.smooth = None;
        }
        self.has_probed = true;
        self.probe = None;
        self.probed_at = now;
        self.queueing = 0;
        self.skipped = self.limit as u32;
        self.since = now;
        self.window = Window::new(now);
        Some(Reason::Probed)
    }

    fn raise(&mut self, by: f64) -> Reason {
        self.limit = (self.limit + by).min(f64::from(self.rules.max));
        Reason::Headroom
    }

    fn lower(&mut self, factor: f64, now: Instant) {
        // At least by one, so that small limits come down, too.
        let lower = (self.limit * factor).min(self.limit - 1.0);
        self.limit = lower.max(f64::from(self.rules.min));
        self.skipped = self.limit as u32;
        self.since = now;
        self.window = Window::new(now);
    }
}

fn began(took: f64, now: Instant) -> Instant {
    Instant::from_millis(now.as_millis().saturating_sub(took as u64))
}
