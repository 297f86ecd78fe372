//! How many may run, and how that changes.

use super::super::adaptive::{AdaptiveRules, Algorithm, Load};
use super::super::breaker::Verdict;
use super::super::{Action, Admission, Config, Ending, Limits, Micros, Outcome, Rate, RateLimit, Schedule, Settled};
use super::{admitted, config, ms};
use crate::time::{Duration, Instant};
use std::num::NonZeroU32;

#[test]
fn a_lane_may_have_a_limit_of_its_own() {
    let config = Config { breaker: None, concurrency: NonZeroU32::new(10).expect("not zero"), ..config() };
    let mut machine = Schedule::new(config, 1, Instant::ZERO);
    let now = Instant::from_millis(5);
    let (mut lane, mut other) = (None, None);
    let tasks = [(); 6].map(|()| admitted(&mut machine, &mut lane, None, Limits::NONE, now));
    let begun = |machine: &mut Schedule| {
        let mut count = 0;
        while let Some(Action::Start { .. }) = machine.poll_action(now) {
            count += 1;
        }
        count
    };
    assert_eq!(begun(&mut machine), 2);
    let lane = lane.expect("a lane");
    let limit = |machine: &mut Schedule, limit| {
        machine.limit_lane(lane, NonZeroU32::new(limit).expect("not zero"), now);
        machine.validate();
    };
    limit(&mut machine, 4);
    assert_eq!(begun(&mut machine), 2);
    limit(&mut machine, 1);
    let settle = |machine: &mut Schedule, task| {
        machine.settle(task, 1, Outcome::Ok, (Verdict::Success, Load::Ignored), now);
    };
    for task in &tasks[..3] {
        settle(&mut machine, *task);
        assert_eq!(begun(&mut machine), 0);
    }
    settle(&mut machine, tasks[3]);
    assert_eq!(begun(&mut machine), 1);
    // Others have what all have.
    for _ in 0..3 {
        admitted(&mut machine, &mut other, None, Limits::NONE, now);
    }
    assert_eq!(begun(&mut machine), 2);
    machine.validate();
}

#[test]
fn nobody_begins_while_it_is_paused_and_deadlines_hold() {
    let config = Config { breaker: None, max_queue: 1, ..config() };
    let mut machine = Schedule::new(config, 1, Instant::ZERO);
    let mut lane = None;
    machine.set_paused(true, Instant::ZERO);
    let limits = Limits { total: ms(100), ..Limits::NONE };
    let late = admitted(&mut machine, &mut lane, None, limits, Instant::ZERO);
    assert_eq!(machine.submit(lane, None, Limits::NONE, Instant::ZERO), Admission::QueueFull);
    assert_eq!(machine.poll_action(Instant::ZERO), None);
    let now = Instant::from_millis(100);
    assert!(matches!(machine.poll_action(now), Some(Action::Expire { task, .. }) if task == late));
    let next = admitted(&mut machine, &mut None, None, Limits::NONE, now);
    machine.set_paused(false, now);
    assert_eq!(machine.poll_action(now), Some(Action::Start { task: next, attempt: 1 }));
    machine.validate();
}

#[test]
fn refusals_lower_the_limit_and_every_change_is_told() {
    let rules = AdaptiveRules {
        algorithm: Algorithm::Gradient,
        min: 1,
        max: 50,
        initial: 8,
        max_healthy_latency: Duration::FOREVER,
        max_limit_factor: 5,
    };
    let some = |count| NonZeroU32::new(count).expect("not zero");
    let config = Config { breaker: None, adaptive: Some(rules), concurrency: some(50), per_lane: some(50), ..config() };
    let mut machine = Schedule::new(Config { max_queue: 1000, ..config }, 1, Instant::ZERO);
    let mut lane = None;
    let (mut running, mut now, mut limit) = (std::collections::VecDeque::new(), Instant::ZERO, 8);
    for _ in 0..400 {
        admitted(&mut machine, &mut lane, None, Limits::NONE, now);
    }
    for _ in 0..400 {
        while let Some(action) = machine.poll_action(now) {
            match action {
                Action::Start { task, .. } => running.push_back(task),
                Action::Limit(change) => {
                    assert_eq!((change.from, change.to), (limit, machine.concurrency()));
                    limit = change.to;
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(running.len() <= 8);
        now = now + ms(50);
        let Some(task) = running.pop_front() else { break };
        machine.settle(task, 1, Outcome::Ok, (Verdict::Ignored, Load::Overload), now);
    }
    assert_eq!(limit, 1);
    machine.validate();
}

#[test]
fn keeps_no_memory_of_hosts_it_is_done_with() {
    let mut machine = Schedule::new(Config { breaker: None, ..config() }, 0, Instant::ZERO);
    let limits = Limits::NONE;
    for _ in 0..10_000 {
        let Admission::Admitted { task, .. } = machine.submit(None, None, limits, Instant::ZERO) else {
            panic!("there is room")
        };
        assert_eq!(machine.poll_action(Instant::ZERO), Some(Action::Start { task, attempt: 1 }));
        assert!(matches!(
            machine.settle(task, 1, Outcome::Ok, (Verdict::Success, Load::Ignored), Instant::ZERO),
            Settled::Done(Ending::Final, _)
        ));
    }
    assert_eq!((machine.lanes(), machine.running()), (0, 0));
    machine.validate();
}

#[test]
fn tells_the_wait_for_the_rate_from_the_wait_for_a_slot() {
    let one = NonZeroU32::MIN;
    let rate_limit =
        RateLimit { rate: Rate { tokens: one, interval: Micros(100_000), burst: one }, max_wait: Micros(250_000) };
    let config = Config { concurrency: one, per_lane: one, breaker: None, rate_limit: Some(rate_limit), ..config() };
    let mut machine = Schedule::new(config, 0, Instant::ZERO);
    let limits = Limits::NONE;
    let [first, second, third] = [(); 3].map(|()| match machine.submit(None, None, limits, Instant::ZERO) {
        Admission::Admitted { task, .. } => task,
        other => panic!("{other:?}"),
    });
    assert_eq!(machine.submit(None, None, limits, Instant::ZERO), Admission::RateLimited { wait: Micros(300_000) });
    let mut settle = |task, from, to| {
        let (from, to) = (Instant::from_millis(from), Instant::from_millis(to));
        assert_eq!(machine.poll_action(from), Some(Action::Start { task, attempt: 1 }));
        let Settled::Done(Ending::Final, spent) =
            machine.settle(task, 1, Outcome::Ok, (Verdict::Success, Load::Ignored), to)
        else {
            panic!("it has run")
        };
        (spent.queued.as_millis(), spent.rate.as_millis(), spent.running.as_millis(), machine.poll_at())
    };
    let at = |ms| Some(Instant::from_millis(ms));
    // The first runs for 30 ms, so the others wait as long for the slot, and then for a token.
    assert_eq!(settle(first, 0, 30), (0, 0, 30, at(100)));
    assert_eq!(settle(second, 100, 250), (30, 70, 150, None));
    assert_eq!(settle(third, 250, 250), (180, 70, 0, None));
    machine.validate();
}
