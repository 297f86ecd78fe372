//! Directories of segments as they are stored, and the keys they name: the machine knows keys by number, this one by name.
//!
//! The form of a directory is told in `js/stores/directory.ts`.

use super::checksum::checksum;
use super::keys::{Keys, Packed};
use super::{Event, Place, ROWS, Row, Segments};
use crate::time::Instant;

const VERSION: u8 = 1;
const HEADER: usize = 8;
const LINE: usize = 40;
const TOMBSTONE: u32 = u32::MAX;
/// The last way in which a payload may be compressed.
const LAST_FORM: u8 = 4;
/// Numbers that the host can tell apart.
const MOST_EXACT: f64 = 9_007_199_254_740_991.0;

/// See the top of this file.
#[derive(Clone, Debug)]
pub struct Directory {
    segments: Segments,
    keys: Keys,
}

/// Bytes that are no directory, or one of a form that this version does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

impl Directory {
    /// A directory of what `segments` knows, which is nothing yet. Nobody outside knows `secret`.
    pub fn new(segments: Segments, secret: [u32; 2]) -> Self {
        Self { segments, keys: Keys::new(secret) }
    }

    /// The machine, for all that needs no names.
    pub fn segments(&self) -> &Segments {
        &self.segments
    }

    /// Takes in a segment with `rows` of the `packed` keys; their ids are found here. False when it is refused.
    pub fn commit(&mut self, segment: u64, bytes: u64, packed: Packed<'_>, rows: &mut [Row]) -> bool {
        if segment <= self.segments.last_segment() || rows.len() > ROWS || packed.count() < rows.len() {
            return false;
        }
        for (row, units) in rows.iter_mut().zip(packed) {
            row.id = self.keys.intern(units);
        }
        self.segments.commit(segment, bytes, rows).is_ok()
    }

    /// The same from a directory as it is stored, with `check` as its checksum, where that is told. Of a value, `share` of its bytes
    /// count. Nothing has changed when it is [`Unreadable`].
    pub fn play(
        &mut self,
        segment: u64,
        bytes: u64,
        stored: &[u8],
        share: f64,
        check: Option<u32>,
    ) -> Result<bool, Unreadable> {
        if check.is_some_and(|check| check != checksum(stored)) {
            return Err(Unreadable);
        }
        let (lines, keys, unit) = parts(stored).ok_or(Unreadable)?;
        let mut rows = Vec::with_capacity(ROWS);
        let (mut key_at, mut offset) = (0usize, 0u32);
        for line in lines.chunks_exact(LINE) {
            let units = word(line, 0).ok_or(Unreadable)?;
            key_at = key_at.checked_add((units as usize).checked_mul(unit).ok_or(Unreadable)?).ok_or(Unreadable)?;
            let order = number(line, 16).filter(|order| order.fract() == 0.0 && (0.0..=MOST_EXACT).contains(order));
            let (order, length) = (order.ok_or(Unreadable)? as u64, word(line, 4).ok_or(Unreadable)?);
            let cost = LINE as f64 + f64::from(units) * unit as f64;
            let (event, cost) = if length == TOMBSTONE {
                (Event::Deleted, cost)
            } else {
                let (expires, written) = (instant(number(line, 24)), instant(number(line, 32)));
                let check = word(line, 8).ok_or(Unreadable)?;
                let place = Place { offset, length, check, expires, written };
                offset = offset.saturating_add(length);
                (Event::Put(place), cost + (f64::from(length) * share).ceil())
            };
            rows.push((Row { id: 0, order, cost: cost as u32, event }, units as usize * unit));
        }
        if key_at != keys.len() || (unit == 1 && !keys.is_ascii()) {
            return Err(Unreadable);
        }
        if segment <= self.segments.last_segment() {
            return Ok(false);
        }
        let (mut rest, mut units) = (keys, Vec::new());
        for (row, length) in &mut rows {
            let (key, after) = rest.split_at_checked(*length).ok_or(Unreadable)?;
            rest = after;
            if unit == 1 {
                row.id = self.keys.intern_ascii(key);
                continue;
            }
            units.clear();
            units.extend(key.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])));
            row.id = self.keys.intern(&units);
        }
        let rows: Vec<Row> = rows.into_iter().map(|(row, _)| row).collect();
        Ok(self.segments.commit(segment, bytes, &rows).is_ok())
    }

    /// Where the value of a key lies that is valid at `now`.
    pub fn locate(&self, units: &[u16], now: Instant) -> Option<(u64, Row)> {
        self.segments.locate(self.keys.find(units)?, now)
    }

    /// Whether the log may hold lines of a key.
    pub fn knows(&self, units: &[u16]) -> bool {
        self.keys.find(units).is_some()
    }

    /// Hides the value of a key without a word in the log. False when there was none.
    pub fn forget(&mut self, units: &[u16]) -> bool {
        self.keys.find(units).is_some_and(|id| self.segments.forget(id))
    }

    /// Forgets a segment that is no longer on the medium, and the keys that only it named. False when it is not known.
    pub fn remove(&mut self, segment: u64) -> bool {
        let was_known = self.segments.remove(segment);
        while let Some(id) = self.segments.poll_freed() {
            self.keys.release(id);
        }
        was_known
    }

    /// Up to `most` keys whose numbers are `from` and higher, packed, and the number to go on with; 0 when there are no more.
    pub fn spell(&self, from: u32, most: usize) -> (Vec<u16>, u32) {
        let mut packed = Vec::new();
        let end = self.keys.end().min(from.saturating_add(most as u32));
        for id in from..end {
            let before = packed.len();
            let mut is_taken = false;
            Packed::push(&mut packed, |units| is_taken = self.keys.spell(id, units));
            if !is_taken {
                packed.truncate(before);
            }
        }
        (packed, if end < self.keys.end() { end } else { 0 })
    }

    /// The keys of `rows`, packed.
    pub fn spell_rows(&self, rows: &[Row]) -> Vec<u16> {
        let mut packed = Vec::new();
        for row in rows {
            Packed::push(&mut packed, |units| {
                self.keys.spell(row.id, units);
            });
        }
        packed
    }

    /// Forgets everything. Segments go on from where they were.
    pub fn clear(&mut self) {
        self.segments.clear();
        self.keys.clear();
    }
}

