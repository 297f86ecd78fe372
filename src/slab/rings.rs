//! Circular lists of slots whose number is not known beforehand.

/// The owner of a list keeps its [`Ring`], the slots are linked here. A slot is in at most one ring at a time.
#[derive(Clone, Debug, Default)]
pub struct Rings {
    next: Vec<u32>,
    prev: Vec<u32>,
}

/// One list of a [`Rings`]: where it begins, unless it is empty.
#[derive(Clone, Debug, Default)]
pub struct Ring(Option<u32>);

impl Ring {
    /// The first slot.
    pub fn front(&self) -> Option<u32> {
        self.0
    }

    /// Whether no slot is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl Rings {
    /// Puts `slot`, which must be in no ring, at the back of `ring`.
    pub fn push_back(&mut self, ring: &mut Ring, slot: u32) {
        if self.next.len() <= slot as usize {
            self.next.resize(slot as usize + 1, UNLINKED);
            self.prev.resize(slot as usize + 1, UNLINKED);
        }
        debug_assert!(self.next[slot as usize] == UNLINKED, "slot {slot} is already in a ring");
        let front = *ring.0.get_or_insert(slot);
        let back = if front == slot { slot } else { self.prev[front as usize] };
        self.next[slot as usize] = front;
        self.prev[slot as usize] = back;
        self.next[back as usize] = slot;
        self.prev[front as usize] = slot;
    }

    /// Takes `slot`, which must be in `ring` and in no other, out of it.
    pub fn remove(&mut self, ring: &mut Ring, slot: u32) {
        let (before, after) = (self.prev[slot as usize], self.next[slot as usize]);
        debug_assert!(after != UNLINKED, "slot {slot} is in no ring");
        self.next[before as usize] = after;
        self.prev[after as usize] = before;
        self.next[slot as usize] = UNLINKED;
        if ring.0 == Some(slot) {
            ring.0 = (after != slot).then_some(after);
        }
    }

    /// Takes the first slot of `ring` out of it.
    pub fn pop_front(&mut self, ring: &mut Ring) -> Option<u32> {
        let slot = ring.front()?;
        self.remove(ring, slot);
        Some(slot)
    }

    /// The slots of `ring` from front to back.
    pub fn iter(&self, ring: &Ring) -> impl Iterator<Item = u32> + '_ {
        let front = ring.front();
        std::iter::successors(front, move |&slot| Some(self.next[slot as usize]).filter(|&next| Some(next) != front))
    }
}

const UNLINKED: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use super::{Ring, Rings};
    use proptest::prelude::{any, proptest};
    use std::collections::VecDeque;

    proptest! {
        #[test]
        fn rings_equal_a_deque_per_ring(ops in proptest::collection::vec((0..3usize, 0..20u32, any::<bool>()), 0..200)) {
            let mut rings = Rings::default();
            let mut heads = vec![Ring::default(); 3];
            let mut model = vec![VecDeque::new(); 3];
            for (list, slot, pop) in ops {
                match model.iter().position(|list| list.contains(&slot)) {
                    _ if pop => assert_eq!(rings.pop_front(&mut heads[list]), model[list].pop_front()),
                    Some(list) => {
                        rings.remove(&mut heads[list], slot);
                        model[list].retain(|&other| other != slot);
                    }
                    None => {
                        rings.push_back(&mut heads[list], slot);
                        model[list].push_back(slot);
                    }
                }
                for (head, expected) in heads.iter().zip(&model) {
                    assert!(rings.iter(head).eq(expected.iter().copied()));
                    assert_eq!(head.is_empty(), expected.is_empty());
                }
            }
        }
    }
}
