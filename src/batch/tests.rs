use super::{Action, BatchRun, BatchSize, Config, Outcome, Progress, SettleError, Verdict};
use crate::slab::Token;
use crate::time::{Duration, Instant};
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use std::collections::BTreeSet;
use std::num::NonZeroU32;

fn config(batch_size: u32, concurrency: u32) -> Config {
    Config {
        batch_size: BatchSize::Fixed(NonZeroU32::new(batch_size).expect("not zero")),
        concurrency: NonZeroU32::new(concurrency).expect("not zero"),
        max_retries: 0,
        initial_delay: Duration::from_millis(100),
        max_delay: Duration::from_millis(1000),
        timeout: Duration::FOREVER,
        isolate: true,
    }
}

fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

fn of(config: Config, items: u64) -> BatchRun {
    let mut run = BatchRun::new(config);
    run.supply(items);
    run.end();
    run
}

/// Starts everything that can start.
fn started(run: &mut BatchRun, now: u64) -> Vec<(Token, u64, u32, u32)> {
    std::iter::from_fn(|| run.poll_action(at(now)))
        .map(|action| match action {
            Action::Start { token, start, len, attempt } => (token, start, len, attempt),
            Action::Expire { .. } => panic!("nothing has a deadline"),
        })
        .collect()
}

#[derive(Clone, Debug)]
enum Step {
    Supply(u64),
    End,
    Poll,
    Answer(usize, u32),
    Throw(usize),
    Refuse(usize),
    Advance(u64),
    Abort,
    Abandon,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..40u64).prop_map(Step::Supply),
        1 => Just(Step::End),
        8 => Just(Step::Poll),
        6 => (0..8usize, 0..9u32).prop_map(|(which, failed)| Step::Answer(which, failed)),
        4 => (0..8usize).prop_map(Step::Throw),
        1 => (0..8usize).prop_map(Step::Refuse),
        3 => (1..400u64).prop_map(Step::Advance),
        1 => prop_oneof![9 => Just(Step::Poll), 1 => Just(Step::Abort), 1 => Just(Step::Abandon)],
    ]
}

/// The model: the state of each item by itself, and the ranges handed over.
#[derive(Default)]
struct Model {
    settled: BTreeSet<u64>,
    flying: Vec<(Token, u64, u32)>,
    expired: BTreeSet<u64>,
    supplied: u64,
    open: bool,
    aborted: bool,
    progress: (u64, u64),
}

impl Model {
    fn settle(&mut self, start: u64, len: u32) {
        for item in start..start + u64::from(len) {
            assert!(self.settled.insert(item), "item {item} settled twice");
        }
    }
}

