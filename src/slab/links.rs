//! Circular lists of slots, as many as their owner has made.
//!
//! Links are integers into a column, so lists are safe to hold, cheap to move and impossible to dangle:
//! the shape of quick-cache's linked slab, kept in a column because a walk touches links only.

use crate::column::Column;

/// Slots of [`Links`] are below this, which leaves room for a thousand lists in 24 bits.
pub const MOST_LINKED: u32 = (1 << 24) - (1 << 10);

/// Many doubly linked lists over one space of slots, all below [`MOST_LINKED`]. A slot is in at most one list at a time.
///
/// List heads are sentinels that live in the same column, before the first slot, so that linking and
/// unlinking have no special cases for the ends.
#[derive(Clone, Debug)]
pub struct Links {
    nodes: Column<Node>,
    lists: u32,
}

/// The neighbours of a slot, side by side, because whoever needs one mostly needs the other; of three bytes each, because
/// there is a node for every entry of every cache.
#[derive(Clone, Copy, Debug)]
struct Node {
    next: [u8; 3],
    prev: [u8; 3],
}

impl Node {
    fn new(next: u32, prev: u32) -> Self {
        Self { next: narrow(next), prev: narrow(prev) }
    }

    fn next(self) -> u32 {
        wide(self.next)
    }

    fn prev(self) -> u32 {
        wide(self.prev)
    }
}

impl Links {
    /// `lists` empty lists and no slots; slots come into being when they are first linked.
    pub fn new(lists: u32) -> Self {
        let mut links = Self { nodes: Column::new(Node::new(NO_NODE, NO_NODE)), lists };
        (0..lists).for_each(|head| links.nodes.set(head, Node::new(head, head)));
        links
    }

    /// Puts `slot`, which must be in no list, at the front of `list`.
    pub fn push_front(&mut self, list: u32, slot: u32) {
        let node = self.node(slot);
        let after = self.nodes.get(list).next();
        self.link(list, node, after);
    }

    /// Puts `slot`, which must be in no list, at the back of `list`.
    pub fn push_back(&mut self, list: u32, slot: u32) {
        let node = self.node(slot);
        let before = self.nodes.get(list).prev();
        self.link(before, node, list);
    }

    /// Takes `slot` out of its list. False when it was in none.
    pub fn unlink(&mut self, slot: u32) -> bool {
        let Some(node) = self.nodes.get_mut(slot + self.lists) else { return false };
        let (next, prev) = (node.next(), node.prev());
        if next == NO_NODE {
            return false;
        }
        node.next = narrow(NO_NODE);
        self.join(prev, next);
        true
    }

    /// Moves `slot`, which must be linked, to the front of `list`.
    pub fn move_to_front(&mut self, list: u32, slot: u32) {
        if self.nodes.get(list).next() == slot + self.lists {
            return;
        }
        self.unlink(slot);
        self.push_front(list, slot);
    }

    /// Whether `slot` is in any list.
    pub fn is_linked(&self, slot: u32) -> bool {
        self.nodes.get(slot + self.lists).next() != NO_NODE
    }

    /// The first slot of `list`.
    pub fn front(&self, list: u32) -> Option<u32> {
        self.slot_of(self.nodes.get(list).next())
    }

    /// The last slot of `list`.
    pub fn back(&self, list: u32) -> Option<u32> {
        self.slot_of(self.nodes.get(list).prev())
    }

    /// The slot behind `slot` in its list, towards the back.
    pub fn after(&self, slot: u32) -> Option<u32> {
        self.slot_of(self.nodes.get(slot + self.lists).next())
    }

    /// The slot before `slot` in its list, towards the front.
    pub fn before(&self, slot: u32) -> Option<u32> {
        self.slot_of(self.nodes.get(slot + self.lists).prev())
    }

