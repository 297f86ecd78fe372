//! What every eviction policy promises its host, and S3-FIFO against a naive reading of its paper: the same seeded
//! sequences natively, in Node and in a browser.

use shelflife::cache::{Cache, Config, Policy};
use shelflife::rng::Rng;
use shelflife::time::Instant;
use std::collections::{BTreeMap, VecDeque};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SEQUENCES: u64 = 400;
const STEPS: u64 = 300;

fn cache(policy: Policy, expected: u32, seed: u64) -> Cache {
    Cache::new(Config { policy, expected, seed }, Instant::ZERO)
}

/// A host with few slots, which evicts when it is full, and now and then uses or removes an entry.
struct Host {
    core: Cache,
    /// By slot, the key.
    resident: BTreeMap<u32, u32>,
    max: u32,
}

impl Host {
    fn step(&mut self, random: &mut Rng) {
        let key = random.between(0, u64::from(self.max) * 3) as u32;
        let held = self.resident.iter().find(|&(_, &other)| other == key).map(|(&slot, _)| slot);
        match (held, random.between(0, 9)) {
            (Some(slot), 0) => {
                self.core.remove(slot);
                self.resident.remove(&slot);
            }
            (Some(slot), _) => self.core.touch(slot),
            (None, 0) => self.core.touch(random.between(0, u64::from(self.max)) as u32 + self.max),
            (None, _) => {
                let slot = if self.resident.len() < self.max as usize {
                    (0..self.max).find(|slot| !self.resident.contains_key(slot)).expect("a slot is free")
                } else {
                    self.victim(random)
                };
                self.core.admit(slot, Instant::NEVER, key);
                self.resident.insert(slot, key);
            }
        }
    }

    /// Who is asked for by rank is resident, each once; with LRU it is the order of leaving.
    fn check_ranks(&mut self, policy: Policy) {
        let ranked = self.core.ranked(usize::MAX, false);
        let hottest: Vec<u32> = ranked.iter().rev().copied().take(3).collect();
        assert_eq!(self.core.ranked(3, true), hottest, "{policy:?} ranks the hottest otherwise");
        if policy == Policy::Lru {
            assert_eq!(ranked, self.core.victims(u32::MAX), "LRU ranks otherwise than it evicts");
        }
        let mut sorted = ranked;
        sorted.sort_unstable();
        assert!(sorted.iter().eq(self.resident.keys()), "{policy:?} does not rank everybody once");
    }

    fn victim(&mut self, random: &mut Rng) -> u32 {
        let most = random.between(1, 300) as u32;
        let victims = self.core.victims(most);
        assert!(
            !victims.is_empty() && victims.len() <= most as usize,
            "{} victims, asked for up to {most}",
            victims.len()
        );
        let mut distinct = victims.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), victims.len(), "a victim is named twice");
        assert!(victims.iter().all(|slot| self.resident.contains_key(slot)), "a victim is not resident");
        victims[0]
    }
}

/// A test for each policy, since a browser gives up a page that one test holds for half a minute.
macro_rules! contracts {
    ($($policy:ident: $name:ident,)*) => {
        const HELD: &[Policy] = &[$(Policy::$policy),*];

        $(#[test]
        fn $name() {
            (0..SEQUENCES).for_each(|seed| keeps_the_contract(Policy::$policy, seed));
        })*
    };
}

contracts! {
    Lru: lru_keeps_the_contract,
    S3Fifo: s3fifo_keeps_the_contract,
    TinyLfu: tinylfu_keeps_the_contract,
    Auto: auto_keeps_the_contract,
}

#[test]
fn every_policy_is_held_to_the_contract() {
    assert_eq!(HELD, Policy::ALL);
}

