//! What happens in a cache beside hits, and the words in which it crosses to the curve.

const KIND_BITS: u32 = 2;

/// The life of an entry that has none.
pub const FOR_EVER: u32 = u32::MAX;

/// What happens beside hits: words of position and kind, and what the kind needs more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// 0: the use in the log at this position is no read.
    NoRead,
    /// 1: a read that found nothing.
    Miss {
        /// Of the key.
        hash: u32,
        /// In milliseconds; only differences count, of less than 24 days.
        now: u32,
    },
    /// 2: a slot holds the key with this hash, newly written, of this size.
    Written {
        /// Whose slot.
        slot: u32,
        /// The host's hash of the key.
        hash: u32,
        /// In the unit of the limit.
        size: u32,
        /// How long it lives, in milliseconds; [`FOR_EVER`] and what is not much less means without end.
        life: u32,
    },
    /// 3: the key with this hash is gone, and would be from a cache of any size.
    Gone(u32),
}

impl Event {
    /// Appends the event, which happened when the log had `position` words.
    pub fn encode(self, position: u32, words: &mut Vec<u32>) {
        let head = |kind: u32| position << KIND_BITS | kind;
        match self {
            Self::NoRead => words.push(head(0)),
            Self::Miss { hash, now } => words.extend([head(1), hash, now]),
            Self::Written { slot, hash, size, life } => words.extend([head(2), slot, hash, size, life]),
            Self::Gone(hash) => words.extend([head(3), hash]),
        }
    }
}

/// The events of a log, each with its position.
pub(super) fn decode(words: &[u32]) -> impl Iterator<Item = (usize, Event)> + '_ {
    let mut words = words.iter().copied();
    std::iter::from_fn(move || {
        let head = words.next()?;
        let event = match head & ((1 << KIND_BITS) - 1) {
            0 => Event::NoRead,
            1 => Event::Miss { hash: words.next()?, now: words.next()? },
            2 => Event::Written { slot: words.next()?, hash: words.next()?, size: words.next()?, life: words.next()? },
            _ => Event::Gone(words.next()?),
        };
        Some(((head >> KIND_BITS) as usize, event))
    })
}
