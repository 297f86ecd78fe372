//! Who may run next: a line of waiting slots for each key, served in turn within a global and a per-key limit.
//!
//! Within a lane the order is that of priority and arrival (see `line.rs`); the lanes take turns, whatever waits in them. A slot takes
//! as many places as its weight says. One that does not fit yet is waited for, so that light ones do not keep it out for ever; one that
//! never fits runs alone.

use super::line::{Line, Lines};
use crate::column::Column;
use crate::slab::{Links, Slab, Token};
use crate::time::{Duration, Instant};

const READY: u32 = 0;
const OLDEST: u32 = 0;

/// Lanes and their limits. Every operation is O(1), or O(log n) for slots with a priority; a lane without tasks is dropped, so memory
/// follows the work.
#[derive(Clone, Debug)]
pub(super) struct Lanes {
    lanes: Slab<Lane>,
    lines: Lines,
    /// The lanes with a waiting slot and room to run it, in the order of their turns.
    ready: Links,
    /// What waits in the order in which it came, where somebody wants to know.
    arrivals: Option<Links>,
    weights: Column,
    limit: u32,
    lane_limit: u32,
    /// Whether nobody begins for now.
    paused: bool,
    /// Places that are taken, and slots that take them.
    active: u32,
    running: u32,
    queued: u32,
}

#[derive(Clone, Debug, Default)]
struct Lane {
    waiting: Line,
    /// Tasks that belong here, whatever they do at the moment.
    members: u32,
    active: u32,
    /// Slots that wait.
    queued: u32,
    /// Its own limit; 0: that of all lanes.
    limit: u32,
    /// Nothing of it begins, however much room there is.
    is_held: bool,
}

