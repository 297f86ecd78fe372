//! The cache machine against a naive model: the same seeded sequences natively, in Node and in a browser.

use shelflife::cache::{Cache, Config, Op, OpKind};
use shelflife::time::Instant;
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

/// Entries from the least to the most recent, each with its time of expiry.
#[derive(Default)]
struct Model(Vec<(u32, Instant)>);

impl Model {
    fn apply(&mut self, op: Op) {
        let at = self.0.iter().position(|&(slot, _)| slot == op.slot);
        let old = at.map(|at| self.0.remove(at));
        match (op.kind, old) {
            (OpKind::Admit { expires_at, .. }, _) => self.0.push((op.slot, expires_at)),
            (OpKind::Touch, Some(entry)) => self.0.push(entry),
            (OpKind::Rearm { expires_at }, Some(_)) => self.0.insert(at.unwrap_or(0), (op.slot, expires_at)),
            _ => {}
        }
    }
}

fn random_op(random: &mut Seeded, now: Instant) -> Op {
    let slot = random.below(SLOTS) as u32;
    let expires_at = match random.below(4) {
        0 => Instant::NEVER,
        1 => Instant::from_millis(now.as_millis() + random.below(5000)),
        _ => Instant::from_millis(now.as_millis() + random.below(60)),
    };
    let kind = match random.below(8) {
        0..3 => OpKind::Touch,
        3..6 => OpKind::Admit { expires_at, hash: random.below(3) as u32 },
        6 => OpKind::Remove,
        _ => OpKind::Rearm { expires_at },
    };
    Op { slot, kind }
}

fn compare(cache: &mut Cache, model: &Model, seed: u64) {
    cache.validate();
    assert!(
        cache.victims(u32::MAX).into_iter().eq(model.0.iter().map(|&(slot, _)| slot)),
        "order differs at seed {seed}"
    );
    assert_eq!(cache.len(), model.0.len(), "count differs at seed {seed}");
    let first = model.0.iter().map(|&(_, at)| at).filter(|&at| at != Instant::NEVER).min();
    assert!(cache.poll_at().is_some() == first.is_some() && cache.poll_at() <= first, "alarm too late at seed {seed}");
}

#[test]
fn order_and_expiry_equal_the_model() {
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
            let mut expected: Vec<u32> = model.0.iter().filter(|&&(_, at)| at <= now).map(|&(slot, _)| slot).collect();
            expected.sort_unstable();
            assert_eq!(due, expected, "expiry differs at seed {seed}");
            for slot in expected {
                cache.remove(slot);
                model.apply(Op { slot, kind: OpKind::Remove });
            }
            compare(&mut cache, &model, seed);
        }
    }
}
