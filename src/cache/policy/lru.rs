//! Exact least-recently-used (Mattson, Gecsei, Slutz and Traiger, 1970): a queue of uses, of which the last of each slot counts.
//!
//! A use is appended and its place noted by slot: two stores, where a linked list would have to mend its neighbours. What
//! was used again since stands in the queue in vain. Such places are passed over at the front, and closed up behind it a few
//! chunks at a time, so that the queue is at most about three times as long as a list would be, and no call takes long.

#[cfg(test)]
mod tests;

use crate::cache::log;
use crate::column::Column;

/// Tests close up oftener.
const CHUNK_BITS: u32 = if cfg!(test) { 2 } else { 7 };
const CHUNK: usize = 1 << CHUNK_BITS;
const NOWHERE: u32 = u32::MAX;
/// How much longer than need be the queue may get. The longer it may, the less there is to close up for each use.
const LONGEST: usize = 3;
/// Chunks that it may have beside, so that small caches need not close up all the time.
const SLACK: usize = 8;
/// Chunks closed up when the queue is too long and one more is needed. Two would do to keep up.
const CHUNKS_AT_ONCE: u32 = 4;

/// Slots by recency of use; the least recent leaves first.
#[derive(Clone, Debug)]
pub(in crate::cache) struct Lru {
    /// By slot, where its last use stands: chunk times `CHUNK` plus offset.
    places: Column,
    #[expect(clippy::vec_box, reason = "chunks stay where they are when there are more of them")]
    chunks: Vec<Box<[u32; CHUNK]>>,
    /// What the last chunk holds, at hand.
    newest: Box<[u32; CHUNK]>,
    /// By chunk, the one behind it.
    behind: Vec<u32>,
    spare: Vec<u32>,
    /// The place of the least recent use, unless it stands there in vain.
    front: u32,
    /// Where the next use goes.
    back: u32,
    /// How far closing up has come: a chunk, and how many of its places are taken.
    closed: Option<(u32, usize)>,
    len: usize,
}

impl Default for Lru {
    fn default() -> Self {
        Self {
            places: Column::new(NOWHERE),
            chunks: vec![Box::new([0; CHUNK])],
            newest: Box::new([0; CHUNK]),
            behind: vec![NOWHERE],
            spare: Vec::new(),
            front: 0,
            back: 0,
            closed: None,
            len: 0,
        }
    }
}

impl Lru {
    /// Makes `slot` the most recent, whether it was there or not.
    #[inline]
    pub(super) fn insert(&mut self, slot: u32) {
        self.len += usize::from(self.places.get(slot) == NOWHERE);
        self.places.set(slot, self.back);
        self.newest[self.back as usize % CHUNK] = slot;
        self.advance(self.back + 1);
    }

    /// Makes `slot` the most recent, if it is there.
    pub(super) fn touch(&mut self, slot: u32) {
        self.touch_all(&[slot]);
    }

    /// The same for many slots in order.
    pub(super) fn touch_all(&mut self, slots: &[u32]) {
        let mut rest = slots;
        while !rest.is_empty() {
            let seen = self.replay_uses(rest);
            // Behind them is one that is not there.
            rest = rest.get(seen + 1..).unwrap_or_default();
        }
    }

    /// Applies words at the beginning of a log, as far as they are touches of slots that are there, or newcomers in them: to this queue
    /// both are uses. How many words.
    pub(super) fn replay_uses(&mut self, words: &[u32]) -> usize {
        let mut seen = 0;
        while seen < words.len() {
            let room = &mut self.newest[self.back as usize % CHUNK..];
            let width = room.len();
            let count = append_uses(&words[seen..], &mut self.places, room, self.back);
            self.advance(self.back + count as u32);
            seen += count;
            if count < width {
                break;
            }
        }
        seen
    }

    /// Takes `slot` out.
    pub(super) fn remove(&mut self, slot: u32) {
        match self.places.get_mut(slot) {
            Some(place) if *place != NOWHERE => *place = NOWHERE,
            _ => return,
        }
        self.len -= 1;
        // Whoever only removes shall not leave it all to the next use.
        if self.len.is_multiple_of(CHUNK) {
            self.close_up();
        }
    }

