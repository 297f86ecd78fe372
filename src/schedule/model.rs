//! The machine against a naive model that searches and recounts: it checks that each action is allowed at that moment,
//! and that nothing which is due stays undone.

use super::adaptive::Load;
use super::breaker::Verdict;
use super::{
    Action, Admission, Backoff, Config, DOUBLE, Deadline, Ending, Jitter, Limits, Micros, Outcome, Overflow, Rate,
    RateLimit, Schedule, Settled, Spent,
};
use crate::slab::Token;
use crate::time::{Duration, Instant};
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

#[derive(Clone, Debug)]
enum Op {
    Submit {
        key: u8,
        attempt: u64,
        total: u64,
        retries: u32,
        place: (u64, i32, u32),
    },
    Adopt {
        key: u8,
        attempt: u64,
        weight: u32,
    },
    Settle {
        pick: usize,
        retryable: bool,
        retry_after: Option<u64>,
    },
    SettleStale {
        pick: usize,
        attempt: u32,
    },
    Cancel {
        pick: usize,
    },
    Hold {
        key: u8,
        span: u64,
    },
    Advance(u64),
    /// Time passes and the host is too busy to poll.
    Drift(u64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Queued { turn: u64 },
    Running { since: u64 },
    Asleep { until: u64 },
}

#[derive(Clone, Debug)]
struct Task {
    key: u8,
    state: State,
    limits: (u64, u64, u32),
    /// The longest wait for the first attempt, the priority and the weight.
    place: (u64, i32, u32),
    /// When it joined the queue last.
    joined: u64,
    submitted: u64,
    attempts: u32,
}

struct World {
    machine: Schedule,
    config: Config,
    now: u64,
    /// The number of the input; what one poll does counts as done at once.
    turn: u64,
    live: BTreeMap<Token, Task>,
    lanes: BTreeMap<u8, Token>,
    /// The lanes with a waiting task and room to run it, and who has been served since.
    ready: BTreeMap<u8, BTreeSet<u8>>,
    ended: Vec<Token>,
    submitted: usize,
    /// When attempts began, and what is in the bucket, in units of which a token is as many as its interval has milliseconds.
    starts: Vec<u64>,
    level: u64,
    /// Until when lanes are held.
    held: BTreeMap<u8, u64>,
    /// Whether the last one that came has taken the place of another.
    room: bool,
}

impl World {
    fn new(config: Config, seed: u64, now: u64) -> Self {
        let machine = Schedule::new(config, seed, Instant::from_millis(now));
        let (live, lanes, ready) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self {
            machine,
            config,
            now,
            turn: 0,
            live,
            lanes,
            ready,
            ended: Vec::new(),
            submitted: 0,
            starts: Vec::new(),
            level: capacity(config),
            room: false,
            held: BTreeMap::new(),
        }
    }

