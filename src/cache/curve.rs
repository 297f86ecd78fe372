//! How many reads a cache of another size would answer: SHARDS (Waldspurger, Park, Garthwaite and Ahmad, "Efficient MRC
//! Construction with SHARDS", FAST 2015) over stack distances (Mattson, Gecsei, Slutz and Traiger, 1970).
//!
//! Only keys whose hash is below a limit are followed, and the limit sinks as they become too many. A key that is read with `n`
//! others used since its last use is a hit in every LRU cache of more than `n` entries, or `n` divided by the share that is followed.
//! Keys that would have left the largest cache asked about are let go of, so that of a small cache all the others are followed.

use super::log::{self, OpKind};
use crate::time::Instant;
use hashbrown::HashTable;

/// The sizes that are asked about, as multiples of the cache's own.
pub const SCALES: [f64; 8] = [0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0];

/// Keys followed at once; twice as many uses fit the tree before it is renumbered.
const MOST_KEYS: usize = 8192;
/// So many at most are left when room is made, so that it need not be made at once again.
const ENOUGH_KEYS: usize = MOST_KEYS / 8 * 7;
/// Hashes of 32 bits.
const ALL: u64 = 1 << 32;
/// What stays when the limit sinks.
const KEPT: f64 = 0.875;

const KIND_BITS: u32 = 2;

/// What happens beside hits: words of position and kind, and what the kind needs more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// 0: the use in the log at this position is no read.
    NoRead,
    /// 1: a read that found nothing, of the key with this hash.
    Miss(u32),
    /// 2: a slot holds the key with this hash, newly written, of this size.
    Written {
        /// Whose slot.
        slot: u32,
        /// The host's hash of the key.
        hash: u32,
        /// In the unit of the limit.
        size: u32,
    },
    /// 3: the key with this hash is gone, and would be from a cache of any size.
    Gone(u32),
}

impl Event {
    /// Appends the event, which happened when the log had `position` words.
    pub fn encode(self, position: u32, words: &mut Vec<u32>) {
        let head = |kind: u32| position << KIND_BITS | kind;
        match self {
            Self::NoRead => words.push(head(0)),
            Self::Miss(hash) => words.extend([head(1), hash]),
            Self::Written { slot, hash, size } => words.extend([head(2), slot, hash, size]),
            Self::Gone(hash) => words.extend([head(3), hash]),
        }
    }
}

fn decode(words: &[u32]) -> impl Iterator<Item = (usize, Event)> + '_ {
    let mut words = words.iter().copied();
    std::iter::from_fn(move || {
        let head = words.next()?;
        let event = match head & ((1 << KIND_BITS) - 1) {
            0 => Event::NoRead,
            1 => Event::Miss(words.next()?),
            2 => Event::Written { slot: words.next()?, hash: words.next()?, size: words.next()? },
            _ => Event::Gone(words.next()?),
        };
        Some(((head >> KIND_BITS) as usize, event))
    })
}

/// The hit rates of one cache, had it other limits.
#[derive(Clone, Debug)]
pub struct Curve {
    limits: Limits,
    /// Keys whose spread hash is below are followed.
    below: u64,
    keys: HashTable<Key>,
    /// By slot, the spread hash of its key.
    slots: Vec<u32>,
    uses: Uses,
    reads: f64,
    /// Reads followed, by the least of [`SCALES`] that would have had them.
    hits: [f64; SCALES.len()],
    others: f64,
}

/// What the cache may hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// In entries.
    pub max: f64,
    /// In units of size; infinite where sizes do not count.
    pub max_size: f64,
}

#[derive(Clone, Copy, Debug)]
struct Key {
    hash: u32,
    used_at: u32,
    size: u32,
}

