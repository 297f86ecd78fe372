//! The last seconds, minutes and quarters of an hour of many series.
//!
//! Time is cut into panes of one second. What a series records in the pane of now is a histogram of its own; when the
//! pane ends, that becomes a sketch. Six panes make one of six seconds, five of those one of thirty, and so on: a
//! window is read from the coarsest panes that are at most a tenth of it, and from finer ones for the youngest part.
//! Every sample is in exactly one of the panes that are summed, so shares are exact; a window never reaches further back
//! than asked, and says how far it does.
//!
//! Only series that recorded something in a pane take room in it. All together take at most the bytes given: then the
//! oldest panes go, and windows say that they reach less far back.

use std::collections::{BTreeMap, VecDeque};

use crate::histogram::{Histogram, Sketch, Spot};
use crate::time::{Duration, Instant};

#[cfg(test)]
mod tests;

/// How long the finest panes are. The host hands samples over before one ends.
const PANE: Duration = Duration::from_millis(1000);

/// Panes of a window, about: its end is told to a tenth of it.
const PANES: u64 = 10;

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// How long the panes of each level are, and how far back it reaches. Each length divides the next, which is no more
/// than the reach; the fourth and later are for those who ask for more than 15 minutes.
const LEVELS: [(u64, u64); 6] = [
    (SECOND, 10 * SECOND),
    (6 * SECOND, MINUTE),
    (30 * SECOND, 15 * MINUTE),
    (5 * MINUTE, 3 * HOUR),
    (30 * MINUTE, 24 * HOUR),
    (4 * HOUR, 7 * 24 * HOUR),
];

/// Panes of many series over time; see above.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    levels: Vec<Level>,
    most_bytes: usize,
    bytes: usize,
    /// The number of the pane of now, counted from the origin of time.
    pane: u64,
    /// By series.
    live: Vec<Option<Box<Histogram>>>,
    /// The series in `live`.
    touched: Vec<u32>,
}

/// Panes of one width, oldest first. Those without a sample are left out.
#[derive(Clone, Debug)]
struct Level {
    width: u64,
    /// How far back it reaches.
    reach: u64,
    panes: VecDeque<Pane>,
    /// Up to here panes were given up for want of room.
    lost: u64,
}

#[derive(Clone, Debug)]
struct Pane {
    start: u64,
    /// By series, rising.
    sketches: Vec<(u32, Sketch)>,
}

impl Windows {
    /// Windows of at least `retention` (up to a week), in at most `most_bytes` bytes of panes that have ended.
    pub(super) fn new(retention: Duration, most_bytes: usize, now: Instant) -> Self {
        let last =
            LEVELS.iter().position(|&(_, reach)| reach >= retention.as_millis()).unwrap_or(LEVELS.len() - 1).max(2);
        let levels =
            LEVELS[..=last].iter().map(|&(width, reach)| Level { width, reach, panes: VecDeque::new(), lost: 0 });
        Self {
            levels: levels.collect(),
            most_bytes,
            bytes: 0,
            pane: now.as_millis() / PANE.as_millis(),
            live: Vec::new(),
            touched: Vec::new(),
        }
    }

    /// Records a sample of `series` in the pane of now. `empty` makes the histogram of a series that has none.
    #[inline]
    pub(super) fn record(&mut self, series: u32, spot: Spot, empty: impl FnOnce() -> Histogram) {
        match self.live.get_mut(series as usize) {
            Some(Some(live)) => live.record_at(spot),
            _ => self.live(series, empty).record_at(spot),
        }
    }

    /// Adds samples of `series` to the pane of now.
    pub(super) fn add_sketch(&mut self, series: u32, sketch: &Sketch) {
        if sketch.count() > 0 {
            sketch.add_to(self.live(series, || sketch.emptied()));
        }
    }

    /// It is `now`: panes that ended are put away. An earlier `now` than before changes nothing.
    pub(super) fn turn(&mut self, now: Instant) {
        let pane = now.as_millis() / PANE.as_millis();
        if pane <= self.pane {
            return;
        }
        let (ended, next) = (self.pane * PANE.as_millis(), pane * PANE.as_millis());
        self.pane = pane;
        let sketches = self.sketch_live();
        self.put(0, Pane { start: ended, sketches });
        for level in 1..self.levels.len() {
            let width = self.levels[level].width;
            let start = ended / width * width;
            if start == next / width * width {
                break;
            }
            let pane = self.joined(level - 1, start, start + width);
            self.put(level, pane);
            let lost = self.levels[level - 1].lost;
            if lost > start {
                self.levels[level].lost = lost;
            }
        }
        self.retire(now.as_millis());
        while self.bytes > self.most_bytes && self.give_up_oldest() {}
    }

