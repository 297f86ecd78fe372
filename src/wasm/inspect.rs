//! What tests and debugging see: panics with their messages, machines as plain objects. Part of test builds and of those with
//! `SHELFLIFE_DEBUG_CORE=1`; no bundle carries it.

use super::cache::CacheHandle;
use super::schedule::ScheduleHandle;
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// Has panics tell the console what happened before they trap.
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
}

/// What a cache machine knows.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct CacheState {
    entries: u32,
    /// The next to leave, at most eight.
    coldest: Vec<u32>,
    /// Milliseconds of the host, if anything expires.
    next_expiry: Option<f64>,
}

/// What a schedule knows.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ScheduleState {
    running: u32,
    queued: u32,
}

#[wasm_bindgen]
impl CacheHandle {
    /// The state of the machine as a plain object.
    pub fn inspect(&self) -> Result<JsValue, JsValue> {
        let next_expiry = Some(self.poll_at()).filter(|at| at.is_finite());
        Ok(serde_wasm_bindgen::to_value(&CacheState {
            entries: self.len(),
            coldest: self.ranked(8, false),
            next_expiry,
        })?)
    }
}

#[wasm_bindgen]
impl ScheduleHandle {
    /// The state of the machine as a plain object.
    pub fn inspect(&self) -> Result<JsValue, JsValue> {
        Ok(serde_wasm_bindgen::to_value(&ScheduleState { running: self.running(), queued: self.queued() })?)
    }
}

#[cfg(test)]
mod tests {
    use super::{CacheState, ScheduleState};
    use crate::cache::{Op, OpKind};
    use crate::time::Instant;
    use crate::wasm::cache::CacheHandle;
    use crate::wasm::schedule::ScheduleHandle;
    use js_sys::{Object, Reflect};
    use serde::de::DeserializeOwned;
    use wasm_bindgen::JsValue;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn read<T: DeserializeOwned>(state: Result<JsValue, JsValue>) -> T {
        serde_wasm_bindgen::from_value(state.expect("a state crosses")).expect("what crossed reads back")
    }

    #[wasm_bindgen_test]
    fn a_cache_shows_who_is_in_it() {
        let mut handle = CacheHandle::new(0, 10, 0.0, 0.0);
        let mut words = Vec::new();
        for slot in [3, 1, 2] {
            let kind = OpKind::Admit { expires_at: Instant::NEVER, hash: 0 };
            Op { slot, kind }.encode(Instant::from_millis(0), &mut words);
        }
        Op { slot: 3, kind: OpKind::Touch }.encode(Instant::from_millis(0), &mut words);
        handle.replay(&words, 0.0);
        let state: CacheState = read(handle.inspect());
        assert_eq!(state, CacheState { entries: 3, coldest: vec![1, 2, 3], next_expiry: None });
    }

    /// Also that configuration is found by the names that the TypeScript side gives it.
    #[wasm_bindgen_test]
    fn a_schedule_shows_who_runs_and_who_waits() {
        let config = Object::new();
        let rate = Object::new();
        let fields = [("tokens", 100.0), ("interval", 1000.0), ("burst", 2.0), ("maxWait", f64::INFINITY)];
        for (name, value) in fields {
            Reflect::set(&rate, &name.into(), &value.into()).expect("a plain object takes a field");
        }
        let fields = [("concurrency", 3.0), ("perLane", 3.0), ("maxQueue", 2.0), ("maxDelay", 1000.0), ("seed", 7.0)];
        for (name, value) in fields {
            Reflect::set(&config, &name.into(), &value.into()).expect("a plain object takes a field");
        }
        Reflect::set(&config, &"rateLimit".into(), &rate).expect("a plain object takes a field");
        let mut handle = ScheduleHandle::new(&config, 0.0);
        let never = f64::INFINITY;
        let admitted = (0..5).filter(|_| handle.submit(-1.0, -1.0, never, never, 0, never, 0, 1, 0.0) >= 0.0).count();
        handle.drain(0.0);
        assert_eq!(admitted, 4, "two run within the burst, two wait, one finds the queue full");
        let state: ScheduleState = read(handle.inspect());
        assert_eq!(state, ScheduleState { running: 2, queued: 2 });
    }
}
