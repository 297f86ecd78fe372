//! LZ4 blocks: a value or a segment made smaller at a cost that one thread can bear (Collet, "LZ4 block format", 2011; by `lz4_flex`, without unsafe code).
//!
//! What comes in may be damaged or forged. A block is at most [`MAX_BLOCK`] bytes and comes out with the length that the caller knows of, or not at all.

use lz4_flex::block::{CompressTable, compress_into_with_table, decompress_into, get_maximum_output_size};
use std::fmt;
use thiserror::Error;

/// Bytes that one block expands to, at most. Twice the window of LZ4 and more loses little, and what is larger takes a host's thread too long at once.
pub const MAX_BLOCK: usize = 256 * 1024;

/// Why there is no block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Lz4Error {
    /// More than [`MAX_BLOCK`] bytes.
    #[error("a block of more than {MAX_BLOCK} bytes")]
    TooLong,
    /// These bytes are no block, or one of another length.
    #[error("no LZ4 block of that length")]
    Damaged,
}

/// Compresses blocks one after the other; none refers to another one.
pub struct Lz4 {
    table: CompressTable,
}

impl fmt::Debug for Lz4 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Lz4").finish_non_exhaustive()
    }
}

impl Default for Lz4 {
    fn default() -> Self {
        Self { table: CompressTable::large() }
    }
}

impl Lz4 {
    /// The block of `bytes`, which is longer than they are when they have no pattern.
    ///
    /// # Errors
    ///
    /// [`Lz4Error::TooLong`].
    pub fn compress(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Lz4Error> {
        if bytes.len() > MAX_BLOCK {
            return Err(Lz4Error::TooLong);
        }
        let mut block = vec![0; get_maximum_output_size(bytes.len())];
        let length = compress_into_with_table(bytes, &mut block, &mut self.table).map_err(|_| Lz4Error::TooLong)?;
        block.truncate(length);
        Ok(block)
    }

    /// What `block` was made of: exactly `length` bytes, the only memory that is taken.
    ///
    /// # Errors
    ///
    /// [`Lz4Error::TooLong`] when nothing that long can have been compressed; [`Lz4Error::Damaged`].
    pub fn expand(&self, block: &[u8], length: usize) -> Result<Vec<u8>, Lz4Error> {
        if length > MAX_BLOCK || block.len() > get_maximum_output_size(MAX_BLOCK) {
            return Err(Lz4Error::TooLong);
        }
        let mut bytes = vec![0; length];
        match decompress_into(block, &mut bytes) {
            Ok(made) if made == length => Ok(bytes),
            _ => Err(Lz4Error::Damaged),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Lz4, Lz4Error, MAX_BLOCK};
    use proptest::collection::vec;
    use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};

    /// Bytes with patterns: pieces, each repeated.
    fn patterned() -> impl Strategy<Value = Vec<u8>> {
        vec((vec(any::<u8>(), 1..40), 1..50_usize), 0..12)
            .prop_map(|pieces| pieces.into_iter().flat_map(|(piece, times)| piece.repeat(times)).collect())
    }

    proptest! {
        #[test]
        fn gives_back_what_went_in(first in patterned(), second in patterned()) {
            let mut lz4 = Lz4::default();
            for bytes in [&first, &second, &first] {
                let block = lz4.compress(bytes).expect("short");
                prop_assert_eq!(&lz4.expand(&block, bytes.len()).expect("our own"), bytes);
                prop_assert_eq!(lz4.expand(&block, bytes.len() + 1), Err(Lz4Error::Damaged));
                if let Some(less) = bytes.len().checked_sub(1) {
                    prop_assert_eq!(lz4.expand(&block, less), Err(Lz4Error::Damaged));
                }
            }
        }

        #[test]
        fn is_never_what_it_was_when_cut_short(bytes in patterned()) {
            let mut lz4 = Lz4::default();
            let block = lz4.compress(&bytes).expect("short");
            for end in 0..block.len() {
                prop_assert_eq!(lz4.expand(&block[..end], bytes.len()), Err(Lz4Error::Damaged), "cut at {}", end);
            }
        }

        #[test]
        fn anything_is_so_many_bytes_or_damaged(block in vec(any::<u8>(), 0..200), length in 0..5000_usize) {
            if let Ok(bytes) = Lz4::default().expand(&block, length) {
                prop_assert_eq!(bytes.len(), length);
            }
        }

        #[test]
        fn a_changed_block_is_so_many_bytes_or_damaged(bytes in patterned(), at in any::<usize>(), with in any::<u8>()) {
            let mut lz4 = Lz4::default();
            let mut block = lz4.compress(&bytes).expect("short");
            let at = at % block.len();
            block[at] = with;
            if let Ok(made) = lz4.expand(&block, bytes.len()) {
                prop_assert!(made.len() == bytes.len());
            }
        }
    }

    #[test]
    fn nothing_longer_than_a_block() {
        let mut lz4 = Lz4::default();
        let longest = vec![7; MAX_BLOCK];
        let block = lz4.compress(&longest).expect("it is as long as may be");
        assert!(block.len() < MAX_BLOCK / 200);
        assert_eq!(lz4.expand(&block, MAX_BLOCK).as_deref(), Ok(longest.as_slice()));
        assert_eq!(lz4.expand(&block, MAX_BLOCK + 1), Err(Lz4Error::TooLong));
        assert_eq!(lz4.compress(&vec![7; MAX_BLOCK + 1]), Err(Lz4Error::TooLong));
    }

    #[test]
    fn a_block_that_wants_more_than_it_says_is_cut_off() {
        // A literal, then a match of that byte 300 times 255 bytes long.
        let mut bomb = vec![0x1f, b'x', 1, 0];
        bomb.extend([0xff; 300]);
        bomb.push(0);
        bomb.extend([0x50, 1, 2, 3, 4, 5]);
        let lz4 = Lz4::default();
        assert_eq!(lz4.expand(&bomb, 1000), Err(Lz4Error::Damaged));
        assert_eq!(lz4.expand(&bomb, 1 + 4 + 15 + 300 * 255 + 5).map(|bytes| bytes.len()), Ok(76_525));
    }
}