fn keeps_the_contract(policy: Policy, seed: u64) {
    let mut random = Rng::new(seed);
    // Now and then large enough to condemn several at once, and to sample.
    let max = if seed.is_multiple_of(100) { 2000 } else { random.between(1, 40) as u32 };
    let expected = [0, max, 1 << 24][random.between(0, 2) as usize];
    let mut host = Host { core: cache(policy, expected, seed), resident: BTreeMap::new(), max };
    for step in 0..if max > 40 { 4 * u64::from(max) } else { STEPS } {
        host.step(&mut random);
        if max <= 40 || step % 500 == 0 {
            host.core.validate();
        }
        assert_eq!(host.core.len(), host.resident.len(), "{policy:?} lost count at seed {seed}");
        if max <= 40 {
            host.check_ranks(policy);
        }
    }
    // Whoever is left alone leaves some day.
    while !host.resident.is_empty() {
        let victim = host.victim(&mut random);
        host.core.remove(victim);
        host.resident.remove(&victim);
    }
    assert!(host.core.is_empty() && host.core.victims(1).is_empty(), "{policy:?} holds on to somebody at seed {seed}");
}

#[test]
fn a_used_victim_is_no_victim_unless_nobody_else_is_there() {
    for policy in Policy::ALL {
        let mut core = cache(policy, 100, 1);
        (0..100).for_each(|slot| core.admit(slot, Instant::NEVER, slot));
        for _ in 0..4 {
            let victim = core.victims(1)[0];
            // S3-FIFO moves on only what was used twice.
            core.touch(victim);
            core.touch(victim);
            assert_ne!(core.victims(1)[0], victim, "{policy:?} takes back its pardon");
            core.validate();
        }
    }
}

#[test]
fn a_flood_of_newcomers_does_not_push_out_what_is_in_use() {
    for policy in [Policy::TinyLfu, Policy::Auto] {
        let mut core = cache(policy, 1000, 1);
        let mut slots: Vec<u32> = (0..1000).collect();
        let admit = |core: &mut Cache, slots: &mut Vec<u32>, key: u32| {
            let slot = core.victims(1)[0];
            slots[slot as usize] = key;
            core.admit(slot, Instant::NEVER, key.wrapping_mul(0x9e37_79b9));
        };
        (0..1000).for_each(|slot| core.admit(slot, Instant::NEVER, slot.wrapping_mul(0x9e37_79b9)));
        for round in 0..20 {
            for key in 0..200 {
                match slots.iter().position(|&held| held == key) {
                    Some(slot) => core.touch(slot as u32),
                    None => admit(&mut core, &mut slots, key),
                }
            }
            for flood in 0..2000 {
                admit(&mut core, &mut slots, 10_000 + round * 2000 + flood);
            }
        }
        let kept = (0..200).filter(|key| slots.contains(key)).count();
        assert!(kept >= 190, "{policy:?} kept {kept} of 200");
    }
}

#[test]
fn a_forged_favourite_does_not_keep_a_working_set_out_for_ever() {
    for policy in [Policy::TinyLfu, Policy::Auto] {
        let mut core = cache(policy, 500, 7);
        let mut slots: Vec<u32> = (0..500).collect();
        (0..500).for_each(|slot| core.admit(slot, Instant::NEVER, slot.wrapping_mul(0x9e37_79b9)));
        // Everything resident has been made to look as popular as can be.
        (0..500).for_each(|slot| (0..16).for_each(|_| core.touch(slot)));
        let mut hits = 0;
        for round in 0..200 {
            for key in 1000..1300 {
                if let Some(slot) = slots.iter().position(|&held| held == key) {
                    core.touch(slot as u32);
                    hits += u32::from(round >= 150);
                } else {
                    let slot = core.victims(1)[0];
                    slots[slot as usize] = key;
                    core.admit(slot, Instant::NEVER, key.wrapping_mul(0x9e37_79b9));
                }
            }
        }
        assert!(hits > 14_000, "{policy:?} hit {hits} of 15 000");
    }
}

