//! The machine against a naive model: lists that are searched, counters that are recounted.
