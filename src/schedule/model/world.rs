//! What the model knows: who is where, and what the limits allow now, found by searching.

use super::super::{Config, Rate, RateLimit, Schedule};
use crate::slab::Token;
use crate::time::{Duration, Instant};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum State {
    Queued { turn: u64 },
    Running { since: u64 },
    Asleep { until: u64 },
}

#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) key: u8,
    pub(super) state: State,
    pub(super) limits: (u64, u64, u32),
    /// The longest wait for the first attempt, the priority and the weight.
    pub(super) place: (u64, i32, u32),
    /// When it joined the queue last.
    pub(super) joined: u64,
    pub(super) submitted: u64,
    pub(super) attempts: u32,
}

pub(super) struct World {
    pub(super) machine: Schedule,
    pub(super) config: Config,
    pub(super) now: u64,
    /// The number of the input; what one poll does counts as done at once.
    pub(super) turn: u64,
    pub(super) live: BTreeMap<Token, Task>,
    pub(super) lanes: BTreeMap<u8, Token>,
    /// The lanes with a waiting task and room to run it, and who has been served since.
    pub(super) ready: BTreeMap<u8, BTreeSet<u8>>,
    pub(super) ended: Vec<Token>,
    pub(super) submitted: usize,
    /// When attempts began, and what is in the bucket, in units of which a token is as many as its interval has milliseconds.
    pub(super) starts: Vec<u64>,
    pub(super) level: u64,
    /// Until when lanes are held.
    pub(super) held: BTreeMap<u8, u64>,
    /// Whether the last one that came has taken the place of another.
    pub(super) room: bool,
}

impl World {
    pub(super) fn new(config: Config, seed: u64, now: u64) -> Self {
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

    pub(super) fn at(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    pub(super) fn pass(&mut self, to: u64) {
        if let Some((tokens, ..)) = rate(self.config) {
            let dripped = (to - self.now).saturating_mul(tokens);
            self.level = self.level.saturating_add(dripped).min(capacity(self.config));
        }
        self.now = to;
    }

    pub(super) fn has_token(&self) -> bool {
        rate(self.config).is_none_or(|(_, interval, ..)| self.level >= interval)
    }

    /// After how many microseconds the rate would let the last of `count` begin.
    pub(super) fn rate_wait(&self, count: u64) -> u64 {
        rate(self.config)
            .map_or(0, |(tokens, interval, ..)| ((count * interval).saturating_sub(self.level) * 1000).div_ceil(tokens))
    }

    pub(super) fn running(&self, key: Option<u8>) -> u32 {
        let runs = |task: &&Task| matches!(task.state, State::Running { .. }) && key.is_none_or(|key| task.key == key);
        self.live.values().filter(runs).count() as u32
    }

    /// Places that are taken.
    pub(super) fn taken(&self, key: Option<u8>) -> u32 {
        let runs = |task: &&Task| matches!(task.state, State::Running { .. }) && key.is_none_or(|key| task.key == key);
        self.live.values().filter(runs).map(|task| task.place.2).sum()
    }

    pub(super) fn fits(&self, key: u8, weight: u32) -> bool {
        self.fits_lane(key, weight) && fits(self.taken(None), weight, self.config.concurrency.get())
    }

    pub(super) fn fits_lane(&self, key: u8, weight: u32) -> bool {
        !self.held.contains_key(&key) && fits(self.taken(Some(key)), weight, self.config.per_lane.get())
    }

    /// Who comes first: by arrival less what the priority is worth, and whoever wakes after whoever comes at the same time.
    pub(super) fn rank(&self, token: Token) -> (i128, u64) {
        let task = &self.live[&token];
        let State::Queued { turn } = task.state else { panic!("it waits") };
        let (aging, priority) = (self.config.aging, i128::from(task.place.1));
        if aging == Duration::FOREVER {
            return (-priority, turn);
        }
        (i128::from(task.joined) - priority * i128::from(aging.as_millis()), turn)
    }

    /// Who waits in a lane, in order.
    pub(super) fn line(&self, key: u8) -> Vec<Token> {
        let waits = |task: &Task| task.key == key && matches!(task.state, State::Queued { .. });
        let mut line: Vec<_> = self.live.iter().filter(|(_, task)| waits(task)).map(|(&token, _)| token).collect();
        line.sort_by_key(|&token| self.rank(token));
        line
    }

    /// Whether the first of a lane has room to run, but for the rate.
    pub(super) fn has_room(&self, key: u8) -> bool {
        let line = self.line(key);
        let Some(&first) = line.first() else { return false };
        // Which of several that woke at the same time is first, only the machine knows.
        line.iter()
            .take_while(|&&token| self.rank(token) == self.rank(first))
            .all(|token| self.fits(key, self.live[token].place.2))
    }

    pub(super) fn tokens(&self, wanted: impl Fn(&Task) -> bool) -> Vec<Token> {
        self.live.iter().filter(|(_, task)| wanted(task)).map(|(&token, _)| token).collect()
    }

    pub(super) fn find_ready(&mut self) {
        for key in 0..KEYS {
            let first = self.line(key).first().map(|token| self.live[token].place.2);
            if first.is_some_and(|weight| self.fits_lane(key, weight)) {
                self.ready.entry(key).or_default();
            } else {
                self.ready.remove(&key);
            }
        }
    }
}

pub(super) const KEYS: u8 = 4;

/// Tokens, milliseconds of the interval, burst, and the longest wait in microseconds.
pub(super) fn rate(config: Config) -> Option<(u64, u64, u64, u64)> {
    let RateLimit { rate: Rate { tokens, interval, burst }, max_wait } = config.rate_limit?;
    Some((u64::from(tokens.get()), interval.0 / 1000, u64::from(burst.get()), max_wait.0))
}

fn capacity(config: Config) -> u64 {
    rate(config).map_or(0, |(_, interval, burst, _)| interval * burst)
}

fn fits(taken: u32, weight: u32, limit: u32) -> bool {
    taken == 0 || taken + weight <= limit
}
