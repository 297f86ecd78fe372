//! The cache machine against a naive model: the same seeded sequences natively, in Node and in a browser.

use shelflife::cache::{Cache, Config, Op, OpKind};
use shelflife::time::Instant;
use std::collections::BTreeMap;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SEQUENCES: u64 = 100_000;
const OPS: u64 = 40;
const SLOTS: u64 = 12;

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// Slots from the least to the most recently used, and when each slot is proposed.
#[derive(Default)]
struct Model {
    order: Vec<u32>,
    armed: BTreeMap<u32, Instant>,
}

impl Model {
    fn apply(&mut self, Op { slot, kind }: Op) {
        let at = self.order.iter().position(|&other| other == slot);
        match (kind, at) {
            (OpKind::Admit { expires_at, .. }, _) => {
                self.order.retain(|&other| other != slot);
                self.order.push(slot);
                self.arm(slot, expires_at);
            }
            (OpKind::Touch, Some(at)) => self.order[at..].rotate_left(1),
            (OpKind::Remove, Some(at)) => drop(self.order.remove(at)),
            (OpKind::Arm { expires_at }, _) => self.arm(slot, expires_at),
            _ => {}
        }
    }

    fn arm(&mut self, slot: u32, at: Instant) {
        if at != Instant::NEVER {
            self.armed.entry(slot).and_modify(|armed| *armed = at.min(*armed)).or_insert(at);
        }
    }
}

fn random_op(random: &mut Seeded, now: Instant) -> Op {
    let slot = random.below(SLOTS) as u32;
    let expires_at = later(random, now);
    let kind = match random.below(8) {
        0..3 => OpKind::Touch,
        3..6 => OpKind::Admit { expires_at, hash: random.below(3) as u32 },
        6 => OpKind::Remove,
        _ => OpKind::Arm { expires_at },
    };
    Op { slot, kind }
}

fn later(random: &mut Seeded, now: Instant) -> Instant {
    match random.below(4) {
        0 => Instant::NEVER,
        1 => Instant::from_millis(now.as_millis() + random.below(5000)),
        _ => Instant::from_millis(now.as_millis() + random.below(60)),
    }
}

fn compare(cache: &mut Cache, model: &Model, seed: u64) {
    cache.validate();
    assert_eq!(cache.victims(u32::MAX), model.order, "order differs at seed {seed}");
    assert_eq!(cache.len(), model.order.len(), "count differs at seed {seed}");
    let first = model.armed.values().copied().min();
    assert!(cache.poll_at().is_some() == first.is_some() && cache.poll_at() <= first, "alarm too late at seed {seed}");
}

#[test]
fn order_and_proposals_equal_the_model() {
    for seed in 0..SEQUENCES {
        let mut random = Seeded(seed);
        let mut now = Instant::from_millis(random.below(1 << 40));
        let (mut cache, mut model, mut words) = (Cache::new(Config::default(), now), Model::default(), Vec::new());
        for _ in 0..random.below(OPS) {
            let op = random_op(&mut random, now);
            op.encode(now, &mut words);
            model.apply(op);
            if random.below(4) > 0 {
                continue;
            }
            cache.replay(&words, now);
            words.clear();
            now = Instant::from_millis(now.as_millis() + random.below(100));
            let mut budget = u32::MAX;
            let mut due: Vec<u32> = std::iter::from_fn(|| cache.poll_expired(now, &mut budget)).collect();
            due.sort_unstable();
            let expected: Vec<u32> = model.armed.iter().filter(|&(_, &at)| at <= now).map(|(&slot, _)| slot).collect();
            model.armed.retain(|_, &mut at| at > now);
            assert_eq!(due, expected, "proposals differ at seed {seed}");
            for slot in expected {
                // Some have expired, others live on and are proposed again.
                let kind = if random.below(2) == 0 {
                    OpKind::Remove
                } else {
                    OpKind::Arm { expires_at: later(&mut random, now) }
                };
                Op { slot, kind }.encode(now, &mut words);
                model.apply(Op { slot, kind });
            }
            cache.replay(&words, now);
            words.clear();
            compare(&mut cache, &model, seed);
        }
    }
}
