//! The key directory of a log of segments (after Bitcask, Sheehy and Smith 2010): where each key's newest value lies,
//! what is live and what is dead, and which segments to give up or to write anew.
//!
//! The log is append only. A segment holds lines: values and tombstones. The newest line of a key counts, by the order
//! in which it was first written; compaction carries lines into younger segments without making them younger, so a
//! line that somebody else wrote meanwhile still wins. A tombstone is live while any older value of its key is in the
//! log, and then dead like a value that was overwritten.
//!
//! The host plays every segment into [`Segments::commit`] in the order of the log, when it starts and after each
//! append. To free space it asks [`Segments::poll_reclaim`] and [`Segments::poll_compaction`], writes what
//! [`Segments::carry`] names into a new segment, commits that, takes the old one off the medium and then calls
//! [`Segments::remove`]. [`Directory`] puts names to the ids. Times are those of the wall clock, since they outlive the process.

mod checksum;
mod directory;
mod keys;
mod plan;
mod row;
#[cfg(test)]
mod tests;

pub use directory::{Directory, Unreadable};
pub use keys::{Keys, Packed};
pub use row::{COLUMNS, Event, Place, ROWS, Row, Rows};

use crate::column::Column;
use crate::time::{Duration, Instant};
use std::collections::BTreeMap;

/// The limits of a log.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Bytes that all segments together may take.
    pub max_bytes: u64,
    /// The size that a segment should have.
    pub segment_bytes: u64,
    /// How far in the future a value may have been written before it counts as expired.
    pub tolerance: Duration,
}

/// See the top of this file.
#[derive(Clone, Debug)]
pub struct Segments {
    config: Config,
    /// By id. In pages: a list that is copied each time it grows took a third of the time in which a log is opened.
    keys: Column<Key>,
    /// Above all ids so far.
    ids: u32,
    segments: BTreeMap<u64, Segment>,
    last: u64,
    bytes: u64,
    live_bytes: u64,
    live_keys: usize,
    freed: Vec<u32>,
}

/// What is known of one key. `values` and `lines` count over the whole log, dead ones included.
#[derive(Clone, Copy, Debug, Default)]
struct Key {
    values: u32,
    lines: u32,
    newest: Newest,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Newest {
    /// No line of the log names the key; its id is free.
    #[default]
    Unknown,
    /// It has a value.
    Live { segment: u64, order: u64, cost: u32, place: Place },
    /// It was deleted, and older values of it are still in the log.
    Deleted { segment: u64, order: u64, cost: u32 },
    /// It was deleted, and the log holds no value of it, so the tombstone is dead. It comes alive when an outdated
    /// value turns up behind it, carried there by a compaction that was under way.
    Idle { segment: u64, order: u64, cost: u32 },
    /// It has no value, and no tombstone says so: its newest line went with its segment, or the host wants it hidden.
    Hidden { order: u64 },
}

#[derive(Clone, Debug, Default)]
struct Segment {
    bytes: u64,
    live_bytes: u64,
    live_lines: u32,
    /// No value in here is valid from this time on.
    expires: Instant,
    lines: Vec<Line>,
}

#[derive(Clone, Copy, Debug)]
struct Line {
    id: u32,
    is_value: bool,
}

/// A segment that cannot be committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// It is not younger than those that were committed before it.
    #[error("segment {segment} does not come after {last}")]
    OutOfOrder {
        /// The segment.
        segment: u64,
        /// The youngest one so far.
        last: u64,
    },
    /// It has more lines than a segment may have.
    #[error("a segment of {0} lines")]
    TooManyRows(usize),
    /// A line names an id far above all ids so far, which are meant to be used anew.
    #[error("id {0} is out of bounds")]
    IdOutOfBounds(u32),
}

