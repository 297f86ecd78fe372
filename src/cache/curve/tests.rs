use super::{ALL, Curve, Event, FOR_EVER, Limits, SAME, SCALES, decode};
use crate::cache::{Cache, Config, Op, OpKind};
use crate::rng::Rng;
use crate::time::Instant;
use proptest::prelude::{Strategy, any, prop_oneof, proptest};
use std::collections::BTreeSet;

/// LRU caches of each size, as lists from the latest use on.
struct Mattson {
    limits: Limits,
    stack: Vec<(u32, u32)>,
    hits: [f64; SCALES.len()],
    reads: f64,
}

impl Mattson {
    fn new(limits: Limits) -> Self {
        Self { limits, stack: Vec::new(), hits: [0.0; SCALES.len()], reads: 0.0 }
    }

    fn read(&mut self, key: u32) {
        self.reads += 1.0;
        let Some(at) = self.stack.iter().position(|&(other, _)| other == key) else { return };
        let size: f64 = self.stack[..=at].iter().map(|&(_, size)| f64::from(size)).sum();
        for (scale, hits) in SCALES.iter().zip(&mut self.hits) {
            let fits = (at + 1) as f64 <= scale * self.limits.max && size <= scale * self.limits.max_size;
            *hits += f64::from(u8::from(fits));
        }
        let used = self.stack.remove(at);
        self.stack.insert(0, used);
    }

    fn write(&mut self, key: u32, size: u32) {
        self.gone(key);
        self.stack.insert(0, (key, size));
    }

    fn gone(&mut self, key: u32) {
        self.stack.retain(|&(other, _)| other != key);
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Read(u32),
    Set(u32, u32),
    Delete(u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..40u32).prop_map(Step::Read),
        2 => (0..40u32, 0..9u32).prop_map(|(key, size)| Step::Set(key, size)),
        1 => (0..40u32).prop_map(Step::Delete),
    ]
}

/// A host whose slots are its keys, and which has forgotten every seventh, as if evicted.
#[derive(Default)]
struct Host {
    held: BTreeSet<u32>,
    log: Vec<u32>,
    events: Vec<u32>,
}

impl Host {
    fn event(&mut self, event: Event) {
        event.encode(self.log.len() as u32, &mut self.events);
    }

    fn touch(&mut self, slot: u32) {
        Op { slot, kind: OpKind::Touch }.encode(Instant::ZERO, &mut self.log);
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Read(key) if self.held.contains(&key) => self.touch(key),
            Step::Read(key) => self.event(Event::Miss { hash: key, now: 0 }),
            Step::Set(key, size) => {
                if !self.held.insert(key) {
                    self.event(Event::NoRead);
                    self.touch(key);
                } else {
                    let kind = OpKind::Admit { expires_at: Instant::from_millis(9), hash: key };
                    Op { slot: key, kind }.encode(Instant::ZERO, &mut self.log);
                }
                self.event(Event::Written { slot: key, hash: key, size, life: FOR_EVER });
                // Its place was needed for others; a larger cache would still have it.
                if self.held.len() > 9 {
                    let victim = *self.held.iter().find(|&&other| other != key).expect("there are ten");
                    self.held.remove(&victim);
                    Op { slot: victim, kind: OpKind::Remove }.encode(Instant::ZERO, &mut self.log);
                }
            }
            Step::Delete(key) => {
                self.held.remove(&key);
                self.event(Event::Gone(key));
            }
        }
    }
}

proptest! {
    #[test]
    fn equals_stack_distances_while_all_keys_are_followed(
        steps in proptest::collection::vec(step(), 1..400), max in 1..20u32, max_size in 1..60u32, drain in 1..50usize,
    ) {
        let limits = Limits { max: f64::from(max), max_size: if max_size > 40 { f64::INFINITY } else { f64::from(max_size) } };
        let (mut curve, mut exact, mut host) = (Curve::new(limits), Mattson::new(limits), Host::default());
        for (at, &step) in steps.iter().enumerate() {
            host.step(step);
            match step {
                Step::Read(key) => exact.read(key),
                Step::Set(key, size) => exact.write(key, size),
                Step::Delete(key) => exact.gone(key),
            }
            if at % drain == 0 || at + 1 == steps.len() {
                curve.replay(&std::mem::take(&mut host.log), &std::mem::take(&mut host.events));
                curve.validate();
            }
        }
        match curve.hit_rates() {
            None => assert!(exact.reads == 0.0),
            Some(rates) => rates.iter().zip(exact.hits).for_each(|(rate, hits)| assert!((rate - hits / exact.reads).abs() < 1e-9)),
        }
    }

    #[test]
    fn takes_any_words(log in proptest::collection::vec(any::<u32>(), 0..30), events in proptest::collection::vec(any::<u32>(), 0..60)) {
        let small: Vec<u32> = events.iter().map(|word| word % 5000).collect();
        let mut curve = Curve::new(Limits { max: 4.0, max_size: 10.0 });
        let log: Vec<u32> = log.iter().map(|word| word & 0xf000_0fff).collect();
        curve.replay(&log, &small);
        curve.validate();
        assert!(decode(&events).count() <= events.len());
    }
}

/// The share of reads that an LRU cache of `max` has.
fn measured(trace: &[u32], max: usize) -> f64 {
    let mut cache = Cache::new(Config::default(), Instant::ZERO);
    let (mut held, mut hits) = (BTreeSet::new(), 0);
    for &key in trace {
        if held.contains(&key) {
            hits += 1;
            cache.touch(key);
            continue;
        }
        if held.len() == max {
            let victim = cache.victims(1)[0];
            cache.remove(victim);
            held.remove(&victim);
        }
        cache.admit(key, Instant::NEVER, 0);
        held.insert(key);
    }
    f64::from(hits) / trace.len() as f64
}

