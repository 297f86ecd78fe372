//! Tasks whose attempts go through circuits.

use super::super::adaptive::Load;
use super::super::breaker::{Cause, Verdict};
use super::super::{Action, Admission, Ending, Limits, Outcome, Schedule, Settled};
use super::{admitted, config, ms};
use crate::time::Instant;

#[test]
fn whoever_waits_when_a_circuit_opens_is_refused_and_then_one_probe_decides() {
    let mut machine = Schedule::new(config(), 1, Instant::ZERO);
    let now = Instant::from_millis(5);
    let circuit = machine.breakers().map(|breakers| breakers.add(now));
    let mut lane = None;
    let tasks = [(); 5].map(|()| admitted(&mut machine, &mut lane, circuit, Limits::NONE, now));
    for task in [tasks[0], tasks[1]] {
        assert_eq!(machine.poll_action(now), Some(Action::Start { task, attempt: 1 }));
    }
    let settle = |machine: &mut Schedule, task, verdict, now| {
        let settled = machine.settle(task, 1, Outcome::Ok, (verdict, Load::Ignored), now);
        assert!(matches!(settled, Settled::Done(Ending::Final, _)));
    };
    settle(&mut machine, tasks[0], Verdict::Failure, now);
    assert_eq!(machine.poll_action(now), Some(Action::Start { task: tasks[2], attempt: 1 }));
    settle(&mut machine, tasks[1], Verdict::Failure, now);
    let opened = machine.poll_action(now);
    assert!(matches!(opened, Some(Action::Circuit { cause: Cause::Failures, .. })), "{opened:?}");
    for waiting in [tasks[3], tasks[4]] {
        let Some(Action::Refuse { task, refusal, .. }) = machine.poll_action(now) else { panic!("refused") };
        assert_eq!((task, refusal.retry_at), (waiting, now + ms(1000)));
    }
    assert!(matches!(machine.submit(lane, circuit, Limits::NONE, now), Admission::CircuitOpen(_)));
    // What was begun before says nothing.
    settle(&mut machine, tasks[2], Verdict::Success, now);
    let later = now + ms(1000);
    let mut lane = None;
    let probe = admitted(&mut machine, &mut lane, circuit, Limits::NONE, later);
    assert_eq!(machine.poll_action(later), Some(Action::Start { task: probe, attempt: 1 }));
    assert!(matches!(machine.submit(lane, circuit, Limits::NONE, later), Admission::CircuitOpen(_)));
    // Given up by its caller: the next one is let through.
    machine.cancel(probe, later);
    let probe = admitted(&mut machine, &mut None, circuit, Limits::NONE, later);
    assert_eq!(machine.poll_action(later), Some(Action::Start { task: probe, attempt: 1 }));
    settle(&mut machine, probe, Verdict::Success, later);
    let closed = machine.poll_action(later);
    assert!(matches!(closed, Some(Action::Circuit { cause: Cause::ProbesPassed, .. })), "{closed:?}");
    assert!(matches!(machine.submit(None, circuit, Limits::NONE, later), Admission::Admitted { .. }));
    machine.validate();
}

#[test]
fn whoever_would_be_refused_after_the_pause_is_not_tried_again() {
    let mut machine = Schedule::new(config(), 1, Instant::ZERO);
    let now = Instant::ZERO;
    let circuit = machine.breakers().map(|breakers| breakers.add(now));
    let limits = Limits { retries: 5, attempt: ms(100), ..Limits::NONE };
    let task = admitted(&mut machine, &mut None, circuit, limits, now);
    let again = Outcome::Retryable { retry_after: None };
    assert_eq!(machine.poll_action(now), Some(Action::Start { task, attempt: 1 }));
    assert!(matches!(machine.settle(task, 1, again, (Verdict::Failure, Load::Ignored), now), Settled::Backoff { .. }));
    let now = Instant::from_millis(50);
    assert_eq!(machine.poll_action(now), Some(Action::Start { task, attempt: 2 }));
    assert!(matches!(
        machine.settle(task, 2, again, (Verdict::Failure, Load::Ignored), now),
        Settled::Done(Ending::CircuitOpen, _)
    ));
}
