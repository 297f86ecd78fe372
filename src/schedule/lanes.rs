//! Who may run next: a FIFO of waiting slots for each key, served in turn within a global and a per-key limit.

use crate::slab::{Links, Ring, Rings, Slab, Token};

const READY: u32 = 0;

/// Lanes and their limits. Every operation is O(1); a lane without tasks is dropped, so memory follows the work.
#[derive(Clone, Debug)]
pub(super) struct Lanes {
    lanes: Slab<Lane>,
    waiting: Rings,
    /// The lanes with a waiting slot and room to run it, in the order of their turns.
    ready: Links,
    limit: u32,
    lane_limit: u32,
    active: u32,
    queued: u32,
}

#[derive(Clone, Debug, Default)]
struct Lane {
    waiting: Ring,
    /// Tasks that belong here, whatever they do at the moment.
    members: u32,
    active: u32,
}

impl Lanes {
    /// No lanes; at most `limit` slots run at once, and at most `lane_limit` of one lane.
    pub(super) fn new(limit: u32, lane_limit: u32) -> Self {
        Self {
            lanes: Slab::default(),
            waiting: Rings::default(),
            ready: Links::new(1),
            limit,
            lane_limit,
            active: 0,
            queued: 0,
        }
    }

    /// Makes one more task a member of `lane`, or of a new lane when there is none of that name.
    pub(super) fn enter(&mut self, lane: Option<Token>) -> Token {
        let lane =
            lane.filter(|&lane| self.lanes.get(lane).is_some()).unwrap_or_else(|| self.lanes.insert(Lane::default()));
        self.lane(lane).members += 1;
        lane
    }

    /// Ends a membership. The slot must be neither queued nor running.
    pub(super) fn leave(&mut self, lane: Token) {
        let entry = self.lane(lane);
        entry.members -= 1;
        if entry.members == 0 {
            self.ready.unlink(lane.slot());
            self.lanes.remove(lane);
        }
    }

    /// Puts `slot` behind the others that wait in `lane`.
    pub(super) fn queue(&mut self, lane: Token, slot: u32) {
        let entry = self.lanes.get_mut(lane).expect(MEMBER);
        self.waiting.push_back(&mut entry.waiting, slot);
        self.queued += 1;
        self.file(lane);
    }

    /// Takes the waiting `slot` out of `lane`.
    pub(super) fn unqueue(&mut self, lane: Token, slot: u32) {
        let entry = self.lanes.get_mut(lane).expect(MEMBER);
        self.waiting.remove(&mut entry.waiting, slot);
        self.queued -= 1;
        self.file(lane);
    }

    /// The slot whose turn it is; `None` when nothing waits that the limits allow.
    pub(super) fn next(&self) -> Option<u32> {
        let lane = self.ready.front(READY).filter(|_| self.active < self.limit)?;
        self.lanes.get(self.lanes.token_at(lane)?)?.waiting.front()
    }

    /// The slot that [`Lanes::next`] named, of `lane`, runs from now on, and the lane goes to the end of the round.
    pub(super) fn begin(&mut self, lane: Token) {
        let entry = self.lanes.get_mut(lane).expect(MEMBER);
        self.waiting.pop_front(&mut entry.waiting);
        entry.active += 1;
        self.active += 1;
        self.queued -= 1;
        self.ready.unlink(lane.slot());
        self.file(lane);
    }

    /// A slot of `lane` runs no longer.
    pub(super) fn release(&mut self, lane: Token) {
        self.lane(lane).active -= 1;
        self.active -= 1;
        self.file(lane);
    }

    /// Whether a slot that is queued in `lane` now would run at once.
    pub(super) fn has_room(&self, lane: Option<Token>) -> bool {
        let lane = lane.and_then(|lane| self.lanes.get(lane));
        self.active < self.limit && lane.is_none_or(|lane| lane.active < self.lane_limit)
    }

    /// How many slots run.
    pub(super) fn active(&self) -> u32 {
        self.active
    }

    /// How many slots wait.
    pub(super) fn queued(&self) -> u32 {
        self.queued
    }

    /// How many lanes have tasks.
    pub(super) fn len(&self) -> usize {
        self.lanes.len()
    }

    /// Gives `lane` a turn, at the end of the round, exactly when it can use one.
    fn file(&mut self, lane: Token) {
        let entry = self.lanes.get(lane).expect(MEMBER);
        let ready = !entry.waiting.is_empty() && entry.active < self.lane_limit;
        match (ready, self.ready.is_linked(lane.slot())) {
            (true, false) => self.ready.push_back(READY, lane.slot()),
            (false, true) => {
                self.ready.unlink(lane.slot());
            }
            _ => {}
        }
    }

    fn lane(&mut self, lane: Token) -> &mut Lane {
        self.lanes.get_mut(lane).expect(MEMBER)
    }

    /// Recounts everything. `members` lists each lane with its tasks: how many belong to it and how many run.
    #[cfg(test)]
    pub(super) fn validate(&self, members: &std::collections::BTreeMap<Token, (u32, u32)>) {
        assert_eq!(self.lanes.len(), members.len(), "a lane lives exactly while it has tasks");
        let (mut active, mut queued) = (0, 0);
        for (token, lane) in self.lanes.iter() {
            let waiting = self.waiting.iter(&lane.waiting).count() as u32;
            assert_eq!(Some(&(lane.members, lane.active)), members.get(&token));
            assert!(lane.active <= self.lane_limit);
            assert_eq!(self.ready.is_linked(token.slot()), waiting > 0 && lane.active < self.lane_limit);
            active += lane.active;
            queued += waiting;
        }
        assert_eq!((active, queued), (self.active, self.queued));
        assert!(self.active <= self.limit);
        assert_eq!(self.ready.iter_back(READY).filter(|&slot| self.lanes.token_at(slot).is_none()).count(), 0);
    }

    /// The slots that wait in `lane`, first to last.
    #[cfg(test)]
    pub(super) fn waiting(&self, lane: Token) -> Vec<u32> {
        self.lanes.get(lane).map(|lane| self.waiting.iter(&lane.waiting).collect()).unwrap_or_default()
    }
}

const MEMBER: &str = "a task is a member of its lane until it leaves";