fn predicted(trace: &[u32], max: usize) -> (Curve, [f64; SCALES.len()]) {
    let mut curve = Curve::new(Limits { max: max as f64, max_size: f64::INFINITY });
    let mut events = Vec::new();
    for &key in trace {
        // As a host's hash: nothing that the order of the keys has to do with.
        let hash = (Rng::new(u64::from(key)).bits() >> 32) as u32;
        Event::Miss { hash, now: 0 }.encode(0, &mut events);
        Event::Written { slot: 0, hash, size: 1, life: FOR_EVER }.encode(0, &mut events);
        if events.len() > 4000 {
            curve.replay(&[], &std::mem::take(&mut events));
        }
    }
    curve.replay(&[], &events);
    curve.validate();
    let rates = curve.hit_rates().expect("there were reads");
    (curve, rates)
}

fn skewed(random: &mut Rng, keys: u64, power: i32) -> u32 {
    ((random.between(0, 1 << 30) as f64 / (1u64 << 30) as f64).powi(power) * keys as f64) as u32
}

#[test]
fn is_within_two_points_where_keys_are_sampled() {
    let mut random = Rng::new(5);
    let zipf: Vec<u32> = (0..600_000).map(|_| skewed(&mut random, 200_000, 4)).collect();
    let scans: Vec<u32> = (0..600_000u32)
        .map(|at| if at / 5000 % 4 == 3 { 1_000_000 + at } else { skewed(&mut random, 120_000, 3) })
        .collect();
    let loops: Vec<u32> = (0..600_000u32)
        .map(|at| if at % 3 == 0 { 500_000 + at / 3 % 30_000 } else { skewed(&mut random, 60_000, 6) })
        .collect();
    for (name, trace) in [("zipf", zipf), ("zipf and scans", scans), ("zipf and a loop", loops)] {
        let max = 20_000;
        let (curve, rates) = predicted(&trace, max);
        assert!(curve.share() < 0.5, "{name}: the sample is {}", curve.share());
        for (scale, rate) in SCALES.iter().zip(rates) {
            let truth = measured(&trace, (scale * max as f64) as usize);
            assert!((rate - truth).abs() < 0.02, "{name} at {scale}: {rate:.4}, not {truth:.4}");
        }
    }
}

#[test]
fn follows_a_bounded_number_of_keys_and_all_of_a_small_cache() {
    for (max, all) in [(10.0, true), (1e6, false)] {
        let mut curve = Curve::new(Limits { max, max_size: f64::INFINITY });
        let mut events = Vec::new();
        for hash in 0..100_000u32 {
            Event::Written { slot: 1, hash, size: u32::MAX, life: FOR_EVER }.encode(0, &mut events);
        }
        curve.replay(&[], &events);
        curve.validate();
        assert_eq!(curve.below == ALL, all, "the share is {}", curve.share());
        curve.clear();
        curve.validate();
        assert_eq!(curve.hit_rates(), None);
    }
}

/// An LRU cache whose entries end, which tells a curve of itself if there is one. A read a millisecond.
fn with_ends(trace: &[u32], max: usize, life: u32, mut curve: Option<&mut Curve>) -> f64 {
    let mut cache = Cache::new(Config::default(), Instant::ZERO);
    let mut ends = std::collections::BTreeMap::new();
    let (mut hits, mut events, mut log) = (0, Vec::new(), Vec::new());
    for (now, &key) in (1_000_000u32..).zip(trace) {
        let mut tell = |event: Event, log: &[u32]| event.encode(log.len() as u32, &mut events);
        match ends.get(&key) {
            Some(&end) if end > now => {
                hits += 1;
                cache.touch(key);
                Op { slot: key, kind: OpKind::Touch }.encode(Instant::ZERO, &mut log);
            }
            known => {
                if known.is_some() {
                    cache.remove(key);
                    ends.remove(&key);
                    tell(Event::Gone(key), &log);
                }
                tell(Event::Miss { hash: key, now }, &log);
                if ends.len() == max {
                    let victim = cache.victims(1)[0];
                    cache.remove(victim);
                    ends.remove(&victim);
                }
                cache.admit(key, Instant::NEVER, 0);
                ends.insert(key, now + life);
                tell(Event::Written { slot: key, hash: key, size: 1, life }, &log);
            }
        }
        if let Some(curve) = &mut curve
            && log.len() + events.len() > 500
        {
            curve.replay(&std::mem::take(&mut log), &std::mem::take(&mut events));
            curve.validate();
        }
    }
    f64::from(hits) / trace.len() as f64
}

#[test]
fn larger_caches_have_entries_that_end_too() {
    let mut random = Rng::new(7);
    let trace: Vec<u32> = (0..100_000).map(|_| skewed(&mut random, 3000, 3)).collect();
    for (max, life) in [(150, 400), (150, 1500), (150, 8000), (400, 3000), (900, 6000), (900, 1_000_000)] {
        let mut curve = Curve::new(Limits { max: max as f64, max_size: f64::INFINITY });
        with_ends(&trace, max, life, Some(&mut curve));
        let rates = curve.hit_rates().expect("there were reads");
        for (scale, rate) in SCALES.iter().zip(rates).skip(SAME) {
            let truth = with_ends(&trace, (scale * max as f64) as usize, life, None);
            assert!(
                (rate - truth).abs() < 0.02,
                "{max} entries that live {life} at {scale}: {rate:.4}, not {truth:.4}"
            );
        }
    }
}
