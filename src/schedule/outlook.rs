//! What would meet a task that came now. To look changes nothing.

use super::Schedule;
use super::bucket::Micros;
use crate::slab::Token;
use crate::time::Instant;

/// See the top of this file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// Places that its lane takes.
    pub lane_active: u32,
    /// Tasks of its lane that wait.
    pub lane_queued: u32,
    /// Places that all lanes take.
    pub active: u32,
    /// Until when its lane is held.
    pub held_until: Option<Instant>,
    /// When its circuit lets somebody through, if that refuses everyone now.
    pub shut_until: Option<Instant>,
    /// How long it would wait for a token, with all that wait before it.
    pub rate_wait: Micros,
    /// Second attempts that there are; `None`: as many as tasks want.
    pub retries_left: Option<u64>,
    /// Whether it would begin at once.
    pub begins: bool,
}

impl Schedule {
    /// What would meet a task of weight one in `lane`, or in a new one, through `circuit`.
    pub fn outlook(&self, lane: Option<Token>, circuit: Option<Token>, now: Instant) -> Outlook {
        let (lane_active, lane_queued) = lane.map_or((0, 0), |lane| self.lanes.load(lane));
        let held_until = lane.and_then(|lane| self.held_until(lane)).filter(|&until| until > now);
        let breakers = self.breakers.as_ref();
        let shut_until = breakers.zip(circuit).and_then(|(breakers, circuit)| breakers.shut_until(circuit, now));
        let rate_wait = self.gate.wait(u64::from(self.lanes.queued()) + 1, now);
        let has_room = self.lanes.has_room(lane, 1) && self.lanes.nobody_is_ready();
        Outlook {
            lane_active,
            lane_queued,
            active: self.lanes.active(),
            held_until,
            shut_until,
            rate_wait,
            retries_left: self.budget.clone().map(|mut budget| budget.left(now)),
            begins: has_room && shut_until.is_none() && self.gate.wait(1, now) == Micros::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rng::Rng;
    use crate::schedule::adaptive::Load;
    use crate::schedule::breaker::Verdict;
    use crate::schedule::{Action, Admission, Backoff, Config, DOUBLE, Jitter, Limits, Outcome, Overflow, Schedule};
    use crate::slab::Token;
    use crate::time::{Duration, Instant};
    use std::num::NonZeroU32;

    const LIMITS: Limits = Limits {
        attempt: Duration::from_millis(500),
        total: Duration::from_millis(2000),
        retries: 1,
        wait: Duration::FOREVER,
        priority: 0,
        weight: NonZeroU32::MIN,
    };

    fn config() -> Config {
        let some = |count| NonZeroU32::new(count).expect("not zero");
        let ten = Duration::from_millis(10);
        Config {
            concurrency: some(3),
            per_lane: some(2),
            max_queue: 20,
            overflow: Overflow::Reject,
            aging: Duration::FOREVER,
            backoff: Backoff { initial: ten, max: ten, jitter: Jitter::Full, factor: DOUBLE },
            max_retry_after: Duration::FOREVER,
            rate_limit: None,
            retry_budget: None,
            adaptive: None,
            breaker: None,
        }
    }

    /// What it foretells is what a task meets that comes then.
    #[test]
    fn foretells_what_happens() {
        let mut began = [0; 2];
        for seed in 0..200 {
            let mut rng = Rng::new(seed);
            let mut machine = Schedule::new(config(), seed, Instant::ZERO);
            let mut now = Instant::ZERO;
            let (mut lanes, mut running): ([Option<Token>; 3], Vec<(Token, u32)>) = Default::default();
            for _ in 0..60 {
                let key = rng.between(0, 2) as usize;
                let outlook = machine.outlook(lanes[key], None, now);
                let mut copy = machine.clone();
                if let Admission::Admitted { task, .. } = copy.submit(lanes[key], None, LIMITS, now) {
                    let mut starts = false;
                    while let Some(action) = copy.poll_action(now) {
                        starts |= matches!(action, Action::Start { task: other, .. } if other == task);
                    }
                    assert_eq!(outlook.begins, starts, "{outlook:?}");
                    began[usize::from(starts)] += 1;
                }
                match rng.between(0, 4) {
                    0 | 1 => {
                        if let Admission::Admitted { lane, .. } = machine.submit(lanes[key], None, LIMITS, now) {
                            lanes[key] = Some(lane);
                        }
                    }
                    2 if !running.is_empty() => {
                        let (task, attempt) = running.swap_remove(rng.between(0, running.len() as u64 - 1) as usize);
                        let said = (Verdict::Ignored, Load::Ignored);
                        machine.settle(task, attempt, Outcome::Retryable { retry_after: None }, said, now);
                    }
                    3 => {
                        if let Some(lane) = lanes[key] {
                            machine.hold(lane, now + Duration::from_millis(rng.between(1, 300)), now);
                        }
                    }
                    _ => now = now + Duration::from_millis(rng.between(0, 200)),
                }
                while let Some(action) = machine.poll_action(now) {
                    match action {
                        Action::Start { task, attempt } => running.push((task, attempt)),
                        Action::Abort { task, .. } | Action::Expire { task, .. } => {
                            running.retain(|&(other, _)| other != task)
                        }
                        _ => {}
                    }
                }
                let queued: u32 = lanes.iter().flatten().map(|&lane| machine.lanes.load(lane).1).sum();
                assert_eq!(queued, machine.queued());
            }
        }
        assert!(began[0] > 1000 && began[1] > 1000, "{began:?}");
    }
}