    /// All slots in the order in which they leave.
    pub(super) fn victims(&mut self) -> impl Iterator<Item = u32> + '_ {
        self.pass_over();
        self.iter()
    }

    /// The same without tidying up before.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let behind = move |&place: &u32| {
            let chunk = place >> CHUNK_BITS;
            (chunk != self.back >> CHUNK_BITS).then(|| self.behind[chunk as usize] << CHUNK_BITS)
        };
        std::iter::successors(Some(self.front), behind).flat_map(move |first| {
            let counts = move |&(&slot, place): &(&u32, u32)| self.is_at(slot, place);
            self.stretch(first).iter().zip(first..).filter(counts).map(|(&slot, _)| slot)
        })
    }

    /// How many slots there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Recounts everything. For tests.
    pub(super) fn validate(&self) {
        assert_eq!(self.iter().count(), self.len, "the count differs from the queue");
        assert!(self.in_use() <= LONGEST * self.len.div_ceil(CHUNK) + SLACK + 2, "the queue is too long");
    }

    /// The next use goes to `back`, or into a new chunk if it is the end of this one.
    fn advance(&mut self, back: u32) {
        if back.is_multiple_of(CHUNK as u32) && back != self.back { self.extend() } else { self.back = back }
    }

    fn extend(&mut self) {
        std::mem::swap(&mut self.newest, &mut self.chunks[(self.back >> CHUNK_BITS) as usize]);
        self.close_up();
        let chunk = self.spare.pop().unwrap_or(self.chunks.len() as u32);
        if chunk as usize == self.chunks.len() {
            self.chunks.push(Box::new([0; CHUNK]));
            self.behind.push(NOWHERE);
        }
        self.behind[chunk as usize] = NOWHERE;
        self.behind[(self.back >> CHUNK_BITS) as usize] = chunk;
        self.back = chunk << CHUNK_BITS;
    }

    /// Moves the front to the least recent use that counts.
    fn pass_over(&mut self) {
        loop {
            let first = self.front;
            let slots = self.stretch(first);
            let in_vain = slots.iter().zip(first..).take_while(|&(&slot, place)| !self.is_at(slot, place)).count();
            let is_passed = in_vain == slots.len();
            self.front += in_vain as u32;
            let chunk = first >> CHUNK_BITS;
            if !is_passed || chunk == self.back >> CHUNK_BITS {
                return;
            }
            if self.closed.is_some_and(|(closed, _)| closed == chunk) {
                self.closed = None;
            }
            self.spare.push(chunk);
            self.front = self.behind[chunk as usize] << CHUNK_BITS;
        }
    }

    /// While the queue is too long, moves the uses of a few chunks forward into the room that others left.
    fn close_up(&mut self) {
        let most = LONGEST * self.len.div_ceil(CHUNK) + SLACK;
        for _ in 0..CHUNKS_AT_ONCE {
            if self.in_use() <= most || !self.close_next() {
                return;
            }
        }
    }

    /// Closes one chunk up. False when there is none: the last chunk stays as it is.
    fn close_next(&mut self) -> bool {
        let front = self.front >> CHUNK_BITS;
        let (mut into, mut taken) = self.closed.unwrap_or((front, self.front as usize % CHUNK));
        let (chunk, from) = if self.closed.is_some() { (self.behind[into as usize], 0) } else { (front, taken) };
        if chunk == self.back >> CHUNK_BITS {
            self.closed = None;
            return chunk != front;
        }
        // In two steps, so that what nobody can guess, which uses still count, is no branch: that halves the time.
        let mut kept = [0; CHUNK];
        let mut count = 0;
        for (offset, &slot) in self.chunks[chunk as usize].iter().enumerate().skip(from) {
            kept[count % CHUNK] = slot;
            count += usize::from(self.is_at(slot, place(chunk, offset)));
        }
        for &slot in &kept[..count] {
            if taken == CHUNK {
                // At least as much of this chunk has been looked at.
                (into, taken) = (chunk, 0);
            }
            self.places.set(slot, place(into, taken));
            self.chunks[into as usize][taken] = slot;
            taken += 1;
        }
        if into != chunk {
            self.behind[into as usize] = self.behind[chunk as usize];
            self.spare.push(chunk);
        }
        self.closed = Some((into, taken));
        true
    }

    /// Whether the last use of `slot` stands at `place`.
    fn is_at(&self, slot: u32, place: u32) -> bool {
        self.places.get(slot) == place
    }

    fn in_use(&self) -> usize {
        self.chunks.len() - self.spare.len()
    }

    /// The slots of uses from the place `first` to the end of its chunk.
    fn stretch(&self, first: u32) -> &[u32] {
        let (chunk, offset) = (first >> CHUNK_BITS, first as usize % CHUNK);
        if chunk == self.back >> CHUNK_BITS {
            &self.newest[offset..self.back as usize % CHUNK]
        } else {
            &self.chunks[chunk as usize][offset..]
        }
    }
}

/// Writes the slots that are used into `room`, which begins at the place `from`, until a word is none of a use, its slot is not there, or
/// the room is full. How many.
fn append_uses(words: &[u32], places: &mut Column, room: &mut [u32], from: u32) -> usize {
    let mut count = 0;
    for (&word, written) in words.iter().zip(room) {
        // What is no use is no slot, so that there is one thing to ask.
        let slot = log::slot_of_use(word);
        match places.get_mut(slot) {
            Some(place) if *place != NOWHERE => *place = from.wrapping_add(count),
            _ => break,
        }
        *written = slot;
        count = count.wrapping_add(1);
    }
    count as usize
}

fn place(chunk: u32, offset: usize) -> u32 {
    chunk << CHUNK_BITS | offset as u32
}