impl Segments {
    /// A directory of an empty log.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            keys: Column::new(Key::default()),
            ids: 0,
            segments: BTreeMap::new(),
            last: 0,
            bytes: 0,
            live_bytes: 0,
            live_keys: 0,
            freed: Vec::new(),
        }
    }

    /// Takes in a segment that is on the medium, `bytes` long, with the lines of its directory.
    pub fn commit(&mut self, segment: u64, bytes: u64, rows: &[Row]) -> Result<(), CommitError> {
        if segment <= self.last {
            return Err(CommitError::OutOfOrder { segment, last: self.last });
        }
        if rows.len() > ROWS {
            return Err(CommitError::TooManyRows(rows.len()));
        }
        let bound = self.ids as usize + ROWS;
        if let Some(row) = rows.iter().find(|row| row.id as usize >= bound) {
            return Err(CommitError::IdOutOfBounds(row.id));
        }
        self.last = segment;
        self.bytes = self.bytes.saturating_add(bytes);
        self.segments.insert(segment, Segment::of(bytes, rows));
        for row in rows {
            self.enter(segment, row);
        }
        Ok(())
    }

    /// Where the value of `id` lies, unless there is none that is valid at `now`.
    pub fn locate(&self, id: u32, now: Instant) -> Option<(u64, Row)> {
        match self.keys.get(id).newest {
            Newest::Live { segment, order, cost, place } if self.is_valid(&place, now) => {
                Some((segment, Row { id, order, cost, event: Event::Put(place) }))
            }
            _ => None,
        }
    }

    /// Hides the value of `id` without a word in the log: the host knows better, or cannot write. False when there was none.
    pub fn forget(&mut self, id: u32) -> bool {
        let Newest::Live { order, .. } = self.keys.get(id).newest else {
            return false;
        };
        self.settle(id, Newest::Hidden { order });
        true
    }

    /// Forgets a segment that is no longer on the medium, and every value in it. False when it is not known.
    pub fn remove(&mut self, segment: u64) -> bool {
        let Some(gone) = self.segments.get_mut(&segment).map(|segment| std::mem::take(&mut segment.lines)) else {
            return false;
        };
        for line in &gone {
            if let Some(key) = self.keys.get_mut(line.id) {
                key.lines -= 1;
                key.values -= u32::from(line.is_value);
            }
        }
        for line in gone {
            self.review(line.id, segment);
        }
        if let Some(removed) = self.segments.remove(&segment) {
            debug_assert_eq!((removed.live_bytes, removed.live_lines), (0, 0));
            self.bytes -= removed.bytes;
        }
        true
    }

    /// Takes out an id that no line of the log names any more, so that the host may give it to another key.
    pub fn poll_freed(&mut self) -> Option<u32> {
        while let Some(id) = self.freed.pop() {
            if self.keys.get(id).newest == Newest::Unknown {
                return Some(id);
            }
        }
        None
    }

    /// Forgets everything. Segments go on from where they were, ids begin again.
    pub fn clear(&mut self) {
        *self = Self { last: self.last, ..Self::new(self.config) };
    }

    /// How many keys have a value, valid or expired.
    pub fn len(&self) -> usize {
        self.live_keys
    }

    /// Whether no key has a value.
    pub fn is_empty(&self) -> bool {
        self.live_keys == 0
    }

    /// How many segments there are.
    pub fn segment_count(&self) -> usize {
        self.segments.len()
    }

    /// The youngest segment that was ever committed.
    pub fn last_segment(&self) -> u64 {
        self.last
    }

    /// Bytes that all segments take.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes of lines that count.
    pub fn live_bytes(&self) -> u64 {
        self.live_bytes
    }

    fn enter(&mut self, segment: u64, row: &Row) {
        // A line cannot be younger than its segment; damaged ones must not outlive what is written after them.
        let order = if row.order == Row::OWN { segment } else { row.order.min(segment) };
        let mut key = self.keys.get(row.id);
        let is_value = matches!(row.event, Event::Put(_));
        key.lines += 1;
        key.values += u32::from(is_value);
        self.keys.set(row.id, key);
        self.ids = self.ids.max(row.id + 1);
        let is_newer = key.newest.yields_to(order, is_value);
        let newest = match row.event {
            Event::Put(place) if is_newer => Newest::Live { segment, order, cost: row.cost, place },
            Event::Deleted if is_newer => Newest::of_tombstone(segment, order, row.cost, key.values),
            _ => key.newest.weighed(key.values),
        };
        self.settle(row.id, newest);
    }

    /// Looks at a key again after lines of it went with `segment`.
    fn review(&mut self, id: u32, segment: u64) {
        let key = self.keys.get(id);
        let went = key.newest.segment() == Some(segment);
        let newest = match key.newest {
            Newest::Unknown => return,
            _ if key.lines == 0 => Newest::Unknown,
            Newest::Live { order, .. } | Newest::Deleted { order, .. } | Newest::Idle { order, .. } if went => {
                Newest::Hidden { order }
            }
            newest => newest.weighed(key.values),
        };
        self.settle(id, newest);
        if newest == Newest::Unknown {
            self.freed.push(id);
        }
    }

    /// Puts `newest` in place of what was known, and keeps the sums.
    fn settle(&mut self, id: u32, newest: Newest) {
        let Some(key) = self.keys.get_mut(id) else { return };
        let old = std::mem::replace(&mut key.newest, newest);
        if let Some((segment, cost)) = old.weight() {
            self.live_bytes -= u64::from(cost);
            if let Some(home) = self.segments.get_mut(&segment) {
                home.live_bytes -= u64::from(cost);
                home.live_lines -= 1;
            }
        }
        if let Some((segment, cost)) = newest.weight() {
            self.live_bytes += u64::from(cost);
            if let Some(home) = self.segments.get_mut(&segment) {
                home.live_bytes += u64::from(cost);
                home.live_lines += 1;
            }
        }
        self.live_keys -= usize::from(matches!(old, Newest::Live { .. }));
        self.live_keys += usize::from(matches!(newest, Newest::Live { .. }));
    }

    fn is_valid(&self, place: &Place, now: Instant) -> bool {
        now < place.expires && place.written <= now + self.config.tolerance
    }

    /// Recounts everything.
    #[cfg(test)]
    fn validate(&self) {
        let known: Vec<Key> = (0..self.ids).map(|id| self.keys.get(id)).collect();
        let mut keys = vec![(0u32, 0u32); known.len()];
        for segment in self.segments.values() {
            for line in &segment.lines {
                let (lines, values) = &mut keys[line.id as usize];
                *lines += 1;
                *values += u32::from(line.is_value);
            }
        }
        for (key, (lines, values)) in known.iter().zip(&keys) {
            assert_eq!((key.lines, key.values), (*lines, *values));
            assert_eq!(key.newest == Newest::Unknown, *lines == 0);
            if let Newest::Deleted { .. } = key.newest {
                assert!(*values > 0, "a tombstone is live only over an older value");
            }
        }
        for (name, segment) in &self.segments {
            let live: Vec<(u64, u32)> =
                known.iter().filter_map(|key| key.newest.weight()).filter(|at| at.0 == *name).collect();
            assert_eq!(segment.live_lines as usize, live.len());
            assert_eq!(segment.live_bytes, live.iter().map(|(_, cost)| u64::from(*cost)).sum::<u64>());
        }
        assert_eq!(self.bytes, self.segments.values().map(|segment| segment.bytes).sum::<u64>());
        assert_eq!(self.live_bytes, self.segments.values().map(|segment| segment.live_bytes).sum::<u64>());
        assert_eq!(self.live_keys, known.iter().filter(|key| matches!(key.newest, Newest::Live { .. })).count());
    }
}

