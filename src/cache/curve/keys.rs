//! The keys that are followed, by hash.

use super::key::Key;
use crate::cache::numbers::Numbers;

/// See the top of this file.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    numbers: Numbers,
    /// By number.
    keys: Vec<Option<Key>>,
}

impl Keys {
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    pub(super) fn get_mut(&mut self, hash: u32) -> Option<&mut Key> {
        self.keys[self.numbers.find(hash)? as usize].as_mut()
    }

    /// Takes in `key`, whose hash is not there.
    pub(super) fn insert(&mut self, key: Key) {
        let number = self.numbers.insert(key.hash) as usize;
        if number == self.keys.len() {
            self.keys.push(None);
        }
        self.keys[number] = Some(key);
    }

    pub(super) fn remove(&mut self, hash: u32) -> Option<Key> {
        let number = self.numbers.find(hash)?;
        self.numbers.remove(number);
        self.keys[number as usize].take()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter().flatten()
    }
}
