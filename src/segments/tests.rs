use super::{CommitError, Config, Event, Place, ROWS, Row, Segments};
use crate::time::{Duration, Instant};
use proptest::prelude::{Strategy, any, prop_oneof, proptest};
use std::collections::{BTreeMap, HashMap};

const IDS: u32 = 12;
const HEADER: u64 = 10;

#[derive(Clone, Debug)]
enum Op {
    /// Lines of one new segment: a key, its size or a deletion, its time to live.
    Write(Vec<(u32, Option<u32>, u64)>),
    Reclaim(u32),
    /// The medium is full: room for so many bytes is made without writing.
    Spare(u32),
    /// Somebody else's lines may come between reading the old segment and writing the new one.
    Compact(Vec<(u32, Option<u32>, u64)>),
    Advance(u64),
    Restart,
}

fn lines() -> impl Strategy<Value = Vec<(u32, Option<u32>, u64)>> {
    let line = (0..IDS, prop_oneof![3 => (0..60u32).prop_map(Some), 1 => proptest::strategy::Just(None)], 1..400u64);
    proptest::collection::btree_map(0..IDS, line, 0..5)
        .prop_map(|lines| lines.into_iter().map(|(id, line)| (id, line.1, line.2)).collect())
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => lines().prop_map(Op::Write),
        1 => (0..300u32).prop_map(Op::Reclaim),
        1 => (0..300u32).prop_map(Op::Spare),
        3 => prop_oneof![proptest::strategy::Just(Vec::new()), lines()].prop_map(Op::Compact),
        1 => (0..200u64).prop_map(Op::Advance),
        1 => proptest::strategy::Just(Op::Restart),
    ]
}

/// A log, what a naive map says should be in it, and the machine.
struct World {
    log: BTreeMap<u64, (u64, Vec<Row>)>,
    model: HashMap<u32, (u64, u64)>,
    machine: Segments,
    config: Config,
    now: u64,
    last: u64,
}

impl World {
    fn new() -> Self {
        let config = Config { max_bytes: 600, segment_bytes: 100, tolerance: Duration::from_millis(50) };
        Self { log: BTreeMap::new(), model: HashMap::new(), machine: Segments::new(config), config, now: 1000, last: 0 }
    }

    fn append(&mut self, rows: Vec<Row>) -> u64 {
        self.last += 1;
        let bytes = HEADER + rows.iter().map(|row| u64::from(row.cost)).sum::<u64>();
        self.machine.commit(self.last, bytes, &rows).expect("in order");
        self.log.insert(self.last, (bytes, rows));
        self.last
    }

    fn write(&mut self, lines: &[(u32, Option<u32>, u64)]) {
        let segment = self.last + 1;
        let mut rows = Vec::new();
        for &(id, size, ttl) in lines {
            let expires = self.now + ttl;
            let event = match size {
                // The checksum stands for the value: it is unique.
                Some(length) => Event::Put(Place {
                    offset: 0,
                    length,
                    check: (segment as u32) << 8 | id,
                    expires: Instant::from_millis(expires),
                    written: Instant::from_millis(self.now),
                }),
                None => Event::Deleted,
            };
            match size {
                Some(_) => self.model.insert(id, (segment << 8 | u64::from(id), expires)),
                None => self.model.remove(&id),
            };
            rows.push(Row { id, order: Row::OWN, cost: 4 + size.unwrap_or(0), event });
        }
        self.append(rows);
    }

    fn rewrite(&mut self, victims: &[u64], evict: bool, meanwhile: &[(u32, Option<u32>, u64)]) {
        let now = Instant::from_millis(self.now);
        let carried: Vec<Row> = victims.iter().flat_map(|&victim| self.machine.carry(victim, now, evict)).collect();
        if evict {
            let home = |id: &u32| self.machine.locate(*id, now).map(|(segment, _)| segment);
            let gone: Vec<u32> =
                self.model.keys().copied().filter(|id| home(id).is_none_or(|home| victims.contains(&home))).collect();
            self.model.retain(|id, _| !gone.contains(id));
        }
        if !meanwhile.is_empty() {
            self.write(meanwhile);
        }
        if !carried.is_empty() {
            self.append(carried);
        }
        for victim in victims {
            self.log.remove(victim);
            assert!(self.machine.remove(*victim));
        }
    }

    fn restart(&mut self) {
        self.machine = Segments::new(self.config);
        for (segment, (bytes, rows)) in &self.log {
            self.machine.commit(*segment, *bytes, rows).expect("in order");
        }
    }

    fn compare(&self) {
        self.machine.validate();
        for id in 0..IDS {
            let found = self.machine.locate(id, Instant::from_millis(self.now)).map(|(segment, row)| {
                let (_, rows) = &self.log[&segment];
                assert!(
                    rows.iter().any(|other| other.id == id && other.event == row.event),
                    "a place that holds nothing"
                );
                match row.event {
                    Event::Put(place) => u64::from(place.check),
                    Event::Deleted => panic!("a deletion was located"),
                }
            });
            let expected = self.model.get(&id).filter(|(_, expires)| self.now < *expires).map(|(value, _)| *value);
            assert_eq!(found, expected, "key {id}");
        }
        let logged: u64 = self.log.values().map(|(bytes, _)| bytes).sum();
        assert_eq!(self.machine.bytes(), logged);
    }
}