    /// Adds what `series` recorded in the last `window` before `now` to `sum`, and returns since when that is: no
    /// earlier than `window` ago. Time must have been turned to `now`.
    pub(super) fn add(&self, series: u32, window: Duration, now: Instant, sum: &mut Histogram) -> Instant {
        let (since, parts) = self.parts(window, now);
        for (level, from) in parts {
            let panes = &self.levels[level].panes;
            for pane in panes.range(panes.partition_point(|pane| pane.start < from)..) {
                if let Ok(at) = pane.sketches.binary_search_by_key(&series, |&(series, _)| series) {
                    pane.sketches[at].1.add_to(sum);
                }
            }
        }
        if self.pane * PANE.as_millis() >= since.as_millis()
            && let Some(Some(live)) = self.live.get(series as usize)
        {
            // Of one series, and so of one scale.
            let _ = sum.merge(live);
        }
        since
    }

    /// Forgets all samples.
    pub(super) fn clear(&mut self) {
        self.live.clear();
        self.touched.clear();
        self.bytes = 0;
        for level in &mut self.levels {
            level.panes.clear();
            level.lost = 0;
        }
    }

    /// Forgets the samples of a series.
    pub(super) fn forget(&mut self, series: u32) {
        if let Some(live) = self.live.get_mut(series as usize) {
            *live = None;
        }
        for level in &mut self.levels {
            for pane in &mut level.panes {
                if let Ok(at) = pane.sketches.binary_search_by_key(&series, |&(series, _)| series) {
                    let before = pane.bytes();
                    pane.sketches.remove(at);
                    self.bytes -= before - pane.bytes();
                }
            }
        }
    }

    /// Bytes of the panes that have ended, about.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn live(&mut self, series: u32, empty: impl FnOnce() -> Histogram) -> &mut Histogram {
        let at = series as usize;
        if at >= self.live.len() {
            self.live.resize_with(at + 1, || None);
        }
        let touched = &mut self.touched;
        self.live[at].get_or_insert_with(|| {
            touched.push(series);
            Box::new(empty())
        })
    }

    fn sketch_live(&mut self) -> Vec<(u32, Sketch)> {
        self.touched.sort_unstable();
        let live = &mut self.live;
        let ended = self.touched.drain(..).filter_map(|series| Some((series, live.get_mut(series as usize)?.take()?)));
        ended.map(|(series, live)| (series, Sketch::of(&live))).collect()
    }

    /// Since when a window reaches back, and the levels it is read from with the first start of a pane in each.
    fn parts(&self, window: Duration, now: Instant) -> (Instant, Vec<(usize, u64)>) {
        let now = now.as_millis();
        let window = window.as_millis();
        let earliest = now.saturating_sub(window);
        let coarsest = self.levels.iter().rposition(|level| level.width * PANES <= window).unwrap_or(0);
        let coarsest =
            coarsest.max(self.levels.iter().position(|level| level.reach >= window).unwrap_or(self.levels.len() - 1));
        let width = self.levels[coarsest].width;
        let mut since = earliest.max(now.saturating_sub(self.levels[coarsest].reach)).div_ceil(width) * width;
        let mut parts = Vec::with_capacity(coarsest + 1);
        let mut from = since;
        for (number, level) in self.levels[..=coarsest].iter().enumerate().rev() {
            parts.push((number, from));
            if level.lost > from {
                since = since.max(level.lost);
            }
            // Up to here this level has all panes; the rest is in the finer ones.
            from = from.max(now / level.width * level.width);
        }
        (Instant::from_millis(since), parts)
    }

    /// The panes of a level between two times, as one.
    fn joined(&self, level: usize, from: u64, to: u64) -> Pane {
        let mut sums: BTreeMap<u32, Histogram> = BTreeMap::new();
        for pane in self.levels[level].panes.iter().filter(|pane| (from..to).contains(&pane.start)) {
            for (series, sketch) in &pane.sketches {
                match sums.get_mut(series) {
                    Some(sum) => _ = sketch.add_to(sum),
                    None => _ = sums.insert(*series, sketch.to_histogram()),
                }
            }
        }
        Pane { start: from, sketches: sums.iter().map(|(&series, sum)| (series, Sketch::of(sum))).collect() }
    }

    fn put(&mut self, level: usize, pane: Pane) {
        if !pane.sketches.is_empty() {
            self.bytes += pane.bytes();
            self.levels[level].panes.push_back(pane);
        }
    }

    fn retire(&mut self, now: u64) {
        for level in &mut self.levels {
            while level.panes.front().is_some_and(|pane| pane.start + level.reach < now) {
                self.bytes -= level.panes.pop_front().map_or(0, |pane| pane.bytes());
            }
        }
    }

    /// The oldest pane goes; of two that began together the coarser, so that what finer ones say is never missing
    /// from a coarser one that is still there.
    fn give_up_oldest(&mut self) -> bool {
        let starts = self.levels.iter_mut().rev().filter_map(|level| Some((level.panes.front()?.start, level)));
        let Some((start, level)) = starts.min_by_key(|&(start, _)| start) else { return false };
        self.bytes -= level.panes.pop_front().map_or(0, |pane| pane.bytes());
        level.lost = start + level.width;
        true
    }
}

impl Pane {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.sketches.iter().map(|(_, sketch)| sketch.bytes() + size_of::<u32>()).sum::<usize>()
    }
}
