//! What the machine does: each action must be allowed at that moment, and nothing that is due may stay undone.

use super::super::{Action, Deadline, Spent};
use super::world::{State, World, rate};
use crate::slab::Token;
use crate::time::Instant;
use std::collections::BTreeSet;

impl World {
    pub(super) fn drain(&mut self) {
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

    pub(super) fn put_to_sleep(&mut self, token: Token, until: Instant, retry_after: Option<u64>) {
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

    pub(super) fn end(&mut self, token: Token, spent: Spent) {
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

    fn let_go(&mut self) {
        let now = self.now;
        self.held.retain(|_, until| *until > now);
        let busy: BTreeSet<u8> = self.live.values().map(|task| task.key).collect();
        let held = &self.held;
        self.lanes.retain(|key, _| busy.contains(key) || held.contains_key(key));
        self.find_ready();
    }
}