    fn at(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    fn pass(&mut self, to: u64) {
        if let Some((tokens, ..)) = rate(self.config) {
            let dripped = (to - self.now).saturating_mul(tokens);
            self.level = self.level.saturating_add(dripped).min(capacity(self.config));
        }
        self.now = to;
    }

    fn has_token(&self) -> bool {
        rate(self.config).is_none_or(|(_, interval, ..)| self.level >= interval)
    }

    /// After how many microseconds the rate would let the last of `count` begin.
    fn rate_wait(&self, count: u64) -> u64 {
        rate(self.config)
            .map_or(0, |(tokens, interval, ..)| ((count * interval).saturating_sub(self.level) * 1000).div_ceil(tokens))
    }

    fn running(&self, key: Option<u8>) -> u32 {
        let runs = |task: &&Task| matches!(task.state, State::Running { .. }) && key.is_none_or(|key| task.key == key);
        self.live.values().filter(runs).count() as u32
    }

    /// Places that are taken.
    fn taken(&self, key: Option<u8>) -> u32 {
        let runs = |task: &&Task| matches!(task.state, State::Running { .. }) && key.is_none_or(|key| task.key == key);
        self.live.values().filter(runs).map(|task| task.place.2).sum()
    }

    fn fits(&self, key: u8, weight: u32) -> bool {
        self.fits_lane(key, weight) && fits(self.taken(None), weight, self.config.concurrency.get())
    }

    fn fits_lane(&self, key: u8, weight: u32) -> bool {
        !self.held.contains_key(&key) && fits(self.taken(Some(key)), weight, self.config.per_lane.get())
    }

    /// Who comes first: by arrival less what the priority is worth, and whoever wakes after whoever comes at the same time.
    fn rank(&self, token: Token) -> (i128, u64) {
        let task = &self.live[&token];
        let State::Queued { turn } = task.state else { panic!("it waits") };
        let (aging, priority) = (self.config.aging, i128::from(task.place.1));
        if aging == Duration::FOREVER {
            return (-priority, turn);
        }
        (i128::from(task.joined) - priority * i128::from(aging.as_millis()), turn)
    }

    /// Who waits in a lane, in order.
    fn line(&self, key: u8) -> Vec<Token> {
        let waits = |task: &Task| task.key == key && matches!(task.state, State::Queued { .. });
        let mut line: Vec<_> = self.live.iter().filter(|(_, task)| waits(task)).map(|(&token, _)| token).collect();
        line.sort_by_key(|&token| self.rank(token));
        line
    }

    /// Whether the first of a lane has room to run, but for the rate.
    fn has_room(&self, key: u8) -> bool {
        let line = self.line(key);
        let Some(&first) = line.first() else { return false };
        // Which of several that woke at the same time is first, only the machine knows.
        line.iter()
            .take_while(|&&token| self.rank(token) == self.rank(first))
            .all(|token| self.fits(key, self.live[token].place.2))
    }

    fn apply(&mut self, op: Op) {
        self.turn += 1;
        match op {
            Op::Submit { key, attempt, total, retries, place } => self.submit(key, (attempt, total, retries), place),
            Op::Adopt { key, attempt, weight } => self.adopt(key, attempt, weight),
            Op::Settle { pick, retryable, retry_after } => {
                let running: Vec<Token> = self.tokens(|task| matches!(task.state, State::Running { .. }));
                if !running.is_empty() {
                    self.settle(running[pick % running.len()], retryable, retry_after);
                }
            }
            Op::SettleStale { pick, attempt } => self.settle_stale(pick, attempt),
            Op::Hold { key, span } => {
                if let Some(&lane) = self.lanes.get(&key) {
                    let until = self.now + span;
                    self.machine.hold(lane, Instant::from_millis(until), self.at());
                    if span > 0 {
                        let held = self.held.entry(key).or_insert(until);
                        *held = until.max(*held);
                    }
                    self.find_ready();
                }
            }
            Op::Cancel { pick } => {
                let live = self.tokens(|_| true);
                if !live.is_empty() {
                    let task = live[pick % live.len()];
                    let spent = self.machine.cancel(task, self.at()).expect("a live task can be cancelled");
                    self.end(task, spent);
                }
            }
            Op::Advance(span) => {
                let end = self.now + span;
                while let Some(at) = self.machine.poll_at().map(Instant::as_millis).filter(|&at| at <= end) {
                    self.pass(self.now.max(at));
                    self.turn += 1;
                    self.drain();
                }
                self.pass(end);
            }
            Op::Drift(span) => {
                self.pass(self.now + span);
                return;
            }
        }
        self.drain();
    }

    fn tokens(&self, wanted: impl Fn(&Task) -> bool) -> Vec<Token> {
        self.live.iter().filter(|(_, task)| wanted(task)).map(|(&token, _)| token).collect()
    }

    fn submit(&mut self, key: u8, limits: (u64, u64, u32), place: (u64, i32, u32)) {
        let waiting = self.live.len() as u32 - self.running(None);
        let (wait, priority, weight) = place;
        let at_once = self.fits(key, weight) && self.line(key).is_empty() && self.ready.is_empty() && self.has_token();
        let queued = self.tokens(|task| matches!(task.state, State::Queued { .. })).len() as u64;
        let is_full = (waiting >= self.config.max_queue || wait == 0) && !at_once;
        let makes_room = self.config.overflow == Overflow::DropOldest && wait > 0 && queued > 0;
        let refused = is_full && !makes_room;
        let (attempt, total, retries) = limits;
        let held = self.held.get(&key).is_some_and(|&until| until >= self.now.saturating_add(wait.min(total)));
        let refused = refused && !held;
        let too_long = held || rate(self.config).is_some_and(|(.., most)| self.rate_wait(queued + 1) > most);
        let asked = Limits {
            attempt: Duration::from_millis(attempt),
            total: Duration::from_millis(total),
            retries,
            wait: Duration::from_millis(wait),
            priority,
            weight: NonZeroU32::new(weight).expect("not zero"),
        };
        match self.machine.submit(self.lanes.get(&key).copied(), None, asked, self.at()) {
            Admission::CircuitOpen(_) => panic!("there are no circuits"),
            Admission::QueueFull => assert!(refused),
            Admission::RateLimited { .. } => assert!(!refused && too_long),
            Admission::Admitted { task, lane } => {
                assert!(!refused && !too_long);
                self.room = is_full && makes_room;
                assert_eq!(*self.lanes.entry(key).or_insert(lane), lane);
                self.submitted += 1;
                let state = State::Queued { turn: self.turn * 2 };
                assert!(
                    self.live
                        .insert(
                            task,
                            Task { key, state, limits, place, joined: self.now, submitted: self.now, attempts: 0 }
                        )
                        .is_none()
                );
            }
        }
        self.find_ready();
    }

    /// It runs from the beginning, and no limit keeps it from that.
    fn adopt(&mut self, key: u8, attempt: u64, weight: u32) {
        let asked = Limits {
            attempt: Duration::from_millis(attempt),
            weight: NonZeroU32::new(weight).expect("not zero"),
            ..Limits::NONE
        };
        let (token, lane) = self.machine.adopt(self.lanes.get(&key).copied(), asked, self.at());
        assert_eq!(*self.lanes.entry(key).or_insert(lane), lane);
        let (limits, place) = ((attempt, u64::MAX, 0), (u64::MAX, 0, weight));
        let state = State::Running { since: self.now };
        let task = Task { key, state, limits, place, joined: self.now, submitted: self.now, attempts: 1 };
        assert!(self.live.insert(token, task).is_none());
        self.submitted += 1;
        self.ready.remove(&key);
        self.find_ready();
    }

    fn settle(&mut self, token: Token, retryable: bool, retry_after: Option<u64>) {
        let task = self.live[&token].clone();
        let outcome = match (retryable, retry_after) {
            (true, ms) => Outcome::Retryable { retry_after: ms.map(Duration::from_millis) },
            (false, Some(_)) => Outcome::Fatal,
            (false, None) => Outcome::Ok,
        };
        let expires = task.submitted.saturating_add(task.limits.1);
        match self.machine.settle(token, task.attempts, outcome, (Verdict::Success, Load::Ignored), self.at()) {
            Settled::Stale => panic!("a running attempt is not stale"),
            Settled::Backoff { until } => {
                assert!(retryable);
                self.put_to_sleep(token, until, retry_after);
            }
            Settled::Done(ending, spent) => {
                let max_pause = self.config.max_retry_after.as_millis();
                match ending {
                    Ending::Final => assert!(!retryable),
                    Ending::Exhausted => assert!(retryable && task.attempts > task.limits.2),
                    Ending::PauseTooLong => assert!(retry_after.is_some_and(|ms| ms > max_pause)),
                    Ending::CircuitOpen | Ending::BudgetSpent => panic!("there are no circuits and no budget"),
                    Ending::NoTimeLeft => {
                        let longest = self.config.backoff.max.as_millis().max(retry_after.unwrap_or(0));
                        assert!(retryable && self.now + longest >= expires);
                    }
                }
                self.end(token, spent);
            }
        }
    }

    fn settle_stale(&mut self, pick: usize, attempt: u32) {
        if let Some(&token) = self.ended.get(pick % self.ended.len().max(1)) {
            assert_eq!(
                self.machine.settle(token, attempt, Outcome::Ok, (Verdict::Success, Load::Ignored), self.at()),
                Settled::Stale
            );
            assert_eq!(self.machine.cancel(token, self.at()), None);
        }
        let other = self.tokens(|task| !matches!(task.state, State::Running { .. }) || task.attempts != attempt);
        if !other.is_empty() {
            let token = other[pick % other.len()];
            assert_eq!(
                self.machine.settle(token, attempt, Outcome::Fatal, (Verdict::Failure, Load::Ignored), self.at()),
                Settled::Stale
            );
        }
    }

    fn put_to_sleep(&mut self, token: Token, until: Instant, retry_after: Option<u64>) {
        let (now, backoff, max_pause) = (self.now, self.config.backoff, self.config.max_retry_after);
        let task = self.live.get_mut(&token).expect("a live task");
        let pause = until.as_millis() - now;
        assert!(matches!(task.state, State::Running { .. }) && task.attempts <= task.limits.2);
        assert!(pause >= retry_after.unwrap_or(0) && retry_after.unwrap_or(0) <= max_pause.as_millis());
        assert!(pause <= backoff.max.as_millis().max(retry_after.unwrap_or(0)));
        assert!(until.as_millis() < task.submitted.saturating_add(task.limits.1));
        task.state = State::Asleep { until: until.as_millis() };
        self.find_ready();
    }

    fn end(&mut self, token: Token, spent: Spent) {
        let task = self.live.remove(&token).expect("a task ends once");
        let all =
            spent.queued.as_millis() + spent.rate.as_millis() + spent.running.as_millis() + spent.backoff.as_millis();
        assert_eq!((all, spent.attempts), (self.now - task.submitted, task.attempts));
        if !self.live.values().any(|other| other.key == task.key) && !self.held.contains_key(&task.key) {
            self.lanes.remove(&task.key);
        }
        self.ended.push(token);
        self.find_ready();
    }

    fn find_ready(&mut self) {
        for key in 0..KEYS {
            let first = self.line(key).first().map(|token| self.live[token].place.2);
            if first.is_some_and(|weight| self.fits_lane(key, weight)) {
                self.ready.entry(key).or_default();
            } else {
                self.ready.remove(&key);
            }
        }
    }

    fn let_go(&mut self) {
        let now = self.now;
        self.held.retain(|_, until| *until > now);
        let busy: BTreeSet<u8> = self.live.values().map(|task| task.key).collect();
        let held = &self.held;
        self.lanes.retain(|key, _| busy.contains(key) || held.contains_key(key));
        self.find_ready();
    }

    fn drain(&mut self) {
        self.let_go();
        while let Some(action) = self.machine.poll_action(self.at()) {
            match action {
                Action::Start { task, attempt } => self.started(task, attempt),
                Action::Abort { task, attempt, until } => {
                    let State::Running { since } = self.live[&task].state else {
                        panic!("only a running task is aborted")
                    };
                    assert!(since.saturating_add(self.live[&task].limits.0) <= self.now);
                    assert_eq!(attempt, self.live[&task].attempts);
                    self.put_to_sleep(task, until, None);
                }
                Action::Refuse { .. } | Action::Limit(_) | Action::Circuit { .. } => {
                    panic!("there are neither circuits nor limits that move")
                }
                Action::Expire { task, deadline, spent } => self.expired(task, deadline, spent),
            }
        }
        for task in self.live.values_mut() {
            assert!(task.submitted.saturating_add(task.limits.1) > self.now, "a task outlived its deadline");
            match task.state {
                State::Running { since } => assert!(since.saturating_add(task.limits.0) > self.now),
                State::Asleep { until } if until <= self.now => {
                    task.state = State::Queued { turn: self.turn * 2 + 1 };
                    task.joined = self.now;
                }
                State::Queued { .. } if task.attempts == 0 && task.place.0 > 0 => {
                    assert!(task.submitted.saturating_add(task.place.0) > self.now, "it waited for too long");
                }
                _ => {}
            }
        }
        self.find_ready();
        // A turn is kept for a heavy one until there is room, so that light ones do not keep it out.
        let room = self.ready.keys().all(|&key| self.has_room(key)) && !self.ready.is_empty();
        assert!(!room || !self.has_token(), "a slot is free, the rate allows it and a task waits");
        assert_eq!(self.machine.running(), self.running(None));
        assert_eq!(
            (self.machine.running() + self.machine.queued() + self.machine.sleeping()) as usize,
            self.live.len()
        );
        assert_eq!(self.live.len() + self.ended.len(), self.submitted);
        self.machine.validate();
    }

    fn started(&mut self, token: Token, attempt: u32) {
        let task = self.live[&token].clone();
        match task.state {
            State::Queued { .. } => {}
            State::Asleep { until } if until <= self.now => {
                let entry = self.live.get_mut(&token).expect("a live task");
                entry.state = State::Queued { turn: self.turn * 2 + 1 };
                entry.joined = self.now;
            }
            state => panic!("{state:?} cannot start"),
        }
        assert!(self.fits(task.key, task.place.2) && self.has_token(), "a limit is exceeded");
        self.level -= rate(self.config).map_or(0, |(_, interval, ..)| interval);
        self.starts.push(self.now);
        assert!(task.submitted.saturating_add(task.limits.1) > self.now, "started after its deadline");
        let first = self.line(task.key)[0];
        assert!(self.rank(first) == self.rank(token), "a lane is not in the order of priority and arrival");
        for (_, served) in self.ready.iter_mut().filter(|&(&key, _)| key != task.key) {
            assert!(served.insert(task.key), "a lane had two turns while another waited for one");
        }
        assert_eq!(attempt, task.attempts + 1);
        let entry = self.live.get_mut(&token).expect("a live task");
        entry.attempts += 1;
        entry.state = State::Running { since: self.now };
        self.ready.remove(&task.key);
        self.find_ready();
    }

    fn expired(&mut self, token: Token, deadline: Deadline, spent: Spent) {
        let task = self.live[&token].clone();
        let total = task.submitted.saturating_add(task.limits.1) <= self.now;
        match deadline {
            Deadline::Queue => assert!(total && task.attempts == 0),
            Deadline::Total => assert!(total && task.attempts > 0),
            Deadline::Wait => {
                assert!(!total && task.attempts == 0 && task.submitted.saturating_add(task.place.0) <= self.now);
            }
            Deadline::Room => {
                assert!(std::mem::take(&mut self.room) && matches!(task.state, State::Queued { .. }));
            }
            Deadline::Attempt => {
                let State::Running { since } = task.state else { panic!("only an attempt has that deadline") };
                assert!(!total && since.saturating_add(task.limits.0) <= self.now);
            }
        }
        self.end(token, spent);
    }
}

const KEYS: u8 = 4;

/// Tokens, milliseconds of the interval, burst, and the longest wait in microseconds.
fn rate(config: Config) -> Option<(u64, u64, u64, u64)> {
    let RateLimit { rate: Rate { tokens, interval, burst }, max_wait } = config.rate_limit?;
    Some((u64::from(tokens.get()), interval.0 / 1000, u64::from(burst.get()), max_wait.0))
}

fn capacity(config: Config) -> u64 {
    rate(config).map_or(0, |(_, interval, burst, _)| interval * burst)
}

fn span() -> impl Strategy<Value = u64> {
    prop_oneof![1..20u64, 1..500u64, Just(u64::MAX)]
}

fn fits(taken: u32, weight: u32, limit: u32) -> bool {
    taken == 0 || taken + weight <= limit
}

fn place() -> impl Strategy<Value = (u64, i32, u32)> {
    let wait = prop_oneof![6 => Just(u64::MAX), 1 => 1..200u64, 1 => Just(0)];
    (wait, prop_oneof![2 => Just(0), 1 => -2..4i32], prop_oneof![2 => Just(1), 1 => 1..4u32])
}

fn op() -> impl Strategy<Value = Op> {
    let retry_after = prop_oneof![Just(None), (0..300u64).prop_map(Some), any::<u64>().prop_map(Some)];
    prop_oneof![
        4 => (0..KEYS, span(), span(), 0..4u32, place())
            .prop_map(|(key, attempt, total, retries, place)| Op::Submit { key, attempt, total, retries, place }),
        1 => (0..KEYS, 1..500u64, 1..3u32).prop_map(|(key, attempt, weight)| Op::Adopt { key, attempt, weight }),
        3 => (any::<usize>(), any::<bool>(), retry_after)
            .prop_map(|(pick, retryable, retry_after)| Op::Settle { pick, retryable, retry_after }),
        1 => (any::<usize>(), 0..3u32).prop_map(|(pick, attempt)| Op::SettleStale { pick, attempt }),
        1 => any::<usize>().prop_map(|pick| Op::Cancel { pick }),
        1 => (0..KEYS, 0..300u64).prop_map(|(key, span)| Op::Hold { key, span }),
        2 => (0..200u64).prop_map(Op::Advance),
        1 => (0..50u64).prop_map(Op::Drift),
    ]
}

fn rate_limit() -> impl Strategy<Value = Option<RateLimit>> {
    let nonzero = |range: std::ops::Range<u32>| range.prop_map(|count| NonZeroU32::new(count).expect("not zero"));
    let limit = (nonzero(1..5), 1..100u64, nonzero(1..4), prop_oneof![Just(u64::MAX), 0..300_000u64]);
    proptest::option::of(limit.prop_map(|(tokens, interval, burst, max_wait)| RateLimit {
        rate: Rate { tokens, interval: Micros(interval * 1000), burst },
        max_wait: Micros(max_wait),
    }))
}

fn config() -> impl Strategy<Value = Config> {
    let overflow = prop_oneof![Just(Overflow::Reject), Just(Overflow::DropOldest)];
    let aging = prop_oneof![Just(u64::MAX), 1..100u64];
    (1..5u32, 1..4u32, 0..8u32, any::<bool>(), 0..50u64, 0..200u64, rate_limit(), overflow, aging).prop_map(
        |(concurrency, per_lane, max_queue, full, initial, max, rate_limit, overflow, aging)| Config {
            concurrency: NonZeroU32::new(concurrency).expect("not zero"),
            per_lane: NonZeroU32::new(per_lane).expect("not zero"),
            max_queue,
            overflow,
            aging: Duration::from_millis(aging),
            retry_budget: None,
            breaker: None,
            adaptive: None,
            backoff: Backoff {
                initial: Duration::from_millis(initial),
                max: Duration::from_millis(max),
                jitter: if full { Jitter::Full } else { Jitter::Decorrelated },
                factor: DOUBLE,
            },
            max_retry_after: Duration::from_millis(250),
            rate_limit,
        },
    )
}

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

#[test]
fn keeps_no_memory_of_hosts_it_is_done_with() {
    let nonzero = NonZeroU32::new(2).expect("not zero");
    let backoff = Backoff { initial: Duration::ZERO, max: Duration::ZERO, jitter: Jitter::Full, factor: DOUBLE };
    let config = Config {
        concurrency: nonzero,
        per_lane: nonzero,
        max_queue: 10,
        overflow: Overflow::Reject,
        aging: Duration::FOREVER,
        retry_budget: None,
        breaker: None,
        adaptive: None,
        backoff,
        max_retry_after: Duration::ZERO,
        rate_limit: None,
    };
    let mut machine = Schedule::new(config, 0, Instant::ZERO);
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
    let backoff = Backoff { initial: Duration::ZERO, max: Duration::ZERO, jitter: Jitter::Full, factor: DOUBLE };
    let rate_limit =
        RateLimit { rate: Rate { tokens: one, interval: Micros(100_000), burst: one }, max_wait: Micros(250_000) };
    let config = Config {
        concurrency: one,
        per_lane: one,
        max_queue: 10,
        overflow: Overflow::Reject,
        aging: Duration::FOREVER,
        retry_budget: None,
        breaker: None,
        adaptive: None,
        backoff,
        max_retry_after: Duration::ZERO,
        rate_limit: Some(rate_limit),
    };
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

mod circuits {
    use super::super::adaptive::{AdaptiveRules, Algorithm, Load};
    use super::super::breaker::{Cause, MILLION, Rules, Verdict, WindowKind};
    use super::super::{
        Action, Admission, Backoff, BudgetRules, Config, DOUBLE, Ending, Jitter, Limits, Outcome, Overflow, Schedule,
        Settled,
    };
    use crate::slab::Token;
    use crate::time::{Duration, Instant};
    use std::num::NonZeroU32;

    fn ms(span: u64) -> Duration {
        Duration::from_millis(span)
    }

    fn config() -> Config {
        let some = |count| NonZeroU32::new(count).expect("not zero");
        Config {
            concurrency: some(2),
            per_lane: some(2),
            max_queue: 10,
            overflow: Overflow::Reject,
            aging: Duration::FOREVER,
            backoff: Backoff { initial: ms(10), max: ms(10), jitter: Jitter::Full, factor: DOUBLE },
            max_retry_after: Duration::FOREVER,
            rate_limit: None,
            retry_budget: None,
            adaptive: None,
            breaker: Some(Rules {
                window: WindowKind::Consecutive,
                failure_ratio: MILLION,
                minimum_calls: 2,
                slow_after: Duration::FOREVER,
                slow_ratio: MILLION,
                open_for: ms(1000),
                open_factor: u64::from(MILLION),
                max_open: ms(1000),
                probes: some(1),
                probe_ratio: MILLION,
                max_half_open: ms(5000),
                idle_after: Duration::FOREVER,
                max_circuits: some(100),
            }),
        }
    }

    fn admitted(
        machine: &mut Schedule,
        lane: &mut Option<Token>,
        circuit: Option<Token>,
        limits: Limits,
        now: Instant,
    ) -> Token {
        let Admission::Admitted { task, lane: given } = machine.submit(*lane, circuit, limits, now) else {
            panic!("there is room")
        };
        *lane = Some(given);
        task
    }

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
    fn whoever_would_be_refused_after_the_pause_is_not_tried_again() {
        let mut machine = Schedule::new(config(), 1, Instant::ZERO);
        let now = Instant::ZERO;
        let circuit = machine.breakers().map(|breakers| breakers.add(now));
        let limits = Limits { retries: 5, attempt: ms(100), ..Limits::NONE };
        let task = admitted(&mut machine, &mut None, circuit, limits, now);
        let again = Outcome::Retryable { retry_after: None };
        assert_eq!(machine.poll_action(now), Some(Action::Start { task, attempt: 1 }));
        assert!(matches!(
            machine.settle(task, 1, again, (Verdict::Failure, Load::Ignored), now),
            Settled::Backoff { .. }
        ));
        let now = Instant::from_millis(50);
        assert_eq!(machine.poll_action(now), Some(Action::Start { task, attempt: 2 }));
        assert!(matches!(
            machine.settle(task, 2, again, (Verdict::Failure, Load::Ignored), now),
            Settled::Done(Ending::CircuitOpen, _)
        ));
    }

    #[test]
    fn retries_stay_within_their_budget() {
        let budget = BudgetRules { ratio: MILLION / 5, min_per_second: 0 };
        let mut machine =
            Schedule::new(Config { breaker: None, retry_budget: Some(budget), ..config() }, 1, Instant::ZERO);
        let limits = Limits { retries: 5, ..Limits::NONE };
        let (mut retries, mut refused, mut now) = (0, 0, Instant::ZERO);
        for _ in 0..1000 {
            admitted(&mut machine, &mut None, None, limits, now);
            now = now + ms(100);
            while let Some(Action::Start { task, attempt }) = machine.poll_action(now) {
                retries += u32::from(attempt > 1);
                let settled = machine.settle(
                    task,
                    attempt,
                    Outcome::Retryable { retry_after: None },
                    (Verdict::Failure, Load::Ignored),
                    now,
                );
                refused += u32::from(matches!(settled, Settled::Done(Ending::BudgetSpent, _)));
            }
        }
        assert!(retries <= 200 && retries > 150 && refused > 750, "{retries} retries, {refused} refused");
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
        let config =
            Config { breaker: None, adaptive: Some(rules), concurrency: some(50), per_lane: some(50), ..config() };
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
}
