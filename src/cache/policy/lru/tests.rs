use super::{Lru, SLACK};
use proptest::prelude::{Strategy, any, prop_oneof, proptest};
use std::collections::VecDeque;

#[derive(Clone, Debug)]
enum Op {
    Insert(u32),
    Touch(u32),
    TouchAll(Vec<u32>),
    /// Slots, and whether each holds a newcomer.
    Replay(Vec<(u32, bool)>),
    Remove(u32),
    Evict,
    Victims(usize),
}

fn op() -> impl Strategy<Value = Op> {
    // Some slots are used much oftener than others.
    let slot = || prop_oneof![0..3u32, 0..60u32];
    prop_oneof![
        6 => slot().prop_map(Op::Insert),
        12 => slot().prop_map(Op::Touch),
        3 => proptest::collection::vec(slot(), 0..20).prop_map(Op::TouchAll),
        3 => proptest::collection::vec((slot(), any::<bool>()), 0..20).prop_map(Op::Replay),
        1 => slot().prop_map(Op::Remove),
        2 => proptest::strategy::Just(Op::Evict),
        1 => (0..80usize).prop_map(Op::Victims),
    ]
}

proptest! {
    #[test]
    fn the_queue_equals_a_list_by_recency(ops in proptest::collection::vec(op(), 0..600)) {
        let mut lru = Lru::default();
        let mut model = VecDeque::new();
        for op in ops {
            match op {
                Op::Insert(slot) => {
                    lru.insert(slot);
                    model.retain(|&other| other != slot);
                    model.push_back(slot);
                }
                Op::Touch(slot) => {
                    lru.touch(slot);
                    if model.contains(&slot) {
                        model.retain(|&other| other != slot);
                        model.push_back(slot);
                    }
                }
                Op::TouchAll(slots) => {
                    lru.touch_all(&slots);
                    for slot in slots {
                        if model.contains(&slot) {
                            model.retain(|&other| other != slot);
                            model.push_back(slot);
                        }
                    }
                }
                Op::Replay(uses) => {
                    let words: Vec<u32> = uses.iter().map(|&(slot, is_new)| u32::from(is_new) << 28 | slot).collect();
                    let known = uses.iter().take_while(|(slot, _)| model.contains(slot)).count();
                    assert_eq!(lru.replay_uses(&words), known);
                    for &(slot, _) in &uses[..known] {
                        model.retain(|&other| other != slot);
                        model.push_back(slot);
                    }
                }
                Op::Remove(slot) => {
                    lru.remove(slot);
                    model.retain(|&other| other != slot);
                }
                Op::Evict => {
                    let victim = lru.victims().next();
                    assert_eq!(victim, model.pop_front());
                    victim.into_iter().for_each(|slot| lru.remove(slot));
                }
                Op::Victims(most) => assert!(lru.victims().take(most).eq(model.iter().copied().take(most))),
            }
            assert!(lru.iter().eq(model.iter().copied()));
            lru.validate();
        }
    }
}

#[test]
fn removing_everything_shortens_the_queue() {
    let mut lru = Lru::default();
    for _ in 0..3 {
        (0..1000).for_each(|slot| lru.insert(slot));
        (0..1000).for_each(|slot| lru.remove(slot));
        assert!(lru.in_use() <= SLACK + 2);
    }
}