    /// The slots of `list` from back to front.
    pub fn iter_back(&self, list: u32) -> impl Iterator<Item = u32> + '_ {
        std::iter::successors(self.back(list), |&slot| self.before(slot))
    }

    /// Moves all of `from` behind the back of `to`, in order, in constant time.
    pub fn append(&mut self, from: u32, to: u32) {
        let ends = self.nodes.get(from);
        let (first, last) = (ends.next(), ends.prev());
        if first == from {
            return;
        }
        self.join(self.nodes.get(to).prev(), first);
        self.join(last, to);
        self.join(from, from);
    }

    /// Whether `list` has no slot.
    pub fn is_empty(&self, list: u32) -> bool {
        self.nodes.get(list).next() == list
    }

    /// Empties every list and forgets every slot.
    pub fn clear(&mut self) {
        *self = Self::new(self.lists);
    }

    fn slot_of(&self, node: u32) -> Option<u32> {
        node.checked_sub(self.lists)
    }

    fn node(&self, slot: u32) -> u32 {
        debug_assert!(slot < MOST_LINKED, "slot {slot} is out of range");
        debug_assert!(!self.is_linked(slot), "slot {slot} is already in a list");
        slot + self.lists
    }

    fn link(&mut self, prev: u32, node: u32, next: u32) {
        self.nodes.set(node, Node::new(next, prev));
        self.point(prev, |before| before.next = narrow(node));
        self.point(next, |after| after.prev = narrow(node));
    }

    fn join(&mut self, before: u32, after: u32) {
        self.point(before, |node| node.next = narrow(after));
        self.point(after, |node| node.prev = narrow(before));
    }

    /// Changes where a node that is in a list points to.
    fn point(&mut self, node: u32, change: impl FnOnce(&mut Node)) {
        if let Some(node) = self.nodes.get_mut(node) {
            change(node);
        }
    }
}

fn narrow(node: u32) -> [u8; 3] {
    let [low, middle, high, _] = node.to_le_bytes();
    [low, middle, high]
}

fn wide([low, middle, high]: [u8; 3]) -> u32 {
    u32::from_le_bytes([low, middle, high, 0])
}

/// What is no node of [`Links`], in 24 bits.
const NO_NODE: u32 = (1 << 24) - 1;

#[cfg(test)]
mod tests {
    use super::{Links, MOST_LINKED, NO_NODE, Node};
    use proptest::prelude::{Strategy, prop_oneof, proptest};
    use std::collections::VecDeque;

    #[derive(Clone, Debug)]
    enum Op {
        Front(u32, u32),
        Back(u32, u32),
        Unlink(u32),
        Touch(u32),
        Append(u32, u32),
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            (0..3u32, 0..20u32).prop_map(|(list, slot)| Op::Front(list, slot)),
            (0..3u32, 0..20u32).prop_map(|(list, slot)| Op::Back(list, slot)),
            (0..20u32).prop_map(Op::Unlink),
            (0..20u32).prop_map(Op::Touch),
            (0..3u32, 0..3u32).prop_map(|(from, to)| Op::Append(from, to)),
        ]
    }

    proptest! {
        #[test]
        fn links_equal_a_deque_per_list(ops in proptest::collection::vec(op(), 0..200)) {
            let mut links = Links::new(3);
            let mut model = vec![VecDeque::new(); 3];
            let place = |model: &Vec<VecDeque<u32>>, slot| model.iter().position(|list| list.contains(&slot));
            for op in ops {
                match op {
                    Op::Front(list, slot) if place(&model, slot).is_none() => {
                        links.push_front(list, slot);
                        model[list as usize].push_front(slot);
                    }
                    Op::Back(list, slot) if place(&model, slot).is_none() => {
                        links.push_back(list, slot);
                        model[list as usize].push_back(slot);
                    }
                    Op::Unlink(slot) => {
                        let list = place(&model, slot);
                        assert_eq!(links.unlink(slot), list.is_some());
                        if let Some(list) = list {
                            model[list].retain(|&other| other != slot);
                        }
                    }
                    Op::Touch(slot) => {
                        if let Some(list) = place(&model, slot) {
                            links.move_to_front(list as u32, slot);
                            model[list].retain(|&other| other != slot);
                            model[list].push_front(slot);
                        }
                    }
                    Op::Append(from, to) if from != to => {
                        links.append(from, to);
                        let moved: Vec<u32> = model[from as usize].drain(..).collect();
                        model[to as usize].extend(moved);
                    }
                    _ => {}
                }
                for (list, expected) in model.iter().enumerate() {
                    let found: Vec<u32> = links.iter_back(list as u32).collect();
                    assert!(found.iter().eq(expected.iter().rev()));
                }
            }
        }

        #[test]
        fn a_node_tells_any_slot_behind_a_thousand_lists(next in 0..MOST_LINKED + 1000, prev in 0..MOST_LINKED + 1000) {
            let node = Node::new(next, prev);
            assert_eq!((node.next(), node.prev()), (next, prev));
            assert!(next != NO_NODE && prev != NO_NODE);
        }
    }
}
