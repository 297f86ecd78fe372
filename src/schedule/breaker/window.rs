//! What lately became of calls. An outcome is booked in constant time, whatever the size of the window.

use crate::time::{Duration, Instant};
use std::num::NonZeroU32;

/// Which calls are judged together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowKind {
    /// The failures since the last success.
    Consecutive,
    /// The last so many.
    Count(NonZeroU32),
    /// Those of the last so long, give or take a tenth.
    Time(Duration),
}

/// How many calls there were, and how they went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls that ended well or badly.
    pub calls: u32,
    /// Those that failed.
    pub failed: u32,
    /// Those that took too long, whether or not they failed.
    pub slow: u32,
}

/// Parts that a window of time has: one leaves at a time.
const BUCKETS: u64 = 10;
/// Outcomes in a word, two bits each.
const PACKED: u32 = 16;
const FAILED: u32 = 1;
const SLOW: u32 = 2;

/// See the top of this file.
#[derive(Clone, Debug)]
pub(super) enum Window {
    Consecutive(Tally),
    Count { tally: Tally, size: u32, next: u32, words: Vec<u32> },
    Time { tally: Tally, span: u64, latest: u64, buckets: Box<[Tally; BUCKETS as usize]> },
}

impl Window {
    pub(super) fn new(kind: WindowKind) -> Self {
        let tally = Tally::default();
        match kind {
            WindowKind::Consecutive => Self::Consecutive(tally),
            WindowKind::Count(size) => {
                Self::Count { tally, size: size.get(), next: 0, words: vec![0; size.get().div_ceil(PACKED) as usize] }
            }
            WindowKind::Time(span) => {
                let span = span.as_millis().div_ceil(BUCKETS).max(1);
                Self::Time { tally, span, latest: 0, buckets: Box::new([tally; BUCKETS as usize]) }
            }
        }
    }

    /// Books an outcome; what the window then holds.
    pub(super) fn record(&mut self, failed: bool, slow: bool, now: Instant) -> Tally {
        self.pass(now);
        match self {
            // Slowness is no ratio of failures in a row: there it is one of them.
            Self::Consecutive(tally) if failed || slow => tally.add(failed, slow),
            Self::Consecutive(tally) => *tally = Tally::default(),
            Self::Count { tally, size, next, words } => {
                let (word, shift) = ((*next / PACKED) as usize, *next % PACKED * 2);
                let mask = (FAILED | SLOW) << shift;
                if tally.calls == *size {
                    let old = words[word] >> shift;
                    tally.calls -= 1;
                    tally.failed -= u32::from(old & FAILED != 0);
                    tally.slow -= u32::from(old & SLOW != 0);
                }
                let outcome = (u32::from(failed) * FAILED) | (u32::from(slow) * SLOW);
                words[word] = (words[word] & !mask) | (outcome << shift);
                *next = (*next + 1) % *size;
                tally.add(failed, slow);
            }
            Self::Time { tally, latest, buckets, .. } => {
                buckets[(*latest % BUCKETS) as usize].add(failed, slow);
                tally.add(failed, slow);
            }
        }
        self.tally(now)
    }

    /// What it holds.
    pub(super) fn tally(&mut self, now: Instant) -> Tally {
        self.pass(now);
        match self {
            Self::Consecutive(tally) | Self::Count { tally, .. } | Self::Time { tally, .. } => *tally,
        }
    }

    /// Lets go of what is too old by now. Time that goes back changes nothing.
    fn pass(&mut self, now: Instant) {
        let Self::Time { tally, span, latest, buckets } = self else { return };
        let number = now.as_millis() / *span;
        if number <= *latest {
            return;
        }
        for old in 1..=(number - *latest).min(BUCKETS) {
            let bucket = &mut buckets[((*latest + old) % BUCKETS) as usize];
            tally.calls = tally.calls.saturating_sub(bucket.calls);
            tally.failed = tally.failed.saturating_sub(bucket.failed);
            tally.slow = tally.slow.saturating_sub(bucket.slow);
            *bucket = Tally::default();
        }
        *latest = number;
    }

    /// What it holds as numbers, for [`Window::restore`].
    pub(super) fn save(&mut self, now: Instant, out: &mut Vec<f64>) {
        self.pass(now);
        match self {
            Self::Consecutive(tally) => tally.save(out),
            Self::Count { tally, size, next, words } => {
                out.push(f64::from(tally.calls));
                let first = *next + *size - tally.calls;
                let outcome = |at: u32| {
                    let place = (first + at) % *size;
                    (words[(place / PACKED) as usize] >> (place % PACKED * 2)) & (FAILED | SLOW)
                };
                for begin in (0..tally.calls).step_by(PACKED as usize) {
                    let end = tally.calls.min(begin + PACKED);
                    out.push(f64::from((begin..end).fold(0, |word, at| word | (outcome(at) << ((at - begin) * 2)))));
                }
            }
            Self::Time { latest, buckets, .. } => {
                for age in 0..BUCKETS.min(*latest + 1) {
                    let bucket = buckets[((*latest - age) % BUCKETS) as usize];
                    if bucket.calls > 0 {
                        out.push(age as f64);
                        bucket.save(out);
                    }
                }
            }
        }
    }

    /// A window that holds what `saved` did `elapsed` ago. Numbers that make no sense are left out.
    pub(super) fn restore(kind: WindowKind, saved: &[f64], elapsed: Duration, now: Instant) -> Self {
        let mut window = Self::new(kind);
        window.pass(now);
        match &mut window {
            Self::Consecutive(tally) => *tally = saved.first_chunk().map(Tally::restored).unwrap_or_default(),
            Self::Count { size, .. } => {
                let calls = saved.first().map_or(0, |&calls| (calls as u32).min(*size));
                for at in 0..calls {
                    let Some(&word) = saved.get(1 + (at / PACKED) as usize) else { break };
                    let outcome = word as u32 >> (at % PACKED * 2);
                    window.record(outcome & FAILED != 0, outcome & SLOW != 0, now);
                }
            }
            Self::Time { tally, span, latest, buckets } => {
                let older = elapsed.as_millis() / *span;
                for part in saved.chunks_exact(4) {
                    let age = (part[0] as u64).saturating_add(older);
                    let Some(held) = part[1..].first_chunk().map(Tally::restored) else { continue };
                    // Before the timeline began there is no bucket, and a newer one would keep it too long.
                    if age < BUCKETS && age <= *latest {
                        let bucket = &mut buckets[((*latest - age) % BUCKETS) as usize];
                        if bucket.calls == 0 {
                            *bucket = held;
                            tally.calls = tally.calls.saturating_add(held.calls);
                            tally.failed = tally.failed.saturating_add(held.failed);
                            tally.slow = tally.slow.saturating_add(held.slow);
                        }
                    }
                }
            }
        }
        window
    }
}

impl Tally {
    fn add(&mut self, failed: bool, slow: bool) {
        // In billions of calls within a window nobody misses one.
        if self.calls < u32::MAX {
            self.calls += 1;
            self.failed += u32::from(failed);
            self.slow += u32::from(slow);
        }
    }

    fn save(self, out: &mut Vec<f64>) {
        out.extend([self.calls, self.failed, self.slow].map(f64::from));
    }

    fn restored(numbers: &[f64; 3]) -> Self {
        let [calls, failed, slow] = numbers.map(|number| number as u32);
        // A tenth of what it can count: ten buckets add up.
        let calls = calls.min(u32::MAX / BUCKETS as u32);
        Self { calls, failed: failed.min(calls), slow: slow.min(calls) }
    }
}
