//! How much of the load may be second attempts, so that retries do not keep down what is down because of them.
//!
//! A share of the calls of the last ten seconds, and a few more for those who call rarely (the idea of Finagle's retry budget and
//! failsafe-go's). One budget serves retries and hedges.

use crate::time::Instant;

/// How much.
#[derive(Clone, Copy, Debug)]
pub struct BudgetRules {
    /// Second attempts for a million calls.
    pub ratio: u32,
    /// That many in a second, whatever the calls.
    pub min_per_second: u32,
}

const SECONDS: u64 = 10;
const MILLION: u64 = 1_000_000;

/// See the top of this file. In any ten seconds it grants at most `ratio` of the calls noted, and ten times `min_per_second`.
#[derive(Clone, Debug)]
pub struct RetryBudget {
    rules: BudgetRules,
    /// By second: calls, and what was spent.
    seconds: [(u64, u64); SECONDS as usize],
    latest: u64,
    calls: u64,
    spent: u64,
}

impl RetryBudget {
    /// A budget of which nothing is spent.
    pub fn new(rules: BudgetRules) -> Self {
        Self { rules, seconds: [(0, 0); SECONDS as usize], latest: 0, calls: 0, spent: 0 }
    }

    /// A call was made.
    pub fn note(&mut self, now: Instant) {
        self.pass(now);
        self.calls += 1;
        self.seconds[(self.latest % SECONDS) as usize].0 += 1;
    }

    /// Takes one second attempt, if there is one.
    pub fn spend(&mut self, now: Instant) -> bool {
        let there = self.left(now) > 0;
        if there {
            self.spent += 1;
            self.seconds[(self.latest % SECONDS) as usize].1 += 1;
        }
        there
    }

    /// Second attempts that there are.
    pub fn left(&mut self, now: Instant) -> u64 {
        self.pass(now);
        let share = self.calls.saturating_mul(u64::from(self.rules.ratio)) / MILLION;
        (share + u64::from(self.rules.min_per_second) * SECONDS).saturating_sub(self.spent)
    }

    fn pass(&mut self, now: Instant) {
        let number = now.as_millis() / 1000;
        for old in 1..=number.saturating_sub(self.latest).min(SECONDS) {
            let (calls, spent) = std::mem::take(&mut self.seconds[((self.latest + old) % SECONDS) as usize]);
            self.calls -= calls;
            self.spent -= spent;
        }
        self.latest = self.latest.max(number);
    }
}

#[cfg(test)]
mod tests {
    use super::{BudgetRules, RetryBudget};
    use crate::time::Instant;
    use proptest::prelude::{any, proptest};

    proptest! {
        #[test]
        fn grants_its_share_of_the_last_ten_seconds_and_no_more(
            ratio in 0..1_000_000u32,
            min_per_second in 0..5u32,
            ops in proptest::collection::vec((0..900u64, any::<bool>()), 0..300),
        ) {
            let mut budget = RetryBudget::new(BudgetRules { ratio, min_per_second });
            let (mut now, mut calls, mut spent) = (0, Vec::new(), Vec::new());
            for (pause, is_call) in ops {
                now += pause;
                let lately = |list: &[u64]| list.iter().filter(|&&at| now / 1000 - at / 1000 < 10).count() as u64;
                let at = Instant::from_millis(now);
                if is_call {
                    budget.note(at);
                    calls.push(now);
                    continue;
                }
                let most = lately(&calls) * u64::from(ratio) / 1_000_000 + u64::from(min_per_second) * 10;
                assert_eq!(budget.left(at), most.saturating_sub(lately(&spent)));
                if budget.spend(at) {
                    spent.push(now);
                    assert!(lately(&spent) <= most);
                } else {
                    assert!(lately(&spent) >= most);
                }
            }
        }
    }
}