impl Curve {
    /// Nothing is known yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            below: ALL,
            keys: HashTable::new(),
            slots: Vec::new(),
            uses: Uses::new(),
            reads: 0.0,
            hits: [0.0; SCALES.len()],
            others: 0.0,
        }
    }

    /// The cache has other limits now: counting begins anew, and what is known of keys stays.
    pub fn resize(&mut self, limits: Limits) {
        self.limits = limits;
        self.reads = 0.0;
        self.hits = [0.0; SCALES.len()];
        self.others = 0.0;
    }

    /// Every key is gone. What was counted stays.
    pub fn clear(&mut self) {
        self.keys.clear();
        self.slots.clear();
        self.uses = Uses::new();
    }

    /// Applies a log of the cache, and what happened beside it.
    pub fn replay(&mut self, words: &[u32], events: &[u32]) {
        let mut from = 0;
        for (position, event) in decode(events) {
            let position = position.clamp(from, words.len());
            self.hits_of(&words[from..position]);
            from = position;
            match event {
                Event::NoRead => from = words.len().min(position + 1),
                Event::Miss(hash) => self.read(spread(hash)),
                Event::Written { slot, hash, size } => self.write(slot, spread(hash), size),
                Event::Gone(hash) => self.forget(spread(hash)),
            }
        }
        self.hits_of(&words[from..]);
    }

    /// The share of reads that a cache of each of [`SCALES`] would have answered; `None` before the first read.
    pub fn hit_rates(&self) -> Option<[f64; SCALES.len()]> {
        let expected = self.reads * self.share();
        if expected <= 0.0 {
            return None;
        }
        // More or fewer reads in the sample than its share come from the hottest keys, which hit in any size (section 4.1 there).
        let counted = self.hits.iter().sum::<f64>() + self.others;
        let mut sum = expected - counted;
        Some(self.hits.map(|hits| {
            sum += hits;
            (sum / expected).clamp(0.0, 1.0)
        }))
    }

    /// The share of keys that is followed.
    pub fn share(&self) -> f64 {
        self.below as f64 / ALL as f64
    }

    fn hits_of(&mut self, words: &[u32]) {
        for op in log::decode(words, Instant::ZERO) {
            if let OpKind::Touch = op.kind {
                match self.slots.get(op.slot as usize) {
                    Some(&hash) => self.read(hash),
                    None => self.reads += 1.0,
                }
            }
        }
    }

    fn read(&mut self, hash: u32) {
        self.reads += 1.0;
        if !self.follows(hash) {
            return;
        }
        let Some(key) = self.keys.find_mut(place(hash), |key| key.hash == hash) else {
            self.others += 1.0;
            return;
        };
        let (entries, size) = self.uses.since(key.used_at);
        let share = self.below as f64 / ALL as f64;
        let needed = ((entries as f64 / share + 1.0) / self.limits.max)
            .max((size as f64 / share + f64::from(key.size)) / self.limits.max_size);
        match SCALES.iter().position(|&scale| needed <= scale) {
            Some(at) => self.hits[at] += 1.0,
            None => self.others += 1.0,
        }
        self.uses.remove(key);
        self.uses.add(key);
        self.make_room();
    }

    fn write(&mut self, slot: u32, hash: u32, size: u32) {
        if slot as usize >= self.slots.len() {
            self.slots.resize(slot as usize + 1, u32::MAX);
        }
        self.slots[slot as usize] = hash;
        if !self.follows(hash) {
            return;
        }
        match self.keys.find_mut(place(hash), |key| key.hash == hash) {
            Some(key) => {
                self.uses.remove(key);
                key.size = size;
                self.uses.add(key);
            }
            None => {
                let mut key = Key { hash, used_at: 0, size };
                self.uses.add(&mut key);
                self.keys.insert_unique(place(hash), key, |key| place(key.hash));
            }
        }
        self.make_room();
    }

    fn forget(&mut self, hash: u32) {
        if let Ok(entry) = self.keys.find_entry(place(hash), |key| key.hash == hash) {
            let (key, _) = entry.remove();
            self.uses.remove(&key);
        }
    }

    fn follows(&self, hash: u32) -> bool {
        u64::from(hash) < self.below
    }

    fn follow_fewer(&mut self) {
        self.below = (self.below as f64 * KEPT) as u64;
        let Self { keys, uses, below, .. } = self;
        keys.retain(|key| {
            let stays = u64::from(key.hash) < *below;
            if !stays {
                uses.remove(key);
            }
            stays
        });
        self.hits.iter_mut().for_each(|hits| *hits *= KEPT);
        self.others *= KEPT;
    }

    fn make_room(&mut self) {
        if self.keys.len() > MOST_KEYS || self.uses.is_full() {
            self.renumber();
            while self.keys.len() > ENOUGH_KEYS {
                self.follow_fewer();
            }
        }
    }

    /// Numbers the uses anew, and lets go of keys that would have left the largest cache asked about.
    fn renumber(&mut self) {
        let largest = SCALES[SCALES.len() - 1] * self.share();
        // No two keys have the same number, so each has a place of its own: a sort would be a tenth of the cache's core.
        let mut by_use: Vec<Option<Key>> = vec![None; self.uses.next as usize];
        for key in self.keys.drain() {
            by_use[key.used_at as usize] = Some(key);
        }
        let by_use: Vec<Key> = by_use.into_iter().rev().flatten().collect();
        let (mut entries, mut size) = (0.0, 0.0);
        let kept = by_use.iter().take_while(|key| {
            entries += 1.0;
            size += f64::from(key.size);
            entries <= largest * self.limits.max + 1.0 && size <= largest * self.limits.max_size + f64::from(key.size)
        });
        let kept = kept.count();
        self.uses = Uses::new();
        for mut key in by_use.into_iter().take(kept).rev() {
            self.uses.add(&mut key);
            self.keys.insert_unique(place(key.hash), key, |key| place(key.hash));
        }
    }

    /// Recounts everything. For tests.
    #[doc(hidden)]
    pub fn validate(&self) {
        assert!(self.keys.len() <= MOST_KEYS, "too many keys");
        assert_eq!(self.uses.entries as usize, self.keys.len(), "a use without a key");
        assert_eq!(self.uses.size, self.keys.iter().map(|key| u64::from(key.size)).sum::<u64>(), "sizes do not add up");
        assert!(self.keys.iter().all(|key| self.follows(key.hash)), "follows a key that it should not");
    }
}