/// The lines of a directory, its keys, and how many bytes their units have.
fn parts(stored: &[u8]) -> Option<(&[u8], &[u8], usize)> {
    let (&[version, forms, ..], rest) = stored.split_first_chunk::<HEADER>()?;
    let count = usize::from(u16::from_le_bytes([*stored.get(2)?, *stored.get(3)?]));
    let (lines, keys) = rest.split_at_checked(count * LINE)?;
    let is_whole = keys.len() == word(stored, 4)? as usize;
    (version == VERSION && forms >> 1 <= LAST_FORM && count <= ROWS && is_whole).then_some((
        lines,
        keys,
        usize::from(forms & 1) + 1,
    ))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn number(bytes: &[u8], at: usize) -> Option<f64> {
    Some(f64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn instant(ms: Option<f64>) -> Instant {
    match ms {
        Some(ms) if ms == f64::INFINITY => Instant::NEVER,
        ms => Instant::from_millis(ms.unwrap_or(0.0) as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::{Directory, HEADER, LINE, Unreadable, checksum};
    use crate::segments::{Config, Event, Packed, Place, Row, Segments};
    use crate::time::{Duration, Instant};
    use proptest::prelude::{Strategy, any, proptest};

    fn empty() -> Directory {
        let config = Config { max_bytes: 1 << 40, segment_bytes: 100, tolerance: Duration::from_millis(5) };
        Directory::new(Segments::new(config), [7, 9])
    }

    fn packed(keys: &[Vec<u16>]) -> Vec<u16> {
        let mut units = Vec::new();
        for key in keys {
            Packed::push(&mut units, |to| to.extend(key));
        }
        units
    }

    /// Keys, lengths (none: a tombstone), orders.
    type Lines = Vec<(Vec<u16>, Option<u32>, u64)>;

    fn lines() -> impl Strategy<Value = Lines> {
        let key = proptest::collection::vec(0x61..0x64u16, 0..4);
        let line = (key, proptest::option::of(0..90u32), 0..3u64);
        proptest::collection::vec(line, 0..6)
    }

    fn stored(lines: &Lines, is_wide: bool) -> Vec<u8> {
        let unit = 1 + u32::from(is_wide);
        let units: u32 = lines.iter().map(|(key, ..)| key.len() as u32).sum();
        let mut bytes = vec![1, u8::from(is_wide)];
        bytes.extend((lines.len() as u16).to_le_bytes());
        bytes.extend((units * unit).to_le_bytes());
        for (key, length, order) in lines {
            bytes.extend((key.len() as u32).to_le_bytes());
            bytes.extend(length.unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend(5u32.to_le_bytes());
            bytes.extend([0; 4]);
            for number in [*order as f64, f64::INFINITY, 3.5] {
                bytes.extend(number.to_le_bytes());
            }
        }
        for &unit in lines.iter().flat_map(|(key, ..)| key) {
            bytes.extend(&unit.to_le_bytes()[..if is_wide { 2 } else { 1 }]);
        }
        bytes
    }

    fn rows(lines: &Lines, unit: u32) -> Vec<Row> {
        let mut offset = 0;
        let row = |(key, length, order): &(Vec<u16>, Option<u32>, u64)| {
            let cost = LINE as u32 + key.len() as u32 * unit + length.unwrap_or(0);
            let event = length.map_or(Event::Deleted, |length| {
                offset += length;
                let (expires, written) = (Instant::NEVER, Instant::from_millis(3));
                Event::Put(Place { offset: offset - length, length, check: 5, expires, written })
            });
            Row { id: 0, order: *order, cost, event }
        };
        lines.iter().map(row).collect()
    }

    proptest! {
        #[test]
        fn what_is_stored_says_the_same_as_its_lines(all in proptest::collection::vec((lines(), any::<bool>()), 1..12), gone in 0..12u64) {
            let (mut one, mut other) = (empty(), empty());
            for (at, (lines, is_wide)) in all.iter().enumerate() {
                let segment = at as u64 + 1;
                assert_eq!(one.play(segment, 100, &stored(lines, *is_wide), 1.0, None), Ok(true));
                let keys: Vec<_> = lines.iter().map(|(key, ..)| key.clone()).collect();
                assert!(other.commit(segment, 100, Packed(&packed(&keys)), &mut rows(lines, 1 + u32::from(*is_wide))));
                assert_eq!(one.play(segment, 100, &stored(lines, *is_wide), 1.0, None), Ok(false));
            }
            assert_eq!(one.remove(gone), other.remove(gone));
            let now = Instant::from_millis(10);
            for (key, ..) in all.iter().flat_map(|(lines, _)| lines) {
                let place = |found: Option<(u64, Row)>| found.map(|(segment, row)| (segment, row.cost, row.event));
                assert_eq!(place(one.locate(key, now)), place(other.locate(key, now)));
                assert_eq!(one.knows(key), other.knows(key));
                let remains = |&(at, (lines, _)): &(usize, &(Lines, bool))| at as u64 + 1 != gone && lines.iter().any(|line| line.0 == *key);
                assert_eq!(one.knows(key), all.iter().enumerate().any(|line| remains(&line)));
            }
            assert_eq!(one.segments().live_bytes(), other.segments().live_bytes());
            let mut spelled = one.spell(0, usize::MAX).0;
            let by_steps = (0..80).map(|from| one.spell(from, 1).0).collect::<Vec<_>>().concat();
            assert_eq!(spelled, by_steps);
            spelled.clear();
            one.clear();
            assert_eq!(one.spell(0, usize::MAX), (spelled, 0));
        }

        #[test]
        fn any_bytes_are_read_or_refused(lines in lines(), is_wide: bool, at: usize, byte: u8, cut: bool, share in 0.0..1.0f64) {
            let mut bytes = stored(&lines, is_wide);
            let at = at % bytes.len();
            if cut { bytes.truncate(at) } else { bytes[at] = byte }
            let mut directory = empty();
            let read = directory.play(1, 100, &bytes, share, None);
            if read.is_err() || cut {
                assert_eq!((read, directory.spell(0, 9).0.len()), (Err(Unreadable), 0));
            }
        }
    }

    #[test]
    fn heads_and_keys_that_make_no_sense_are_refused() {
        let whole = stored(&vec![(vec![0x61], Some(4), 0)], false);
        for (at, byte) in
            [(0, 2), (0, 0), (1, 10), (2, 2), (3, 3), (4, 2), (HEADER, 2), (HEADER + 23, 0xff), (HEADER + LINE, 0x80)]
        {
            let mut bytes = whole.clone();
            bytes[at] = byte;
            assert_eq!(empty().play(1, 100, &bytes, 1.0, None), Err(Unreadable), "{at}");
        }
        assert!(!empty().commit(1, 100, Packed(&[]), &mut rows(&vec![(vec![], None, 0)], 1)));
        let mut directory = empty();
        assert_eq!(directory.play(1, 100, &whole, 0.5, Some(checksum(&whole) + 1)), Err(Unreadable));
        assert_eq!(directory.play(1, 100, &whole, 0.5, Some(checksum(&whole))), Ok(true));
        assert_eq!(directory.locate(&[0x61], Instant::from_millis(10)).map(|(_, row)| row.cost), Some(43));
        assert!(directory.forget(&[0x61]) && !directory.forget(&[0x61]) && !directory.forget(&[0x62]));
        assert_eq!(directory.locate(&[0x61], Instant::from_millis(10)), None);
    }
}
