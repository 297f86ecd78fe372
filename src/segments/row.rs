//! What one line of a segment's directory says, and the form in which lines cross the border.

use crate::time::Instant;

/// One line of a directory: a key was written or deleted. The key itself stays with the host, which knows it by `id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The host's number for the key.
    pub id: u32,
    /// When it was written, in the order of the log; [`Row::OWN`] stands for the id of the segment it is in.
    pub order: u64,
    /// Bytes of the segment that go with this line.
    pub cost: u32,
    /// What happened to the key.
    pub event: Event,
}

/// What happened to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was given a value.
    Put(Place),
    /// It was deleted: a tombstone, kept while an older value is in the log.
    Deleted,
}

/// Where in its segment's payload a value lies, and how long it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// First byte of the value.
    pub offset: u32,
    /// Bytes of the value.
    pub length: u32,
    /// Checksum of the value, which only the host can verify.
    pub check: u32,
    /// From when on the value is no longer valid, by the wall clock.
    pub expires: Instant,
    /// When the value was set, by the wall clock.
    pub written: Instant,
}

impl Row {
    /// The order of a line that is as old as its segment: every line that was not carried over from another one.
    pub const OWN: u64 = 0;
}

/// Lines a segment may have at most.
pub const ROWS: usize = 512;
/// Numbers a line takes in the buffer: id, deleted, order, cost, offset, length, check, expires, written.
pub const COLUMNS: usize = 9;

/// A fixed buffer of numbers through which lines come in and go out; it never moves.
#[derive(Clone, Debug)]
pub struct Rows {
    numbers: Box<[f64]>,
}

impl Default for Rows {
    fn default() -> Self {
        Self { numbers: vec![0.0; ROWS * COLUMNS].into_boxed_slice() }
    }
}

impl Rows {
    /// The numbers, for the host to see.
    pub fn numbers(&self) -> &[f64] {
        &self.numbers
    }

    /// The first `count` lines; numbers that make no sense are bent to the nearest that do.
    pub fn read(&self, count: usize) -> Vec<Row> {
        self.numbers.chunks_exact(COLUMNS).take(count).map(to_row).collect()
    }

    /// Writes lines from the start, as many as fit, and says how many.
    pub fn write(&mut self, rows: &[Row]) -> usize {
        let cells = self.numbers.chunks_exact_mut(COLUMNS);
        cells.zip(rows).map(|(cells, row)| cells.copy_from_slice(&from_row(row))).count()
    }

    /// Writes to line `at` where a value lies, and in place of its id the segment that holds it; 0 where there is none. False when there is no such line.
    pub fn write_found(&mut self, at: usize, found: Option<(u64, Row)>) -> bool {
        let Some(cells) = self.numbers.chunks_exact_mut(COLUMNS).nth(at) else { return false };
        if let Some((_, row)) = found {
            cells.copy_from_slice(&from_row(&row));
        }
        if let Some(cell) = cells.first_mut() {
            *cell = found.map_or(0.0, |(segment, _)| segment as f64);
        }
        true
    }

    /// Writes bare numbers from the start, as many as fit, and says how many.
    pub fn write_numbers(&mut self, numbers: impl Iterator<Item = f64>) -> usize {
        self.numbers.iter_mut().zip(numbers).map(|(cell, number)| *cell = number).count()
    }
}

fn to_row(cells: &[f64]) -> Row {
    let cell = |column: usize| cells.get(column).copied().unwrap_or(0.0);
    let place = || Place {
        offset: cell(4) as u32,
        length: cell(5) as u32,
        check: cell(6) as u32,
        expires: to_instant(cell(7)),
        written: to_instant(cell(8)),
    };
    let event = if cell(1) == 0.0 { Event::Put(place()) } else { Event::Deleted };
    Row { id: cell(0) as u32, order: cell(2) as u64, cost: cell(3) as u32, event }
}

fn from_row(row: &Row) -> [f64; COLUMNS] {
    let (id, order, cost) = (f64::from(row.id), row.order as f64, f64::from(row.cost));
    match row.event {
        Event::Deleted => [id, 1.0, order, cost, 0.0, 0.0, 0.0, 0.0, 0.0],
        Event::Put(Place { offset, length, check, expires, written }) => {
            let (offset, length, check) = (f64::from(offset), f64::from(length), f64::from(check));
            [id, 0.0, order, cost, offset, length, check, from_instant(expires), from_instant(written)]
        }
    }
}

fn to_instant(ms: f64) -> Instant {
    if ms == f64::INFINITY { Instant::NEVER } else { Instant::from_millis(ms as u64) }
}

fn from_instant(instant: Instant) -> f64 {
    if instant == Instant::NEVER { f64::INFINITY } else { instant.as_millis() as f64 }
}

#[cfg(test)]
mod tests {
    use super::{Event, Place, ROWS, Row, Rows};
    use crate::time::Instant;

    #[test]
    fn a_row_crosses_the_buffer_unchanged() {
        let mut rows = Rows::default();
        let place = Place {
            offset: 7,
            length: u32::MAX,
            check: 3,
            expires: Instant::NEVER,
            written: Instant::from_millis(1 << 52),
        };
        let lines = [Event::Put(place), Event::Deleted].map(|event| Row { id: 5, order: 1 << 52, cost: 9, event });
        assert_eq!(rows.write(&lines), 2);
        assert_eq!(rows.read(2), lines);
        assert_eq!((rows.read(usize::MAX).len(), rows.write(&[lines[0]; ROWS + 1])), (ROWS, ROWS));
    }
}