/// The last use of each key, in order: a Fenwick tree of entries and sizes.
#[derive(Clone, Debug)]
struct Uses {
    tree: Vec<(u32, u64)>,
    next: u32,
    entries: u32,
    size: u64,
}

impl Uses {
    fn new() -> Self {
        Self { tree: vec![(0, 0); MOST_KEYS * 2 + 2], next: 0, entries: 0, size: 0 }
    }

    fn is_full(&self) -> bool {
        self.next as usize + 2 >= self.tree.len()
    }

    fn add(&mut self, key: &mut Key) {
        key.used_at = self.next;
        self.next += 1;
        self.entries += 1;
        self.size += u64::from(key.size);
        self.change(key, |(entries, size), more| (entries.wrapping_add(1), size.wrapping_add(more)));
    }

    fn remove(&mut self, key: &Key) {
        self.entries -= 1;
        self.size -= u64::from(key.size);
        self.change(key, |(entries, size), less| (entries.wrapping_sub(1), size.wrapping_sub(less)));
    }

    /// How many keys were used after `used_at`, and what they weigh.
    fn since(&self, used_at: u32) -> (u32, u64) {
        let mut until = (0u32, 0u64);
        let mut at = used_at as usize + 1;
        while at > 0 {
            until = (until.0 + self.tree[at].0, until.1 + self.tree[at].1);
            at &= at - 1;
        }
        (self.entries - until.0, self.size - until.1)
    }

    fn change(&mut self, key: &Key, by: impl Fn((u32, u64), u64) -> (u32, u64)) {
        let mut at = key.used_at as usize + 1;
        while at < self.tree.len() {
            self.tree[at] = by(self.tree[at], u64::from(key.size));
            at += at & at.wrapping_neg();
        }
    }
}

/// The host's hash, so that the sample has nothing to do with what policies make of it.
fn spread(hash: u32) -> u32 {
    hash.wrapping_mul(0x9e37_79b1)
}

fn place(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::{ALL, Curve, Event, Limits, SCALES, decode};
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
                Step::Read(key) => self.event(Event::Miss(key)),
                Step::Set(key, size) => {
                    if !self.held.insert(key) {
                        self.event(Event::NoRead);
                        self.touch(key);
                    } else {
                        let kind = OpKind::Admit { expires_at: Instant::from_millis(9), hash: key };
                        Op { slot: key, kind }.encode(Instant::ZERO, &mut self.log);
                    }
                    self.event(Event::Written { slot: key, hash: key, size });
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
            Event::Miss(hash).encode(0, &mut events);
            Event::Written { slot: 0, hash, size: 1 }.encode(0, &mut events);
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
                Event::Written { slot: 1, hash, size: u32::MAX }.encode(0, &mut events);
            }
            curve.replay(&[], &events);
            curve.validate();
            assert_eq!(curve.below == ALL, all, "the share is {}", curve.share());
            curve.clear();
            curve.validate();
            assert_eq!(curve.hit_rates(), None);
        }
    }
}