impl Lanes {
    /// No lanes; at most `limit` places at once, and at most `lane_limit` of one lane. Waiting for `aging` makes up for one step of
    /// priority. `by_age`: see [`Lanes::oldest`].
    pub(super) fn new(limit: u32, lane_limit: u32, aging: Duration, by_age: bool) -> Self {
        Self {
            lanes: Slab::default(),
            lines: Lines::new(aging),
            ready: Links::new(1),
            arrivals: by_age.then(|| Links::new(1)),
            weights: Column::new(1),
            limit,
            lane_limit,
            paused: false,
            active: 0,
            running: 0,
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

    /// Lets nothing of `lane` begin until it is released; until then it lives, with tasks or without. False when there is none of that name.
    pub(super) fn hold(&mut self, lane: Token) -> bool {
        let Some(entry) = self.lanes.get_mut(lane) else { return false };
        if !entry.is_held {
            entry.is_held = true;
            entry.members += 1;
            self.file(lane);
        }
        true
    }

    pub(super) fn is_held(&self, lane: Token) -> bool {
        self.lanes.get(lane).is_some_and(|lane| lane.is_held)
    }

    /// Ends the hold of the lane in `slot`.
    pub(super) fn let_go(&mut self, slot: u32) {
        let Some(lane) = self.lanes.token_at(slot) else { return };
        let entry = self.lane(lane);
        if std::mem::take(&mut entry.is_held) {
            self.file(lane);
            self.leave(lane);
        }
    }

    /// Puts `slot` in the line of `lane`.
    pub(super) fn queue(&mut self, lane: Token, slot: u32, priority: i32, weight: u32, now: Instant) {
        if self.weights.get(slot) != weight {
            self.weights.set(slot, weight);
        }
        let entry = self.lanes.get_mut(lane).expect(MEMBER);
        self.lines.push(&mut entry.waiting, slot, priority, now);
        entry.queued += 1;
        if let Some(arrivals) = &mut self.arrivals {
            arrivals.push_back(OLDEST, slot);
        }
        self.queued += 1;
        self.file(lane);
    }

    /// Takes the waiting `slot` out of `lane`.
    pub(super) fn unqueue(&mut self, lane: Token, slot: u32) {
        let entry = self.lanes.get_mut(lane).expect(MEMBER);
        self.lines.remove(&mut entry.waiting, slot);
        entry.queued -= 1;
        if let Some(arrivals) = &mut self.arrivals {
            arrivals.unlink(slot);
        }
        self.queued -= 1;
        self.file(lane);
    }

    /// The slot whose turn it is; `None` when nothing waits that the limits allow.
    pub(super) fn next(&self) -> Option<u32> {
        if self.paused {
            return None;
        }
        let lane = self.ready.front(READY)?;
        let slot = self.lines.front(&self.lanes.get(self.lanes.token_at(lane)?)?.waiting)?;
        self.fits(self.active, self.weights.get(slot), self.limit).then_some(slot)
    }

    /// The slot that [`Lanes::next`] named, of `lane`, runs from now on, and the lane goes to the end of the round.
    pub(super) fn begin(&mut self, lane: Token, slot: u32) {
        let weight = self.weights.get(slot);
        let entry = self.lanes.get_mut(lane).expect(MEMBER);
        self.lines.remove(&mut entry.waiting, slot);
        if let Some(arrivals) = &mut self.arrivals {
            arrivals.unlink(slot);
        }
        entry.active += weight;
        entry.queued -= 1;
        self.active += weight;
        self.running += 1;
        self.queued -= 1;
        self.ready.unlink(lane.slot());
        self.file(lane);
    }

    /// `slot` of `lane` runs no longer.
    pub(super) fn release(&mut self, lane: Token, slot: u32) {
        let weight = self.weights.get(slot);
        self.lane(lane).active -= weight;
        self.active -= weight;
        self.running -= 1;
        self.file(lane);
    }

    /// Whether there is room for one more slot of that weight in `lane`, and nobody waits there.
    pub(super) fn has_room(&self, lane: Option<Token>, weight: u32) -> bool {
        let lane = lane.and_then(|lane| self.lanes.get(lane));
        let has_room = |lane: &Lane| {
            !lane.is_held && lane.waiting.is_empty() && self.fits(lane.active, weight, self.limit_of(lane))
        };
        !self.paused && self.fits(self.active, weight, self.limit) && lane.is_none_or(has_room)
    }

    /// Whether no lane has somebody who could run, were there room in all.
    pub(super) fn nobody_is_ready(&self) -> bool {
        self.ready.is_empty(READY)
    }

    /// Changes how many places there are. What runs goes on.
    pub(super) fn set_limit(&mut self, limit: u32) {
        self.limit = limit;
    }

    /// Gives one lane a limit of its own.
    pub(super) fn limit_lane(&mut self, lane: Token, limit: u32) {
        if let Some(entry) = self.lanes.get_mut(lane) {
            entry.limit = limit;
            self.file(lane);
        }
    }

    fn limit_of(&self, lane: &Lane) -> u32 {
        if lane.limit == 0 { self.lane_limit } else { lane.limit }
    }

    /// Whether nobody begins, whatever the limits allow.
    pub(super) fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// How many places there are.
    pub(super) fn limit(&self) -> u32 {
        self.limit
    }

    /// The slot that has waited for longest, where lanes were made to know.
    pub(super) fn oldest(&self) -> Option<u32> {
        self.arrivals.as_ref()?.front(OLDEST)
    }

    /// How many places are taken.
    pub(super) fn active(&self) -> u32 {
        self.active
    }

    /// How many slots run.
    pub(super) fn running(&self) -> u32 {
        self.running
    }

    /// How many places a lane takes, and how many of its slots wait.
    pub(super) fn load(&self, lane: Token) -> (u32, u32) {
        self.lanes.get(lane).map_or((0, 0), |lane| (lane.active, lane.queued))
    }

    /// How many slots wait.
    pub(super) fn queued(&self) -> u32 {
        self.queued
    }

    /// How many lanes have tasks.
    pub(super) fn len(&self) -> usize {
        self.lanes.len()
    }

    fn fits(&self, active: u32, weight: u32, limit: u32) -> bool {
        active == 0 || active.saturating_add(weight) <= limit
    }

    /// Gives `lane` a turn, at the end of the round, exactly when it can use one.
    fn file(&mut self, lane: Token) {
        let entry = self.lanes.get(lane).expect(MEMBER);
        let first = self.lines.front(&entry.waiting);
        let ready = !entry.is_held
            && first.is_some_and(|slot| self.fits(entry.active, self.weights.get(slot), self.limit_of(entry)));
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

    /// Recounts everything. `members` lists each lane with its tasks: how many belong to it and how many places are taken.
    #[cfg(test)]
    pub(super) fn validate(&self, members: &std::collections::BTreeMap<Token, (u32, u32)>) {
        let held = |token: &Token| self.lanes.get(*token).is_some_and(|lane| lane.is_held);
        let idle = self.lanes.iter().filter(|(token, _)| held(token) && !members.contains_key(token)).count();
        assert_eq!(self.lanes.len(), members.len() + idle, "a lane lives exactly while it has tasks or is held");
        let (mut active, mut queued) = (0, 0);
        for (token, lane) in self.lanes.iter() {
            let waiting: Vec<u32> = self.lines.iter(&lane.waiting).collect();
            let (tasks, taken) = members.get(&token).copied().unwrap_or_default();
            assert_eq!((lane.members, lane.active), (tasks + u32::from(lane.is_held), taken));
            let room = |slot: &u32| self.fits(lane.active, self.weights.get(*slot), self.limit_of(lane));
            assert_eq!(self.ready.is_linked(token.slot()), !lane.is_held && waiting.first().is_some_and(room));
            assert_eq!((lane.waiting.is_empty(), lane.queued as usize), (waiting.is_empty(), waiting.len()));
            active += lane.active;
            queued += waiting.len() as u32;
        }
        assert_eq!((active, queued), (self.active, self.queued));
        assert!(self.arrivals.as_ref().is_none_or(|all| all.iter_back(OLDEST).count() as u32 == self.queued));
        assert_eq!(self.ready.iter_back(READY).filter(|&slot| self.lanes.token_at(slot).is_none()).count(), 0);
    }

    /// The slots that wait in `lane`, first to last.
    #[cfg(test)]
    pub(super) fn waiting(&self, lane: Token) -> Vec<u32> {
        self.lanes.get(lane).map(|lane| self.lines.iter(&lane.waiting).collect()).unwrap_or_default()
    }
}

const MEMBER: &str = "a task is a member of its lane until it leaves";