fn apply(run: &mut BatchRun, model: &mut Model, step: Step, now: u64, config: &Config) {
    let take = |model: &mut Model, which: usize| (which < model.flying.len()).then(|| model.flying.remove(which));
    match step {
        Step::Supply(count) => {
            run.supply(count);
            model.supplied += if model.open { count } else { 0 };
        }
        Step::End => {
            run.end();
            model.open = false;
        }
        Step::Poll => {
            while let Some(action) = run.poll_action(at(now)) {
                match action {
                    Action::Expire { token } => assert!(model.expired.insert(token.to_number())),
                    Action::Start { token, start, len, .. } => {
                        assert!(!model.aborted && len >= 1 && len <= run.batch_size());
                        for (_, other, count) in &model.flying {
                            assert!(start + u64::from(len) <= *other || other + u64::from(*count) <= start);
                        }
                        assert!((start..start + u64::from(len)).all(|item| !model.settled.contains(&item)));
                        model.flying.push((token, start, len));
                    }
                }
                assert!(model.flying.len() <= config.concurrency.get() as usize);
            }
            assert!(run.poll_at().is_none_or(|when| when > at(now)), "polled to the end, and yet due");
        }
        Step::Answer(which, failed) => {
            if let Some((token, start, len)) = take(model, which) {
                let failed = failed.min(len);
                let verdict = run.handle_outcome(token, Outcome::Answered { failed }, at(now));
                assert_eq!(verdict, Ok(Verdict::Settled));
                model.settle(start, len);
                model.progress.0 += u64::from(len - failed);
                model.progress.1 += u64::from(failed);
                assert_eq!(run.handle_outcome(token, Outcome::Threw, at(now)), Err(SettleError::NotInFlight));
            }
        }
        Step::Throw(which) => {
            if let Some((token, start, len)) = take(model, which) {
                match run.handle_outcome(token, Outcome::Threw, at(now)).expect("it flies") {
                    Verdict::Failed => {
                        assert!(model.aborted || len == 1 || !config.isolate);
                        model.settle(start, len);
                        model.progress.1 += if model.aborted { 0 } else { u64::from(len) };
                    }
                    Verdict::Retry(when) => assert!(!model.aborted && when > at(now)),
                    Verdict::Split => assert!(!model.aborted && len > 1 && config.isolate),
                    Verdict::Settled => panic!("nothing was answered"),
                }
            }
        }
        Step::Refuse(which) => {
            if let Some((token, start, len)) = take(model, which) {
                assert_eq!(run.handle_outcome(token, Outcome::Refused, at(now)), Ok(Verdict::Failed));
                model.settle(start, len);
                model.progress.1 += u64::from(len);
            }
        }
        Step::Advance(_) => {}
        Step::Abort | Step::Abandon => {
            model.aborted = true;
            model.open = false;
            if matches!(step, Step::Abandon) {
                run.abandon();
                model.flying.clear();
            } else {
                run.abort();
            }
            for item in 0..model.supplied {
                if !model.flying.iter().any(|(_, start, len)| (*start..start + u64::from(*len)).contains(&item)) {
                    model.settled.insert(item);
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn every_item_settles_exactly_once(
        steps in proptest::collection::vec(step(), 0..120),
        (batch_size, concurrency, max_retries) in (1..20u32, 1..6u32, 0..3u32),
        timeout in proptest::option::of(50..500u64),
        isolate in any::<bool>(),
    ) {
        let timeout = timeout.map_or(Duration::FOREVER, Duration::from_millis);
        let config = Config { max_retries, timeout, isolate, ..config(batch_size, concurrency) };
        let mut run = BatchRun::new(config);
        let mut model = Model { open: true, ..Model::default() };
        let mut now = 0;
        for step in steps {
            now += if let Step::Advance(ms) = step { ms } else { 0 };
            apply(&mut run, &mut model, step, now, &config);
            run.validate();
            let Progress { done, failed, .. } = run.progress();
            assert_eq!((done, failed), model.progress);
            assert_eq!(run.progress().settled(), model.settled.len() as u64);
        }
        // Whatever happened, answering everything brings the run to its end.
        apply(&mut run, &mut model, Step::End, now, &config);
        for _ in 0..2000 {
            now += 1000;
            apply(&mut run, &mut model, Step::Poll, now, &config);
            apply(&mut run, &mut model, Step::Answer(0, 0), now, &config);
        }
        run.validate();
        assert!(run.is_finished(), "{run:?}");
        assert_eq!(model.settled.len() as u64, model.supplied);
    }

    /// The handler throws whenever a poisoned item is in its batch.
    #[test]
    fn poison_items_are_isolated_at_logarithmic_cost(
        poison in proptest::collection::btree_set(0..500u64, 0..6),
        batch_size in 1..129u32,
        concurrency in 1..5u32,
    ) {
        let mut run = of(config(batch_size, concurrency), 500);
        let mut failed = BTreeSet::new();
        while let Some(action) = run.poll_action(at(0)) {
            let Action::Start { token, start, len, .. } = action else { panic!("no deadlines") };
            let range = start..start + u64::from(len);
            let outcome = match poison.range(range.clone()).next() {
                Some(_) => Outcome::Threw,
                None => Outcome::Answered { failed: 0 },
            };
            if run.handle_outcome(token, outcome, at(0)) == Ok(Verdict::Failed) {
                failed.extend(range);
            }
            run.validate();
        }
        assert!(run.is_finished());
        assert_eq!(failed, poison);
        let levels = u64::from(batch_size.next_power_of_two().ilog2());
        let whole = 500u64.div_ceil(u64::from(batch_size));
        assert!(run.progress().calls <= whole + 2 * poison.len() as u64 * levels, "{:?}", run.progress());
    }

    #[test]
    fn no_more_is_read_than_can_be_open(supplies in proptest::collection::vec(1..50u64, 1..60)) {
        let mut run = BatchRun::new(config(10, 3));
        let mut flying = Vec::new();
        for (turn, most) in supplies.into_iter().enumerate() {
            run.supply(run.wanted().min(most));
            flying.extend(started(&mut run, 0));
            assert!(run.supplied() - run.progress().settled() <= 30);
            assert!(run.wanted() > 0 || !flying.is_empty(), "stuck");
            if turn % 2 == 0 && !flying.is_empty() {
                let (token, ..) = flying.remove(0);
                run.handle_outcome(token, Outcome::Answered { failed: 0 }, at(0)).expect("it flies");
            }
        }
    }
}

#[test]
fn a_throw_is_retried_after_a_doubling_pause_and_then_cut() {
    let mut run = of(Config { max_retries: 2, ..config(4, 1) }, 4);
    let [(token, 0, 4, 1)] = started(&mut run, 0)[..] else { panic!("one batch") };
    assert_eq!(run.handle_outcome(token, Outcome::Threw, at(0)), Ok(Verdict::Retry(at(100))));
    assert_eq!((started(&mut run, 99), run.poll_at()), (vec![], Some(at(100))));
    let [(token, 0, 4, 2)] = started(&mut run, 100)[..] else { panic!("the same batch") };
    assert_eq!(run.handle_outcome(token, Outcome::Threw, at(100)), Ok(Verdict::Retry(at(300))));
    let [(token, 0, 4, 3)] = started(&mut run, 300)[..] else { panic!("the same batch") };
    assert_eq!(run.handle_outcome(token, Outcome::Threw, at(300)), Ok(Verdict::Split));
    let [(token, 0, 2, 4)] = started(&mut run, 300)[..] else { panic!("the first half") };
    assert_eq!(run.handle_outcome(token, Outcome::Threw, at(300)), Ok(Verdict::Split));
    let [(token, 0, 1, 5)] = started(&mut run, 300)[..] else { panic!("the first item") };
    assert_eq!(run.handle_outcome(token, Outcome::Threw, at(300)), Ok(Verdict::Retry(at(400))));
}

#[test]
fn a_batch_that_takes_too_long_expires_once() {
    let mut run = of(Config { timeout: Duration::from_millis(50), ..config(2, 2) }, 4);
    let flying = started(&mut run, 0);
    assert_eq!(run.poll_at(), Some(at(50)));
    let (first, second) = (flying[0].0, flying[1].0);
    run.handle_outcome(first, Outcome::Answered { failed: 0 }, at(10)).expect("it flies");
    assert_eq!(run.poll_action(at(50)), Some(Action::Expire { token: second }));
    assert_eq!((run.poll_action(at(50)), run.poll_at()), (None, None));
    assert_eq!(run.handle_outcome(second, Outcome::Threw, at(50)), Ok(Verdict::Split));
}

#[test]
fn an_impossible_answer_changes_nothing() {
    let mut run = of(config(2, 1), 2);
    let (token, ..) = started(&mut run, 0)[0];
    let outcome = Outcome::Answered { failed: 3 };
    assert_eq!(run.handle_outcome(token, outcome, at(0)), Err(SettleError::TooManyFailed));
    assert_eq!(run.handle_outcome(token, Outcome::Refused, at(0)), Ok(Verdict::Failed));
    assert_eq!(run.progress().failed, 2);
}
