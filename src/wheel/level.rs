//! One level of the wheel: 64 buckets and a bit for each that may hold something.

pub(super) const LEVELS: usize = 6;
pub(super) const BUCKETS: usize = 64;
/// What the top level spans: two years and two months.
pub(super) const HORIZON: u64 = 1 << (BITS as usize * LEVELS);
const BITS: u32 = BUCKETS.trailing_zeros();

/// The marks of one level.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Level {
    marked: u64,
}

impl Level {
    pub(super) fn mark(&mut self, bucket: usize) {
        self.marked |= 1 << bucket;
    }

    pub(super) fn clear(&mut self, bucket: usize) {
        self.marked &= !(1 << bucket);
    }

    pub(super) fn keep(&mut self, still_full: impl Fn(usize) -> bool) {
        let mut rest = self.marked;
        while rest != 0 {
            let bucket = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            if !still_full(bucket) {
                self.clear(bucket);
            }
        }
    }

    /// The marked buckets in the order in which their time comes, each with the time at which it begins.
    pub(super) fn marked_from(self, level: usize, elapsed: u64) -> impl Iterator<Item = (usize, u64)> {
        let shift = BITS * level as u32;
        let current = (elapsed >> shift) as usize % BUCKETS;
        let turn = 1u64 << (shift + BITS);
        let turn_start = elapsed & !(turn - 1);
        // The current bucket comes last: it is empty below the top level, and a full turn ahead in it.
        let mut rest = self.marked.rotate_right(current as u32 + 1);
        std::iter::from_fn(move || {
            if rest == 0 {
                return None;
            }
            let ahead = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            let bucket = (current + 1 + ahead) % BUCKETS;
            let start = turn_start.saturating_add((bucket as u64) << shift);
            // Only the top level wraps: what lies beyond its horizon waits in a bucket of the next turn.
            Some((bucket, if bucket <= current { start.saturating_add(turn) } else { start }))
        })
    }
}

/// The level whose buckets tell `when` from `elapsed`, which is earlier.
pub(super) fn level_of(elapsed: u64, when: u64) -> usize {
    let differing = (elapsed ^ when) | (BUCKETS as u64 - 1);
    let highest = u64::BITS - 1 - differing.leading_zeros();
    ((highest / BITS) as usize).min(LEVELS - 1)
}

pub(super) fn bucket_of(level: usize, when: u64) -> usize {
    (when >> (BITS * level as u32)) as usize % BUCKETS
}
