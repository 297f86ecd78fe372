//! Which segments to give up and which to write anew.

use super::{Event, Newest, Row, Segment, Segments};
use crate::time::Instant;
use std::collections::BinaryHeap;

/// Dead bytes that are not worth a compaction.
const DEAD_SLACK: u64 = 256 * 1024;
/// This many segments below a quarter of the wanted size are worth merging.
const MANY_SMALL: usize = 64;
/// Segments that one compaction takes at most, or that are given up together.
const VICTIMS: usize = 128;

impl Segments {
    /// Segments to give up so that `incoming` more bytes fit the budget, some at a time: those in which nothing is valid any more, then the oldest.
    ///
    /// What [`Segments::carry`] with `evict` names has to be written first. The same answer comes until they are removed.
    pub fn poll_reclaim(&self, incoming: u64, now: Instant) -> Vec<u64> {
        let mut excess = self.bytes.saturating_add(incoming).saturating_sub(self.config.max_bytes);
        let mut victims = Vec::new();
        for spent in [true, false] {
            for (name, segment) in &self.segments {
                if excess == 0 || victims.len() == VICTIMS {
                    return victims;
                }
                if self.is_spent(segment, now) == spent {
                    excess = excess.saturating_sub(segment.bytes);
                    victims.push(*name);
                }
            }
        }
        victims
    }

    /// The first segment after `after` that may go although nothing can be written: on a full medium it makes the first room.
    pub fn poll_spare(&self, after: u64, now: Instant) -> Option<u64> {
        let mut younger = self.segments.range(after.saturating_add(1)..).map(|(name, _)| *name);
        younger.find(|&name| self.carry(name, now, true).is_empty())
    }

    /// The segments that are worth writing anew together, oldest first; empty when nothing is.
    ///
    /// Those in which nothing is valid any more; else, when more than half of all bytes are dead, those with the
    /// smallest live share; else the small ones, when there are many. Together they fill about one new segment.
    pub fn poll_compaction(&self, now: Instant) -> Vec<u64> {
        let spent: Vec<u64> = self
            .segments
            .iter()
            .filter(|(_, segment)| self.is_spent(segment, now))
            .map(|(name, _)| *name)
            .take(VICTIMS)
            .collect();
        if !spent.is_empty() {
            return spent;
        }
        let dead = self.bytes - self.live_bytes.min(self.bytes);
        if dead > DEAD_SLACK.max(self.live_bytes) {
            let sparse = self.segments.iter().filter(|(_, segment)| segment.live_bytes * 2 < segment.bytes);
            let fullness = |segment: &Segment| segment.live_bytes * 1000 / segment.bytes.max(1);
            let by_fullness = sorted(sparse.map(|(name, segment)| (fullness(segment), *name)).collect());
            return self.fill(by_fullness.iter().filter_map(|(_, name)| self.segments.get_key_value(name)));
        }
        let is_small = |segment: &Segment| segment.bytes < self.config.segment_bytes / 4;
        if self.segments.values().filter(|segment| is_small(segment)).count() > MANY_SMALL {
            return self.fill(self.segments.iter().filter(|(_, segment)| is_small(segment)));
        }
        Vec::new()
    }

    /// What of `segment` must be written anew before it may go: valid values, and tombstones that older values in other
    /// segments make necessary. With `evict` values are given up as well.
    pub fn carry(&self, segment: u64, now: Instant, evict: bool) -> Vec<Row> {
        let Some(victim) = self.segments.get(&segment) else {
            return Vec::new();
        };
        let mut ids = sorted(victim.lines.iter().map(|line| line.id).collect());
        ids.dedup();
        let values_here = |id: u32| victim.lines.iter().filter(|line| line.is_value && line.id == id).count() as u32;
        let carried = |id: u32| {
            let key = self.keys.get(id);
            match key.newest {
                Newest::Live { segment: home, order, cost, place } if home == segment => {
                    if !evict && self.is_valid(&place, now) {
                        Some(Row { id, order, cost, event: Event::Put(place) })
                    } else if key.values > 1 && key.values > values_here(id) {
                        Some(Row { id, order, cost: 0, event: Event::Deleted })
                    } else {
                        None
                    }
                }
                Newest::Deleted { segment: home, order, cost } if home == segment => {
                    Some(Row { id, order, cost, event: Event::Deleted })
                }
                _ => None,
            }
        };
        ids.into_iter().filter_map(carried).collect()
    }

    /// Whether the segment may go without anything being written.
    fn is_spent(&self, segment: &Segment, now: Instant) -> bool {
        let is_alone = |id: u32| self.keys.get(id).lines == 1;
        segment.live_lines == 0
            || (segment.expires <= now && segment.lines.iter().all(|line| line.is_value && is_alone(line.id)))
    }

    fn fill<'a>(&self, segments: impl Iterator<Item = (&'a u64, &'a Segment)>) -> Vec<u64> {
        let mut room = self.config.segment_bytes;
        let fits = |(_, segment): &(&u64, &Segment)| {
            let fits = segment.live_bytes <= room;
            room = room.saturating_sub(segment.live_bytes.max(1));
            fits
        };
        sorted(segments.take_while(fits).map(|(name, _)| *name).take(VICTIMS).collect())
    }
}

/// Sorts with a heap. The standard sorts are faster and 15 kB of WebAssembly, which every user of the package would load.
fn sorted<T: Ord>(items: Vec<T>) -> Vec<T> {
    BinaryHeap::from(items).into_sorted_vec()
}
