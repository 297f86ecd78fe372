//! The words of the log: four bits of kind, 28 bits of slot, and for some kinds a word of time or a word of hash more.

use crate::time::{Duration, Instant};

const SLOT_BITS: u32 = 28;
const SLOT_MASK: u32 = (1 << SLOT_BITS) - 1;
/// The offset that stands for "never".
const NEVER: u32 = u32::MAX;

/// One thing that happened to a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Op {
    /// Whose slot.
    pub slot: u32,
    /// What happened.
    pub kind: OpKind,
}

/// What can happen to a slot. The number of each is its kind in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpKind {
    /// 0: the entry was used.
    Touch,
    /// 1, or 2 with a time: a new entry. 5 and 6 are the same with the hash of its key, after the time.
    Admit {
        /// When it expires; never, where the slot is proposed early enough anyway.
        expires_at: Instant,
        /// The host's hash of the key; 0 where no policy needs it.
        hash: u32,
    },
    /// 3: the entry is gone.
    Remove,
    /// 4, with a time: the slot shall be proposed at this time at the latest.
    Arm {
        /// When it expires.
        expires_at: Instant,
    },
}

impl Op {
    /// Appends the operation to a log whose times count from `base`.
    pub fn encode(self, base: Instant, words: &mut Vec<u32>) {
        let (kind, time, hash) = match self.kind {
            OpKind::Touch => (0, None, None),
            OpKind::Admit { expires_at: Instant::NEVER, hash: 0 } => (1, None, None),
            OpKind::Admit { expires_at, hash: 0 } => (2, Some(expires_at), None),
            OpKind::Remove => (3, None, None),
            OpKind::Arm { expires_at } => (4, Some(expires_at), None),
            OpKind::Admit { expires_at: Instant::NEVER, hash } => (5, None, Some(hash)),
            OpKind::Admit { expires_at, hash } => (6, Some(expires_at), Some(hash)),
        };
        words.push(kind << SLOT_BITS | (self.slot & SLOT_MASK));
        words.extend(time.map(|at| match at {
            Instant::NEVER => NEVER,
            at => at.since(base).as_millis().min(u64::from(NEVER) - 1) as u32,
        }));
        words.extend(hash);
    }
}

/// The touches at the beginning of a log, which are nothing but slots.
pub(super) fn touches(words: &[u32]) -> &[u32] {
    let end = words.iter().position(|&word| word > SLOT_MASK).unwrap_or(words.len());
    &words[..end]
}

/// The slot of a touch, or of an admission that is one word: without a time, without a hash. For any other word, a number that is
/// no slot.
#[inline]
pub(super) fn slot_of_use(word: u32) -> u32 {
    word & !(1 << SLOT_BITS)
}

/// The first operation of a log, and what follows it. Words of no known kind, and an operation cut off at the end, are passed over.
pub(super) fn next_op(words: &[u32], base: Instant) -> Option<(Op, &[u32])> {
    let mut words = words.iter();
    loop {
        let word = *words.next()?;
        let kind = match word >> SLOT_BITS {
            0 => OpKind::Touch,
            1 => OpKind::Admit { expires_at: Instant::NEVER, hash: 0 },
            2 => OpKind::Admit { expires_at: time(*words.next()?, base), hash: 0 },
            3 => OpKind::Remove,
            4 => OpKind::Arm { expires_at: time(*words.next()?, base) },
            5 => OpKind::Admit { expires_at: Instant::NEVER, hash: *words.next()? },
            6 => OpKind::Admit { expires_at: time(*words.next()?, base), hash: *words.next()? },
            _ => continue,
        };
        return Some((Op { slot: word & SLOT_MASK, kind }, words.as_slice()));
    }
}

/// All operations of a log.
pub(super) fn decode(mut words: &[u32], base: Instant) -> impl Iterator<Item = Op> + '_ {
    std::iter::from_fn(move || {
        let (op, rest) = next_op(words, base)?;
        words = rest;
        Some(op)
    })
}

fn time(offset: u32, base: Instant) -> Instant {
    match offset {
        NEVER => Instant::NEVER,
        offset => base + Duration::from_millis(u64::from(offset)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Op, OpKind, SLOT_MASK, decode, slot_of_use, touches};
    use crate::time::Instant;
    use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};

    const BASE: Instant = Instant::from_millis(1000);

    fn op() -> impl Strategy<Value = Op> {
        let time = prop_oneof![Just(Instant::NEVER), (1000..4_000_000_000u64).prop_map(Instant::from_millis)];
        let kind = (0..4u8, time, 0..3u32).prop_map(|(kind, expires_at, hash)| match kind {
            0 => OpKind::Touch,
            1 => OpKind::Admit { expires_at, hash },
            2 => OpKind::Remove,
            _ => OpKind::Arm { expires_at },
        });
        (0..1u32 << 28, kind).prop_map(|(slot, kind)| Op { slot, kind })
    }

    proptest! {
        #[test]
        fn a_log_reads_back_as_written(ops in proptest::collection::vec(op(), 0..50)) {
            let mut words = Vec::new();
            ops.iter().for_each(|op| op.encode(BASE, &mut words));
            assert!(decode(&words, BASE).eq(ops));
        }

        #[test]
        fn touches_at_the_beginning_are_words_of_their_own(ops in proptest::collection::vec(op(), 0..50)) {
            let mut words = Vec::new();
            ops.iter().for_each(|op| op.encode(BASE, &mut words));
            assert!(touches(&words).iter().copied().eq(ops.iter().take_while(|op| op.kind == OpKind::Touch).map(|op| op.slot)));
        }

        #[test]
        fn uses_are_touches_and_admissions_without_more(op in op()) {
            let mut words = Vec::new();
            op.encode(BASE, &mut words);
            let is_use = matches!(op.kind, OpKind::Touch | OpKind::Admit { expires_at: Instant::NEVER, hash: 0 });
            let slot = slot_of_use(words[0]);
            assert_eq!((slot <= SLOT_MASK).then_some(slot), is_use.then_some(op.slot));
        }

        #[test]
        fn any_words_decode_without_panic(words in proptest::collection::vec(any::<u32>(), 0..50)) {
            assert!(decode(&words, BASE).count() <= words.len());
        }
    }
}
