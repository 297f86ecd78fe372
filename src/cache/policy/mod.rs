//! In which order entries leave. One paper per file.

mod lru;

pub(super) use lru::Lru;
