//! What is resident: the order of eviction and the times of expiry, by slot.
//!
//! The host owns keys, values and the numbers of slots. It keeps a log of what happened to which slot and hands the
//! log over in one piece, so that a hit costs the host one store and this machine a few nanoseconds later on.

pub mod curve;
mod log;
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
    wheel: Wheel,
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
        Self { config, order: Order::new(policy, expected, seed), wheel: Wheel::new(now) }
    }

    /// `slot` holds a new entry, the most recent one. An earlier entry in `slot` is gone. `hash` is the host's seeded hash of
    /// the key, by which a policy other than LRU knows it again.
    pub fn admit(&mut self, slot: u32, expires_at: Instant, hash: u32) {
        self.order.insert(slot, hash);
        self.wheel.insert(slot, expires_at);
    }

    /// The entry in `slot` was used. A slot that holds none is left alone.
    pub fn touch(&mut self, slot: u32) {
        self.order.touch(slot);
    }

    /// The entry in `slot` is gone.
    pub fn remove(&mut self, slot: u32) {
        self.order.remove(slot);
        self.wheel.remove(slot);
    }

    /// The entry in `slot` expires at `expires_at`, whatever was known before.
    pub fn rearm(&mut self, slot: u32, expires_at: Instant) {
        if self.order.contains(slot) {
            self.wheel.insert(slot, expires_at);
        }
    }

    /// Applies a log of the host, in order. Times in it are offsets from `base`.
    pub fn replay(&mut self, words: &[u32], base: Instant) {
        for op in log::decode(words, base) {
            match op.kind {
                OpKind::Touch => self.touch(op.slot),
                OpKind::Admit { expires_at, hash } => self.admit(op.slot, expires_at, hash),
                OpKind::Remove => self.remove(op.slot),
                OpKind::Rearm { expires_at } => self.rearm(op.slot, expires_at),
            }
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
    /// It is a proposal: the host, which knows the exact time, answers with a removal or with a later time.
    pub fn poll_expired(&mut self, now: Instant, budget: &mut u32) -> Option<u32> {
        self.wheel.poll(now, budget)
    }

    /// When to call [`Cache::poll_expired`] next.
    pub fn poll_at(&self) -> Option<Instant> {
        self.wheel.poll_at()
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
        let filed = listed.iter().filter(|&&slot| self.wheel.due(slot).is_some()).count();
        assert_eq!(filed, self.wheel.len(), "the wheel files a slot that is not resident");
    }
}
