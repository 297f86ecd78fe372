//! Circuits against the naive one: every interleaving of a few calls, and long random runs.
//! `SHELFLIFE_BREAKER_EVENTS` says how many random events (default: 200 000).

use super::naive::{Lease, Naive};
use super::{Breakers, CircuitState, MILLION, Permit, Rules, Verdict, WindowKind};
use crate::rng::Rng;
use crate::slab::Token;
use crate::time::{Duration, Instant};
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroU32;

const VERDICTS: [Verdict; 3] = [Verdict::Success, Verdict::Failure, Verdict::Ignored];

fn some(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).expect("not zero")
}

fn ms(span: u64) -> Duration {
    Duration::from_millis(span)
}

fn rules(window: WindowKind) -> Rules {
    Rules {
        window,
        failure_ratio: MILLION / 2,
        minimum_calls: 2,
        slow_after: Duration::FOREVER,
        slow_ratio: MILLION,
        open_for: ms(100),
        open_factor: 2 * u64::from(MILLION),
        max_open: ms(300),
        probes: some(2),
        probe_ratio: MILLION,
        max_half_open: ms(50),
        idle_after: Duration::FOREVER,
        max_circuits: NonZeroU32::MAX,
    }
}

/// A circuit, the naive one, and the calls that both have let through.
#[derive(Clone)]
struct World {
    machine: Breakers,
    circuit: Token,
    rules: Rules,
    naive: Naive,
    now: u64,
    out: Vec<(Permit, Lease, u64)>,
}

impl World {
    fn new(rules: Rules) -> Self {
        let mut machine = Breakers::new(rules);
        let circuit = machine.add(Instant::ZERO);
        Self { machine, circuit, rules, naive: Naive::new(), now: 0, out: Vec::new() }
    }

