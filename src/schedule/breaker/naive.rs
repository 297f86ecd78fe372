//! What a circuit should do, said naively: it keeps every call it has seen and counts them anew each time.

use super::{CircuitState, MILLION, Rules, Verdict, WindowKind};

/// A call that was let through and has not been heard of yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lease {
    phase: u32,
}

#[derive(Clone, Debug)]
enum Phase {
    Closed { seen: Vec<(u64, bool, bool)> },
    Open { until: u64 },
    Probing { since: u64, out: u32, went: Vec<bool> },
}

#[derive(Clone, Debug)]
pub(super) struct Naive {
    phase: Phase,
    number: u32,
    /// How often it has opened without closing in between, but for the first time.
    failed_probings: u32,
    isolations: u32,
}

impl Naive {
    pub(super) fn new() -> Self {
        Self { phase: Phase::Closed { seen: Vec::new() }, number: 0, failed_probings: 0, isolations: 0 }
    }

    fn open_for(&self, rules: &Rules) -> u64 {
        (0..self.failed_probings).fold(rules.open_for.as_millis(), |span, _| {
            ((u128::from(span) * u128::from(rules.open_factor) / u128::from(MILLION)) as u64)
                .min(rules.max_open.as_millis())
        })
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.number += 1;
    }

    fn look(&mut self, rules: &Rules, now: u64) {
        if let Phase::Probing { since, .. } = self.phase {
            let end = since + rules.max_half_open.as_millis();
            if now >= end {
                let until = end + self.open_for(rules);
                self.enter(Phase::Open { until });
            }
        }
    }

    pub(super) fn admit(&mut self, rules: &Rules, now: u64) -> Option<Lease> {
        self.look(rules, now);
        if self.isolations > 0 {
            return None;
        }
        match &self.phase {
            Phase::Open { until } if now < *until => return None,
            Phase::Open { .. } => self.enter(Phase::Probing { since: now, out: 0, went: Vec::new() }),
            _ => {}
        }
        if let Phase::Probing { out, went, .. } = &mut self.phase {
            if *out + went.len() as u32 == rules.probes.get() {
                return None;
            }
            *out += 1;
        }
        Some(Lease { phase: self.number })
    }

    pub(super) fn settle(&mut self, rules: &Rules, lease: Lease, verdict: Verdict, took: u64, now: u64) {
        self.look(rules, now);
        if lease.phase != self.number {
            return;
        }
        let slow = took >= rules.slow_after.as_millis();
        match &mut self.phase {
            Phase::Open { .. } => panic!("nobody is let through while it is open"),
            Phase::Closed { seen } => {
                if verdict == Verdict::Ignored {
                    return;
                }
                seen.push((now, verdict == Verdict::Failure, slow));
                if trips(rules, seen, now) {
                    let until = now + self.open_for(rules);
                    self.enter(Phase::Open { until });
                }
            }
            Phase::Probing { out, went, .. } => {
                *out -= 1;
                if verdict != Verdict::Ignored {
                    went.push(verdict == Verdict::Success && !slow);
                }
                let passed = went.iter().filter(|&&well| well).count() as u64;
                let failed = went.len() as u64 - passed;
                let probes = u64::from(rules.probes.get());
                // Decided as soon as what is still to come cannot change it.
                let needed = (1..=probes)
                    .find(|&count| count * u64::from(MILLION) >= probes * u64::from(rules.probe_ratio))
                    .unwrap_or(probes);
                if passed >= needed {
                    self.reset_counts();
                } else if probes - failed < needed {
                    self.failed_probings += 1;
                    let until = now + self.open_for(rules);
                    self.enter(Phase::Open { until });
                }
            }
        }
    }

    fn reset_counts(&mut self) {
        self.failed_probings = 0;
        self.enter(Phase::Closed { seen: Vec::new() });
    }

    pub(super) fn isolate(&mut self) {
        self.isolations += 1;
    }

    pub(super) fn release(&mut self) {
        self.isolations = self.isolations.saturating_sub(1);
    }

    pub(super) fn reset(&mut self) {
        self.isolations = 0;
        self.reset_counts();
    }

    pub(super) fn state(&mut self, rules: &Rules, now: u64) -> CircuitState {
        self.look(rules, now);
        match self.phase {
            _ if self.isolations > 0 => CircuitState::Isolated,
            Phase::Closed { .. } => CircuitState::Closed,
            Phase::Open { until } if now < until => {
                CircuitState::Open { until: crate::time::Instant::from_millis(until) }
            }
            _ => CircuitState::HalfOpen,
        }
    }

    /// Probes that are out or have been heard of.
    pub(super) fn probes(&self) -> u32 {
        if let Phase::Probing { out, went, .. } = &self.phase { *out + went.len() as u32 } else { 0 }
    }
}

fn trips(rules: &Rules, seen: &[(u64, bool, bool)], now: u64) -> bool {
    let judged: Vec<_> = match rules.window {
        WindowKind::Consecutive => {
            let run = seen.iter().rev().take_while(|(_, failed, slow)| *failed || *slow).count() as u32;
            return run > 0 && run >= rules.minimum_calls;
        }
        WindowKind::Count(size) => seen.iter().rev().take(size.get() as usize).collect(),
        WindowKind::Time(span) => {
            let tenth = span.as_millis().div_ceil(10).max(1);
            seen.iter().filter(|(at, ..)| now / tenth - at / tenth < 10).collect()
        }
    };
    let reaches =
        |count: usize, ratio: u32| count > 0 && count as f64 / judged.len() as f64 >= f64::from(ratio) / 1e6 - 1e-12;
    let failed = judged.iter().filter(|(_, failed, _)| *failed).count();
    let slow = judged.iter().filter(|(.., slow)| *slow).count();
    judged.len() as u32 >= rules.minimum_calls
        && (reaches(failed, rules.failure_ratio) || reaches(slow, rules.slow_ratio))
}
