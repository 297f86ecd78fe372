//! LZ4 blocks, seen from JavaScript.

use crate::lz4::Lz4;
use wasm_bindgen::prelude::wasm_bindgen;

/// Makes and expands blocks of LZ4.
#[wasm_bindgen]
#[derive(Debug, Default)]
pub struct Lz4Handle {
    inner: Lz4,
}

#[wasm_bindgen]
impl Lz4Handle {
    /// One with a table of its own.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The block of `bytes`; `undefined` when they are too many.
    pub fn compress(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.inner.compress(bytes).ok()
    }

    /// What `block` was made of; `undefined` when it is no block that gives `length` bytes.
    pub fn expand(&self, block: &[u8], length: u32) -> Option<Vec<u8>> {
        self.inner.expand(block, length as usize).ok()
    }
}