/// S3-FIFO for fewer than 512 entries, where one victim is set aside at a time.
#[derive(Default)]
struct NaiveS3Fifo {
    /// Slot and hash, the newest first.
    small: VecDeque<u32>,
    main: VecDeque<u32>,
    ghosts: VecDeque<u32>,
    most_ghosts: usize,
    hashes: BTreeMap<u32, u32>,
    uses: BTreeMap<u32, u8>,
    /// The condemned, and whether it was in the small queue.
    condemned: Option<(u32, bool)>,
}

impl NaiveS3Fifo {
    fn len(&self) -> usize {
        self.small.len() + self.main.len() + usize::from(self.condemned.is_some())
    }

    fn remove(&mut self, slot: u32) {
        self.small.retain(|&other| other != slot);
        self.main.retain(|&other| other != slot);
        if let Some((condemned, was_small)) = self.condemned
            && condemned == slot
        {
            self.condemned = None;
            if was_small {
                self.ghosts.push_back(self.hashes[&slot]);
            }
            if self.ghosts.len() > self.most_ghosts {
                self.ghosts.pop_front();
            }
        }
    }

    fn admit(&mut self, slot: u32, hash: u32) {
        self.remove(slot);
        let known = self.ghosts.contains(&hash);
        self.ghosts.retain(|&other| other != hash);
        if known { &mut self.main } else { &mut self.small }.push_front(slot);
        self.hashes.insert(slot, hash);
        self.uses.insert(slot, 0);
    }

    fn touch(&mut self, slot: u32) {
        let Some(uses) = self.uses.get_mut(&slot) else { return };
        *uses = (*uses + 1).min(3);
        if let Some((condemned, was_small)) = self.condemned
            && condemned == slot
        {
            self.condemned = None;
            if was_small { &mut self.small } else { &mut self.main }.push_back(slot);
        }
    }

    fn victim(&mut self) -> u32 {
        if let Some((slot, _)) = self.condemned {
            return slot;
        }
        let small = (self.len() / 10).max(1);
        self.most_ghosts = self.len() - small;
        while self.ghosts.len() > self.most_ghosts {
            self.ghosts.pop_front();
        }
        let crowded = self.small.len() >= small;
        loop {
            let from_small = (crowded && !self.small.is_empty()) || self.main.is_empty();
            let slot =
                if from_small { self.small.pop_back() } else { self.main.pop_back() }.expect("somebody is there");
            let uses = self.uses.get_mut(&slot).expect("uses are counted");
            match (from_small, *uses) {
                (true, 2..) => *uses = 0,
                (false, 1..) => *uses -= 1,
                _ => {
                    self.condemned = Some((slot, from_small));
                    return slot;
                }
            }
            self.main.push_front(slot);
        }
    }
}

#[test]
fn s3fifo_equals_a_naive_reading_of_its_paper() {
    for seed in 0..SEQUENCES * 10 {
        let mut random = Rng::new(seed);
        let max = random.between(1, 30);
        let (mut core, mut model) = (cache(Policy::S3Fifo, 0, 0), NaiveS3Fifo::default());
        let mut held: BTreeMap<u32, u32> = BTreeMap::new();
        for _ in 0..random.between(0, STEPS) {
            // Ghosts know hashes, and no two residents have one.
            let hash = random.between(1, max * 3) as u32;
            match held.iter().find(|&(_, &other)| other == hash).map(|(&slot, _)| slot) {
                Some(slot) if random.between(0, 19) == 0 => {
                    core.remove(slot);
                    model.remove(slot);
                    model.uses.remove(&slot);
                    held.remove(&slot);
                }
                Some(slot) => {
                    core.touch(slot);
                    model.touch(slot);
                }
                None => {
                    let free = (0..max as u32).find(|slot| !held.contains_key(slot));
                    let slot = free.unwrap_or_else(|| {
                        let victim = core.victims(1)[0];
                        assert_eq!(victim, model.victim(), "another victim at seed {seed}");
                        victim
                    });
                    core.admit(slot, Instant::NEVER, hash);
                    model.admit(slot, hash);
                    held.insert(slot, hash);
                }
            }
            assert_eq!(core.len(), model.len(), "count differs at seed {seed}");
        }
    }
}
