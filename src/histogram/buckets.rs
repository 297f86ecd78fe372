//! The counts of one side of zero.

/// Counts by index, dense from the first to the last index seen, at most `most` of them.
#[derive(Clone, Debug)]
pub(super) struct Buckets {
    pub(super) most: i32,
    pub(super) counts: Vec<u64>,
    pub(super) first: i32,
    pub(super) total: u64,
    pub(super) collapsed: bool,
}

impl Buckets {
    pub(super) fn new(most: i32) -> Self {
        Self { most, counts: Vec::new(), first: 0, total: 0, collapsed: false }
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }

    #[inline(always)]
    pub(super) fn add(&mut self, index: i32, count: u64) {
        // Nobody counts to 2^64: no check for it in the busiest place of all.
        self.total = self.total.wrapping_add(count);
        // What is below the first wraps round to what is far beyond the last.
        match self.counts.get_mut(index.wrapping_sub(self.first) as u32 as usize) {
            Some(found) => *found = found.wrapping_add(count),
            None => self.add_beyond(index, count),
        }
    }

    #[cold]
    #[inline(never)]
    fn add_beyond(&mut self, index: i32, count: u64) {
        let at = self.room_for(index);
        self.counts[at] += count;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        // From the top down, so that room is made once.
        for (at, &count) in other.counts.iter().enumerate().rev() {
            if count > 0 {
                self.add(other.first + at as i32, count);
            }
        }
        self.collapsed |= other.collapsed;
    }

    /// The index of the number with `rank` smaller ones in this side.
    pub(super) fn index_at(&self, rank: u64) -> i32 {
        let mut below = 0;
        let at = self.counts.iter().position(|&count| {
            below += count;
            below > rank
        });
        self.first + at.unwrap_or(self.counts.len().saturating_sub(1)) as i32
    }

    /// Where `index` is counted, after making room. The lowest index kept follows from the highest one alone, so the
    /// outcome does not depend on the order of additions.
    fn room_for(&mut self, index: i32) -> usize {
        if self.counts.is_empty() {
            self.first = index;
            self.counts.push(0);
            return 0;
        }
        let last = self.first + self.counts.len() as i32 - 1;
        let lowest = last.max(index) - (self.most - 1);
        if index > last {
            if lowest > self.first {
                self.join_below(lowest);
            }
            self.counts.resize((index - self.first + 1) as usize, 0);
        } else if index < self.first {
            let first = index.max(lowest);
            let added = (self.first - first) as usize;
            self.counts.splice(0..0, std::iter::repeat_n(0, added));
            self.first = first;
        }
        self.collapsed |= index < self.first;
        (index.max(self.first) - self.first) as usize
    }

    fn join_below(&mut self, lowest: i32) {
        let gone = ((lowest - self.first) as usize).min(self.counts.len());
        let joined: u64 = self.counts.drain(..gone).sum();
        self.first = lowest;
        match self.counts.first_mut() {
            Some(count) => *count += joined,
            None => self.counts.push(joined),
        }
        self.collapsed = true;
    }
}
