//! The machine against a naive model that searches and recounts: it checks that each action is allowed at that moment,
//! and that nothing which is due stays undone.

mod actions;
mod cases;
mod inputs;
mod world;

use cases::{Op, config, op};
use proptest::prelude::proptest;
use world::{State, World, rate};

proptest! {
    #[test]
    fn does_only_what_the_model_allows_and_ends_every_task_once(
        config in config(),
        seed: u64,
        start in 0..1_000_000u64,
        ops in proptest::collection::vec(op(), 0..120),
    ) {
        let mut world = World::new(config, seed, start);
        for op in ops {
            world.apply(op);
        }
        // A rate may let only some of them begin at a time.
        for _ in 0..20 {
            while let Some(token) = world.tokens(|task| matches!(task.state, State::Running { .. })).first() {
                world.turn += 1;
                world.settle(*token, false, None);
                world.drain();
            }
            world.apply(Op::Advance(10_000));
        }
        assert_eq!((world.live.len(), world.machine.lanes(), world.machine.poll_at()), (0, 0, None));
        if let Some((tokens, interval, burst, _)) = rate(config) {
            for (first, begin) in world.starts.iter().enumerate() {
                for (last, end) in world.starts.iter().enumerate().skip(first) {
                    let most = burst * interval + tokens * (end - begin);
                    assert!((last - first + 1) as u64 * interval <= most, "never above burst and rate, in any window");
                }
            }
        }
    }
}