impl Segment {
    /// One of which nothing counts yet.
    fn of(bytes: u64, rows: &[Row]) -> Self {
        let mut lines = Vec::with_capacity(rows.len());
        let mut expires = Instant::default();
        for row in rows {
            lines.push(Line { id: row.id, is_value: matches!(row.event, Event::Put(_)) });
            if let Event::Put(place) = row.event {
                expires = expires.max(place.expires);
            }
        }
        Self { bytes, expires, lines, ..Self::default() }
    }
}

impl Newest {
    fn of_tombstone(segment: u64, order: u64, cost: u32, values: u32) -> Self {
        if values > 0 { Self::Deleted { segment, order, cost } } else { Self::Idle { segment, order, cost } }
    }

    /// The same, after the number of values that the log holds of the key has changed.
    fn weighed(self, values: u32) -> Self {
        match self {
            Self::Deleted { segment, order, cost } | Self::Idle { segment, order, cost } => {
                Self::of_tombstone(segment, order, cost, values)
            }
            other => other,
        }
    }

    /// Whether a line of that order takes this one's place. Of two that are as old, a deletion wins, and then the later.
    fn yields_to(&self, order: u64, is_value: bool) -> bool {
        match *self {
            Self::Unknown => true,
            Self::Live { order: own, .. } => order >= own,
            Self::Deleted { order: own, .. } | Self::Idle { order: own, .. } => {
                order > own || (order == own && !is_value)
            }
            Self::Hidden { order: own } => order > own,
        }
    }

    fn segment(&self) -> Option<u64> {
        match *self {
            Self::Live { segment, .. } | Self::Deleted { segment, .. } | Self::Idle { segment, .. } => Some(segment),
            Self::Unknown | Self::Hidden { .. } => None,
        }
    }

    fn weight(&self) -> Option<(u64, u32)> {
        match *self {
            Self::Live { segment, cost, .. } | Self::Deleted { segment, cost, .. } => Some((segment, cost)),
            Self::Unknown | Self::Idle { .. } | Self::Hidden { .. } => None,
        }
    }
}
