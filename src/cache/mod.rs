//! What is resident.
