//! Retries, and what they may cost.

use super::super::adaptive::Load;
use super::super::breaker::{MILLION, Verdict};
use super::super::{Action, BudgetRules, Config, Ending, Limits, Outcome, Schedule, Settled};
use super::{admitted, config, ms};
use crate::time::Instant;

#[test]
fn retries_stay_within_their_budget() {
    let budget = BudgetRules { ratio: MILLION / 5, min_per_second: 0 };
    let mut machine = Schedule::new(Config { breaker: None, retry_budget: Some(budget), ..config() }, 1, Instant::ZERO);
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