proptest! {
    #[test]
    fn answers_like_a_map_whatever_is_compacted_reclaimed_or_replayed(ops in proptest::collection::vec(op(), 0..60)) {
        let mut world = World::new();
        for op in ops {
            match op {
                Op::Write(lines) => world.write(&lines),
                Op::Reclaim(incoming) => {
                    let mut rounds = 0;
                    loop {
                        let victims = world.machine.poll_reclaim(u64::from(incoming), Instant::from_millis(world.now));
                        if victims.is_empty() {
                            break;
                        }
                        world.rewrite(&victims, true, &[]);
                        rounds += 1;
                        assert!(rounds < 10_000, "reclaiming ends");
                    }
                    assert!(world.machine.bytes() + u64::from(incoming) <= 600);
                }
                Op::Spare(enough) => {
                    let (written, wanted) = (world.last, world.machine.bytes().saturating_sub(u64::from(enough)));
                    let mut after = 0;
                    while let Some(spare) = world.machine.poll_spare(after, Instant::from_millis(world.now)) {
                        if world.machine.bytes() <= wanted {
                            break;
                        }
                        assert!(spare > after);
                        world.rewrite(&[spare], true, &[]);
                        after = spare;
                    }
                    assert_eq!(world.last, written, "nothing is written");
                }
                Op::Compact(meanwhile) => {
                    // Small segments and half-dead logs are compacted long before the constants of real life say so.
                    let now = Instant::from_millis(world.now);
                    let mut victims = world.machine.poll_compaction(now);
                    if victims.is_empty() {
                        victims = world.log.keys().copied().filter(|segment| segment % 3 == 0).take(4).collect();
                    }
                    world.rewrite(&victims, false, &meanwhile);
                }
                Op::Advance(ms) => world.now += ms,
                Op::Restart => world.restart(),
            }
            world.compare();
        }
        world.restart();
        world.compare();
    }

    #[test]
    fn any_rows_are_taken_or_refused(
        commits in proptest::collection::vec((any::<u16>(), any::<u64>(), proptest::collection::vec(any::<(u16, u64, u32, bool, u64)>(), 0..6)), 0..20)
    ) {
        let mut machine = Segments::new(Config { max_bytes: 5, segment_bytes: 5, tolerance: Duration::ZERO });
        for (segment, bytes, rows) in commits {
            let rows: Vec<Row> = rows
                .into_iter()
                .map(|(id, order, cost, deleted, ms)| {
                    let time = Instant::from_millis(ms);
                    let place = Place { offset: cost, length: cost, check: cost, expires: time, written: time };
                    Row { id: u32::from(id % 700), order, cost, event: if deleted { Event::Deleted } else { Event::Put(place) } }
                })
                .collect();
            let _ = machine.commit(u64::from(segment), bytes >> 8, &rows);
            machine.validate();
            for victim in machine.poll_reclaim(bytes, Instant::ZERO) {
                machine.carry(victim, Instant::ZERO, true);
                machine.remove(victim);
            }
            machine.validate();
        }
    }
}

fn put(id: u32, order: u64) -> Row {
    let place = Place { offset: 0, length: 1, check: 0, expires: Instant::NEVER, written: Instant::ZERO };
    Row { id, order, cost: 5, event: Event::Put(place) }
}

fn machine() -> Segments {
    Segments::new(Config { max_bytes: 1000, segment_bytes: 100, tolerance: Duration::from_millis(10) })
}

#[test]
fn a_value_carried_late_does_not_hide_a_younger_one() {
    let mut segments = machine();
    segments.commit(1, 10, &[put(0, Row::OWN)]).expect("first");
    segments.commit(2, 10, &[put(0, Row::OWN)]).expect("second");
    segments.commit(3, 10, &[put(0, 1)]).expect("carried from the first");
    assert_eq!(segments.locate(0, Instant::ZERO).map(|at| at.0), Some(2));
}

#[test]
fn an_id_is_free_when_the_log_no_longer_names_it() {
    let mut segments = machine();
    segments.commit(1, 10, &[put(0, Row::OWN)]).expect("first");
    segments.commit(2, 10, &[Row { id: 0, order: Row::OWN, cost: 4, event: Event::Deleted }]).expect("second");
    assert!(segments.remove(1));
    assert_eq!(segments.poll_freed(), None);
    assert_eq!(segments.poll_compaction(Instant::ZERO), [2], "nothing is left for the tombstone to hide");
    assert!(segments.remove(2));
    assert_eq!((segments.poll_freed(), segments.poll_freed()), (Some(0), None));
}

#[test]
fn a_value_from_the_future_is_expired() {
    let mut segments = machine();
    let place = Place { offset: 0, length: 1, check: 0, expires: Instant::NEVER, written: Instant::from_millis(100) };
    segments.commit(1, 10, &[Row { id: 0, order: Row::OWN, cost: 5, event: Event::Put(place) }]).expect("first");
    assert_eq!(segments.locate(0, Instant::from_millis(89)), None);
    assert!(segments.locate(0, Instant::from_millis(90)).is_some());
}

#[test]
fn refuses_what_cannot_be() {
    let mut segments = machine();
    segments.commit(5, 10, &[]).expect("first");
    assert_eq!(segments.commit(5, 10, &[]), Err(CommitError::OutOfOrder { segment: 5, last: 5 }));
    assert_eq!(segments.commit(6, 10, &vec![put(0, 0); ROWS + 1]), Err(CommitError::TooManyRows(ROWS + 1)));
    assert_eq!(segments.commit(6, 10, &[put(u32::MAX, 0)]), Err(CommitError::IdOutOfBounds(u32::MAX)));
}
