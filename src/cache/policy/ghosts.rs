//! Miniature simulations (Waldspurger, Saemundsson, Ahmad and Park, "Cache Modeling and Optimization using Miniature
//! Simulations", USENIX ATC 2017): what several policies would have done with a fixed sample of the keys.
//!
//! Each *ghost* holds hashes of sampled keys as a small cache of its kind would, with the same share of the room. All see the
//! same accesses and share one table from hashes to numbers.

use super::tinylfu::{Judge, Queues, Tuning};
use crate::cache::numbers::Numbers;
use crate::cache::sketch::Sketch;
use crate::rng::Rng;
use crate::slab::Links;

const RECENCY: u32 = 0;

/// What a ghost simulates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One list by recency.
    Lru,
    /// W-TinyLFU.
    Queues(Tuning),
}

/// Small caches of the sampled keys.
#[derive(Clone, Debug)]
pub(super) struct Ghosts {
    ghosts: Vec<Ghost>,
    /// Of the hashes that some ghost holds.
    numbers: Numbers,
    /// By number, which ghosts hold it, a bit each.
    held_by: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Ghost {
    order: Order,
    hits: u32,
}

#[derive(Clone, Debug)]
enum Order {
    Lru { links: Links, len: u32 },
    Queues(Queues),
}

impl Ghosts {
    /// A ghost for each of `kinds`, at most eight.
    pub(super) fn new(kinds: &[Kind]) -> Self {
        Self {
            ghosts: kinds.iter().map(|&kind| Ghost { order: Order::new(kind), hits: 0 }).collect(),
            numbers: Numbers::default(),
            held_by: Vec::new(),
        }
    }

    /// The key of `hash` was asked for: every ghost of `capacity` keys counts a hit or lets it in.
    pub(super) fn access(&mut self, hash: u32, capacity: u32, sketch: &mut Sketch, coin: &mut Rng) {
        let Self { ghosts, numbers, held_by } = self;
        let number = numbers.find(hash).unwrap_or_else(|| numbers.insert(hash));
        if held_by.len() <= number as usize {
            held_by.push(0);
        }
        for (at, Ghost { order, hits }) in ghosts.iter_mut().enumerate() {
            let bit = 1 << at;
            if held_by[number as usize] & bit != 0 {
                *hits += 1;
                order.touch(number);
                continue;
            }
            while order.len() >= capacity {
                let judge = Judge { sketch, hashes: numbers.hashes(), coin, tells: false };
                let Some(victim) = order.choose(capacity, judge) else { break };
                order.remove(victim);
                held_by[victim as usize] &= !bit;
                if held_by[victim as usize] == 0 {
                    numbers.remove(victim);
                }
            }
            order.insert(number);
            held_by[number as usize] |= bit;
        }
    }

    /// The key of `hash` is gone, whatever a policy would have done.
    pub(super) fn remove(&mut self, hash: u32) {
        let Self { ghosts, numbers, held_by } = self;
        let Some(number) = numbers.find(hash) else { return };
        for (at, ghost) in ghosts.iter_mut().enumerate() {
            if held_by[number as usize] & 1 << at != 0 {
                ghost.order.remove(number);
            }
        }
        held_by[number as usize] = 0;
        numbers.remove(number);
    }

    /// Forgets all keys, but no hits.
    pub(super) fn clear(&mut self, kinds: &[Kind]) {
        let hits: Vec<u32> = self.ghosts.iter().map(|ghost| ghost.hits).collect();
        *self = Self::new(kinds);
        self.ghosts.iter_mut().zip(hits).for_each(|(ghost, hits)| ghost.hits = hits);
    }

    /// How many hits the ghost of the kind at `at` has had.
    pub(super) fn hits(&self, at: usize) -> u32 {
        self.ghosts[at].hits
    }

    /// From now on, hits so far count as so many halves: one, or none.
    pub(super) fn scale_hits(&mut self, halves: u32) {
        self.ghosts.iter_mut().for_each(|ghost| ghost.hits = ghost.hits * halves / 2);
    }

    /// Recounts everything. For tests.
    pub(super) fn validate(&self) {
        self.numbers.validate();
        for (at, Ghost { order, .. }) in self.ghosts.iter().enumerate() {
            let held = self.held_by.iter().filter(|&&held_by| held_by & 1 << at != 0).count();
            assert_eq!(held, order.len() as usize, "a ghost lost a key");
            match order {
                Order::Lru { links, len } => assert_eq!(links.iter_back(RECENCY).count(), *len as usize),
                Order::Queues(queues) => queues.validate(),
            }
        }
        let known = self.held_by.iter().filter(|&&held_by| held_by != 0).count();
        assert_eq!(known, self.numbers.len(), "a key is known that no ghost holds");
    }
}

impl Order {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Lru => Self::Lru { links: Links::new(1), len: 0 },
            Kind::Queues(tuning) => Self::Queues(Queues::new(tuning)),
        }
    }

    fn len(&self) -> u32 {
        match self {
            Self::Lru { len, .. } => *len,
            Self::Queues(queues) => queues.len(),
        }
    }

    fn insert(&mut self, number: u32) {
        match self {
            Self::Lru { links, len } => {
                links.push_front(RECENCY, number);
                *len += 1;
            }
            Self::Queues(queues) => queues.insert(number, false),
        }
    }

    fn touch(&mut self, number: u32) {
        match self {
            Self::Lru { links, .. } => links.move_to_front(RECENCY, number),
            Self::Queues(queues) => {
                queues.note_use(number);
            }
        }
    }

    fn remove(&mut self, number: u32) {
        match self {
            Self::Lru { links, len } => *len -= u32::from(links.unlink(number)),
            Self::Queues(queues) => {
                queues.remove(number);
            }
        }
    }

    fn choose(&mut self, capacity: u32, mut judge: Judge) -> Option<u32> {
        match self {
            Self::Lru { links, .. } => links.back(RECENCY),
            Self::Queues(queues) => queues.choose(capacity, &mut judge),
        }
    }
}
