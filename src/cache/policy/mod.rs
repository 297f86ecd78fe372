//! In which order entries leave. One paper per file.

mod contest;
mod ghost_queue;
mod ghosts;
mod lru;
mod s3fifo;
mod tinylfu;
mod watched;

use super::log;
use lru::Lru;
use s3fifo::S3Fifo;
use watched::Watched;

/// Which entry leaves when the room is needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// The one not used for longest, exactly.
    #[default]
    Lru,
    /// S3-FIFO: newcomers have to be used twice in a small queue.
    S3Fifo,
    /// W-TinyLFU: newcomers have to be asked for oftener than the victim; the window for the newest moves by itself.
    TinyLfu,
    /// The best of LRU and several windows and rules of W-TinyLFU, as small ghosts of the cache find it.
    Auto,
}

impl Policy {
    /// All policies, by their number in the host.
    pub const ALL: [Self; 4] = [Self::Lru, Self::S3Fifo, Self::TinyLfu, Self::Auto];
}

/// No policy counts further.
const MOST_FREQUENT: u32 = 15;

/// A policy at work.
///
/// `Lru` merely names its victims. The others *condemn* them, some ahead, so that the host need not ask for each: these are set
/// aside, still resident, until they are touched, and thereby pardoned, or leave.
#[derive(Clone, Debug)]
pub(super) enum Order {
    Lru(Lru),
    S3Fifo(Box<S3Fifo>),
    Watched(Box<Watched>),
}

impl Order {
    /// No entries yet, of perhaps `expected` some day.
    pub(super) fn new(policy: Policy, expected: u32, seed: u64) -> Self {
        match policy {
            Policy::Lru => Self::Lru(Lru::default()),
            Policy::S3Fifo => Self::S3Fifo(Box::default()),
            Policy::TinyLfu => Self::Watched(Box::new(Watched::new(watched::TINY_LFU, expected, seed))),
            Policy::Auto => Self::Watched(Box::new(Watched::new(watched::AUTO, expected, seed))),
        }
    }

    /// `slot` holds a newcomer whose key has this hash; what was there has left.
    pub(super) fn insert(&mut self, slot: u32, hash: u32) {
        match self {
            Self::Lru(lru) => lru.insert(slot),
            Self::S3Fifo(s3fifo) => s3fifo.insert(slot, hash),
            Self::Watched(watched) => watched.insert(slot, hash),
        }
    }

    /// What is in `slot`, if anything, was used.
    pub(super) fn touch(&mut self, slot: u32) {
        match self {
            Self::Lru(lru) => lru.touch(slot),
            Self::S3Fifo(s3fifo) => s3fifo.touch(slot),
            Self::Watched(watched) => watched.touch(slot),
        }
    }

    /// Applies words at the beginning of a log that are uses of slots, as many as can be dealt with in one go. How many words.
    pub(super) fn replay_uses(&mut self, words: &[u32]) -> usize {
        if let Self::Lru(lru) = self {
            return lru.replay_uses(words);
        }
        let slots = log::touches(words);
        match self {
            Self::Lru(_) => {}
            Self::S3Fifo(s3fifo) => slots.iter().for_each(|&slot| s3fifo.touch(slot)),
            Self::Watched(watched) => watched.touch_all(slots),
        }
        slots.len()
    }

    /// What was in `slot` has left.
    pub(super) fn remove(&mut self, slot: u32) {
        match self {
            Self::Lru(lru) => lru.remove(slot),
            Self::S3Fifo(s3fifo) => s3fifo.remove(slot),
            Self::Watched(watched) => watched.remove(slot),
        }
    }

    /// Up to `most` slots in the order in which they should leave.
    pub(super) fn victims(&mut self, most: u32) -> Vec<u32> {
        match self {
            Self::Lru(lru) => lru.victims().take(most as usize).collect(),
            Self::S3Fifo(s3fifo) => {
                s3fifo.condemn(most);
                s3fifo.condemned().take(most as usize).collect()
            }
            Self::Watched(watched) => {
                watched.condemn(most);
                watched.condemned().take(most as usize).collect()
            }
        }
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Lru(lru) => lru.len(),
            Self::S3Fifo(s3fifo) => s3fifo.len(),
            Self::Watched(watched) => watched.len(),
        }
    }

    /// Every slot that holds something, the least valuable first: by frequency, where the policy counts it, then by place.
    pub(super) fn ranked(&self) -> Vec<u32> {
        let slots = self.slots();
        let uses: Vec<u32> = match self {
            Self::Lru(_) => return slots,
            Self::S3Fifo(s3fifo) => slots.iter().map(|&slot| s3fifo.frequency(slot)).collect(),
            Self::Watched(watched) => slots.iter().map(|&slot| watched.frequency(slot).min(MOST_FREQUENT)).collect(),
        };
        // A few passes in place of a sort: frequencies are small numbers, and sorting is much code.
        let mut ranked = Vec::with_capacity(slots.len());
        for wanted in 0..=MOST_FREQUENT {
            for (&slot, &uses) in slots.iter().zip(&uses) {
                if uses == wanted {
                    ranked.push(slot);
                }
            }
        }
        ranked
    }

    /// Every slot that holds something, by place.
    pub(super) fn slots(&self) -> Vec<u32> {
        match self {
            Self::Lru(lru) => lru.iter().collect(),
            Self::S3Fifo(s3fifo) => s3fifo.iter().collect(),
            Self::Watched(watched) => watched.iter().collect(),
        }
    }

    /// Recounts everything. For tests.
    pub(super) fn validate(&self) {
        match self {
            Self::Lru(lru) => lru.validate(),
            Self::S3Fifo(s3fifo) => s3fifo.validate(),
            Self::Watched(watched) => watched.validate(),
        }
    }
}
