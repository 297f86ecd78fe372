//! What is resident: the order of eviction and the times of expiry, by slot.
//!
//! The host owns keys, values and the numbers of slots. It keeps a log of what happened to which slot and hands the
//! log over in one piece, so that a hit costs the host one store and this machine a few nanoseconds later on.

pub mod curve;
mod log;
mod numbers;
mod policy;
mod sketch;

pub use log::{Op, OpKind};
pub use policy::Policy;

use crate::time::Instant;
use crate::wheel::Wheel;
use policy::Order;

/// The order of eviction and the wheel of expiry over slots that the host hands out.
#[derive(Clone, Debug)]
pub struct Cache {
    config: Config,
    order: Order,
    /// Made for the first entry that expires.
    wheel: Option<Wheel>,
    began: Instant,
}

/// What kind of cache it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Which entry leaves.
    pub policy: Policy,
    /// How many entries the host will let in, as far as it knows. A guess is good enough.
    pub expected: u32,
    /// For what a policy leaves to chance.
    pub seed: u64,
}

impl Cache {
    /// An empty cache whose time begins at `now`.
    pub fn new(config: Config, now: Instant) -> Self {
        let Config { policy, expected, seed } = config;
        Self { config, order: Order::new(policy, expected, seed), wheel: None, began: now }
    }

    /// `slot` holds a new entry, the most recent one. An earlier entry in `slot` is gone. `hash` is the host's seeded hash of
    /// the key, by which a policy other than LRU knows it again.
    pub fn admit(&mut self, slot: u32, expires_at: Instant, hash: u32) {
        self.order.insert(slot, hash);
        self.arm(slot, expires_at);
    }

    /// The entry in `slot` was used. A slot that holds none is left alone.
    pub fn touch(&mut self, slot: u32) {
        self.order.touch(slot);
    }

    /// The entry in `slot` is gone. If it was to be proposed some day, an empty slot or a later entry is proposed in its place.
    pub fn remove(&mut self, slot: u32) {
        self.order.remove(slot);
    }

    /// `slot` shall be proposed at `expires_at`, unless it is proposed earlier anyway: the host answers a proposal that is too
    /// early with the right time. So a slot that is used again and again costs the wheel one filing for each time to live.
    pub fn arm(&mut self, slot: u32, expires_at: Instant) {
        if expires_at == Instant::NEVER {
            return;
        }
        let wheel = self.wheel.get_or_insert_with(|| Wheel::new(self.began));
        if wheel.due(slot).is_none_or(|due| due > expires_at) {
            wheel.insert(slot, expires_at);
        }
    }

    /// Applies a log of the host, in order. Times in it are offsets from `base`.
    pub fn replay(&mut self, words: &[u32], base: Instant) {
        let mut rest = words;
        loop {
            let used = self.order.replay_uses(rest);
            let Some((op, behind)) = log::next_op(&rest[used..], base) else { return };
            match op.kind {
                OpKind::Touch => self.touch(op.slot),
                OpKind::Admit { expires_at, hash } => self.admit(op.slot, expires_at, hash),
                OpKind::Remove => self.remove(op.slot),
                OpKind::Arm { expires_at } => self.arm(op.slot, expires_at),
            }
            rest = behind;
        }
    }

    /// The slots to evict next, in order, at most `most` and at least one unless the cache is empty. The host evicts by
    /// logging what it did; who is touched meanwhile is a victim no more. With LRU, asking changes nothing and the order stays
    /// exact. The other policies decide now, so they name few at a time, and those named stay so until touched or gone.
    pub fn victims(&mut self, most: u32) -> Vec<u32> {
        self.order.victims(most)
    }

    /// Up to `most` slots by what they are worth to the policy, which decides nothing by that: those that leave last, or those that
    /// leave first, each at the front.
    pub fn ranked(&self, most: usize, hottest: bool) -> Vec<u32> {
        let mut slots = self.order.ranked();
        if hottest {
            slots.reverse();
        }
        slots.truncate(most);
        slots
    }

    /// A slot whose time has come at `now`. Each step of the search costs one of `budget`.
    ///
    /// It is a proposal: the host, which knows what is there now and until when, answers with a removal or with a later time.
    pub fn poll_expired(&mut self, now: Instant, budget: &mut u32) -> Option<u32> {
        self.wheel.as_mut()?.poll(now, budget)
    }

    /// When to call [`Cache::poll_expired`] next.
    pub fn poll_at(&self) -> Option<Instant> {
        self.wheel.as_ref()?.poll_at()
    }

    /// Forgets every entry.
    pub fn clear(&mut self, now: Instant) {
        *self = Self::new(self.config, now);
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Recounts everything; panics where the parts disagree. For tests.
    #[doc(hidden)]
    pub fn validate(&self) {
        self.order.validate();
        let mut listed = self.order.slots();
        listed.sort_unstable();
        listed.dedup();
        assert_eq!(listed.len(), self.len(), "the count differs from the list");
    }
}