    fn at(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    fn begin(&mut self) -> bool {
        let expected = self.naive.admit(&self.rules, self.now);
        let foreseen = self.machine.refusal(self.circuit, self.at());
        match (self.machine.admit(self.circuit, self.at()), expected) {
            (Ok(permit), Some(lease)) => {
                assert_eq!(foreseen, None);
                self.out.push((permit, lease, self.now));
            }
            (Err(refusal), None) => {
                assert_eq!(foreseen, Some(refusal));
                assert!(refusal.retry_at > self.at());
                return false;
            }
            (given, expected) => panic!("{given:?}, where {expected:?} was expected"),
        }
        assert!(self.naive.probes() <= self.rules.probes.get(), "never over-admits");
        true
    }

    fn end(&mut self, call: usize, verdict: Verdict) {
        let (permit, lease, since) = self.out.swap_remove(call);
        let took = self.now - since;
        self.naive.settle(&self.rules, lease, verdict, took, self.now);
        let before = self.machine.state(self.circuit, self.at());
        let cause = self.machine.settle(self.circuit, permit, verdict, ms(took), self.at());
        if before != Some(CircuitState::Isolated) {
            assert_eq!(cause.is_some(), before != self.machine.state(self.circuit, self.at()));
        }
    }

    fn compare(&mut self) {
        let state = self.machine.state(self.circuit, self.at());
        assert_eq!(state, Some(self.naive.state(&self.rules, self.now)));
    }

    /// Whatever became of its calls, a circuit lets somebody through in the end: nobody who is out holds it up.
    fn assert_never_stuck(&self) {
        let mut later = self.clone();
        if later.machine.state(later.circuit, later.at()) == Some(CircuitState::Isolated) {
            return;
        }
        later.now += self.rules.max_half_open.as_millis() + self.rules.max_open.as_millis();
        assert!(later.begin(), "stuck");
    }
}

/// What a world will do from here on, whatever has led to it: without the numbers of its generations, and without telling calls apart of
/// which nobody wants to know any more.
fn essence(world: &World, calls: u32, pauses: u32) -> u64 {
    let machine = format!("{:?}", world.machine);
    let (before, rest) = machine.split_once("generation: ").expect("a generation");
    let (generation, after) = rest.split_once(',').expect("more fields");
    let generation: u32 = generation.parse().expect("a number");
    let mut out: Vec<bool> = world.out.iter().map(|(permit, ..)| permit.0 == generation).collect();
    out.sort_unstable();
    let mut hasher = DefaultHasher::new();
    (before, after, out, calls, pauses, world.now).hash(&mut hasher);
    hasher.finish()
}

/// Everything that six calls can do to a circuit: each begins at some time and ends well, badly, ignored or never, while time passes in steps
/// that let it go from state to state.
fn explore(rules: Rules, calls: u32, pauses: u32) -> usize {
    let mut seen = HashSet::new();
    let mut ahead = vec![(World::new(rules), calls, pauses)];
    while let Some((mut world, calls, pauses)) = ahead.pop() {
        world.compare();
        if !seen.insert(essence(&world, calls, pauses)) {
            continue;
        }
        world.assert_never_stuck();
        if calls > 0 {
            let mut next = world.clone();
            next.begin();
            ahead.push((next, calls - 1, pauses));
        }
        for call in 0..world.out.len() {
            for verdict in VERDICTS {
                let mut next = world.clone();
                next.end(call, verdict);
                ahead.push((next, calls, pauses));
            }
        }
        if pauses > 0 {
            for span in [50, 100] {
                let mut next = world.clone();
                next.now += span;
                ahead.push((next, calls, pauses - 1));
            }
        }
    }
    seen.len()
}

#[test]
fn half_open_every_interleaving_of_six_calls_never_sticks_and_never_over_admits() {
    let mut states = 0;
    for window in [WindowKind::Consecutive, WindowKind::Count(some(3)), WindowKind::Time(ms(100))] {
        for (probes, probe_ratio) in [(1, MILLION), (2, MILLION), (3, MILLION / 2)] {
            let minimum_calls = if window == WindowKind::Consecutive { 1 } else { 2 };
            states += explore(
                Rules { probes: some(probes), probe_ratio, minimum_calls, ..rules(window) },
                6,
                if probes == 2 { 3 } else { 2 },
            );
        }
    }
    assert!(states > 30_000, "{states}");
}

fn random_rules(rng: &mut Rng) -> Rules {
    let window = match rng.between(0, 2) {
        0 => WindowKind::Consecutive,
        1 => WindowKind::Count(some(rng.between(1, 40) as u32)),
        _ => WindowKind::Time(ms(rng.between(1, 500))),
    };
    let mut ratio = || rng.between(1, 10) as u32 * MILLION / 10;
    let (failure_ratio, slow_ratio, probe_ratio) = (ratio(), ratio(), ratio());
    let slow_after = if rng.between(0, 1) == 0 { Duration::FOREVER } else { ms(rng.between(1, 60)) };
    Rules {
        window,
        failure_ratio,
        slow_ratio,
        probe_ratio,
        slow_after,
        minimum_calls: rng.between(1, 12) as u32,
        open_for: ms(rng.between(1, 200)),
        open_factor: rng.between(10, 30) * u64::from(MILLION) / 10,
        max_open: ms(rng.between(200, 900)),
        probes: some(rng.between(1, 5) as u32),
        max_half_open: ms(rng.between(1, 200)),
        idle_after: Duration::FOREVER,
        max_circuits: NonZeroU32::MAX,
    }
}

#[test]
fn half_open_random_events_never_stick_and_never_over_admit() {
    let events = std::env::var("SHELFLIFE_BREAKER_EVENTS").ok().and_then(|given| given.parse().ok());
    let mut left: u64 = events.unwrap_or(200_000);
    let mut rng = Rng::new(2026);
    let mut causes = HashSet::new();
    while left > 0 {
        let rules = random_rules(&mut rng);
        let healthy = rng.between(0, 100);
        let mut world = World::new(rules);
        for _ in 0..left.min(300) {
            left -= 1;
            match rng.between(0, 99) {
                0..40 => {
                    world.begin();
                }
                40..80 if !world.out.is_empty() => {
                    let call = rng.between(0, world.out.len() as u64 - 1) as usize;
                    let well = rng.between(0, 99) < healthy;
                    let verdict = if rng.between(0, 9) == 0 { Verdict::Ignored } else { VERDICTS[usize::from(!well)] };
                    world.end(call, verdict);
                }
                80..82 => {
                    // Some are never heard of again.
                    world.out.pop();
                }
                82..97 => world.now += rng.between(0, 80),
                97 => {
                    world.machine.isolate(world.circuit);
                    world.naive.isolate();
                }
                98 => {
                    world.machine.release(world.circuit);
                    world.naive.release();
                }
                _ if rng.between(0, 3) == 0 => {
                    world.machine.reset(world.circuit);
                    world.naive.reset();
                }
                _ => {}
            }
            world.compare();
            causes
                .insert(std::mem::discriminant(&world.machine.state(world.circuit, world.at()).expect("it is there")));
        }
        world.assert_never_stuck();
    }
    assert_eq!(causes.len(), 4, "every state has been seen");
}

#[test]
fn what_is_restored_does_what_the_saved_one_would_have_done() {
    let mut rng = Rng::new(7);
    for round in 0..2000 {
        let rules = random_rules(&mut rng);
        let mut saved = Breakers::new(rules);
        let one = saved.add(Instant::ZERO);
        // On a whole number of tenths, so that both timelines cut the window at the same places.
        let mut now = 0;
        for _ in 0..rng.between(0, 200) {
            now += rng.between(0, 9);
            let Ok(permit) = saved.admit(one, Instant::from_millis(now)) else { continue };
            let verdict = VERDICTS[rng.between(0, 1) as usize];
            saved.settle(one, permit, verdict, ms(rng.between(0, 70)), Instant::from_millis(now));
        }
        let then = Instant::from_millis(now);
        let numbers = saved.save(one, then).expect("it is there");
        let mut restored = Breakers::new(rules);
        let other = restored.restore(&numbers, Duration::ZERO, then).expect("it can be meant");
        let expected = match saved.state(one, then) {
            Some(CircuitState::Open { until }) => CircuitState::Open { until },
            Some(CircuitState::Closed) => CircuitState::Closed,
            _ => CircuitState::HalfOpen,
        };
        assert_eq!(restored.state(other, then), Some(expected), "round {round}");
        assert_eq!(restored.tally(other, then), saved.tally(one, then));
        if expected == CircuitState::HalfOpen {
            continue;
        }
        for _ in 0..50 {
            now += rng.between(0, 40);
            let at = Instant::from_millis(now);
            let verdict = VERDICTS[rng.between(0, 1) as usize];
            let both = [saved.admit(one, at), restored.admit(other, at)];
            if let [Ok(first), Ok(second)] = both {
                saved.settle(one, first, verdict, Duration::ZERO, at);
                restored.settle(other, second, verdict, Duration::ZERO, at);
            }
            assert_eq!(both[0].is_ok(), both[1].is_ok());
            assert_eq!(saved.state(one, at), restored.state(other, at));
        }
    }
}

#[test]
fn restoring_bears_any_numbers() {
    let mut rng = Rng::new(3);
    for _ in 0..20_000 {
        let rules = random_rules(&mut rng);
        let wild = [0.0, 1.0, -1.0, 7.5, 1e300, f64::NAN, f64::INFINITY, 100.0, 3.0];
        let numbers: Vec<f64> = (0..rng.between(0, 12)).map(|_| wild[rng.between(0, 8) as usize]).collect();
        let mut machine = Breakers::new(rules);
        let now = Instant::from_millis(rng.between(0, 1000));
        let Some(circuit) = machine.restore(&numbers, ms(rng.between(0, 50)), now) else { continue };
        for step in 0..30 {
            let at = now + ms(step * 40);
            if let Ok(permit) = machine.admit(circuit, at) {
                machine.settle(circuit, permit, VERDICTS[rng.between(0, 2) as usize], Duration::ZERO, at);
            }
        }
    }
}

#[test]
fn ten_thousand_keyed_breakers_are_bounded_and_a_flood_of_keys_frees_no_offender() {
    let rules = Rules { max_circuits: some(10_000), idle_after: ms(1000), ..rules(WindowKind::Count(some(100))) };
    let mut machine = Breakers::new(rules);
    let now = Instant::from_millis(1);
    let offender = machine.add(now);
    for _ in 0..2 {
        let permit = machine.admit(offender, now).expect("closed");
        machine.settle(offender, permit, Verdict::Failure, Duration::ZERO, now);
    }
    let mut forgotten = 0;
    for _ in 0..100_000 {
        let one = machine.add(now);
        let permit = machine.admit(one, now).expect("closed");
        machine.settle(one, permit, Verdict::Success, Duration::ZERO, now);
        while let Some(gone) = machine.poll_forgotten() {
            assert!(gone != offender && machine.state(gone, now).is_none());
            forgotten += 1;
        }
        assert!(machine.len() <= 10_000);
    }
    assert_eq!(forgotten, 100_001 - 10_000);
    assert!(machine.admit(offender, now).is_err());
    // Once nobody has asked for them for long, two leave for each that comes.
    let later = Instant::from_millis(5000);
    for _ in 0..10_000 {
        machine.add(later);
    }
    assert!(machine.len() <= 10_000);
    assert_eq!(machine.state(offender, later), None, "at rest for long, it has left too");
}

/// opossum: 2 ms for a failure with 20 000 samples in the window.
#[test]
fn failure_path_does_not_depend_on_the_size_of_the_window() {
    for size in [10, 100_000] {
        let rules = Rules { failure_ratio: MILLION, ..rules(WindowKind::Count(some(size))) };
        let mut window = super::window::Window::new(rules.window);
        for call in 0..size * 3 {
            let tally = window.record(call % 2 == 0, call % 3 == 0, Instant::ZERO);
            assert_eq!(tally.calls, (call + 1).min(size));
        }
        let tally = window.tally(Instant::ZERO);
        assert_eq!((tally.failed, tally.slow.abs_diff(size / 3) <= 1), (size / 2, true));
    }
}
