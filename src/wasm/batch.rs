//! The border of `crate::batch`.

use super::instant;
use crate::batch::{Action, BatchRun, BatchSize, Config, LearnedConfig, Outcome, SettleError, Verdict};
use crate::slab::Token;
use crate::time::Duration;
use std::num::NonZeroU32;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// One run over a row of items.
#[wasm_bindgen(js_name = BatchMachine)]
pub struct BatchMachine {
    inner: BatchRun,
    action: Option<Action>,
}

#[wasm_bindgen(js_class = BatchMachine)]
impl BatchMachine {
    /// A run without items yet; a size or concurrency of 0 counts as 1. `times` are, in milliseconds: initial delay, longest delay,
    /// timeout, target. A size is learned between `smallest` and `largest`, unless they are the same.
    #[wasm_bindgen(constructor)]
    pub fn new(smallest: u32, largest: u32, concurrency: u32, max_retries: u32, isolate: bool, times: &[f64]) -> Self {
        let [initial_delay, max_delay, timeout, target] = [0, 1, 2, 3].map(|at| span(times.get(at).copied()));
        let [min, max] = [smallest, largest].map(|size| NonZeroU32::new(size).unwrap_or(NonZeroU32::MIN));
        let target_micros = if target == Duration::FOREVER { u64::MAX } else { target.as_millis() * 1000 };
        let learned = LearnedConfig { min, max, target_micros };
        let batch_size = if min == max { BatchSize::Fixed(max) } else { BatchSize::Learned(learned) };
        let concurrency = NonZeroU32::new(concurrency).unwrap_or(NonZeroU32::MIN);
        let config = Config { batch_size, concurrency, max_retries, initial_delay, max_delay, timeout, isolate };
        Self { inner: BatchRun::new(config), action: None }
    }

    /// `count` more items are there.
    pub fn supply(&mut self, count: f64) {
        self.inner.supply(count as u64);
    }

    /// No more items will come.
    pub fn end(&mut self) {
        self.inner.end();
    }

    /// How many items to read now.
    pub fn wanted(&self) -> f64 {
        self.inner.wanted() as f64
    }

    /// Looks for the next action: 0 none, 1 start a batch, 2 one has expired. The getters below describe it.
    pub fn poll(&mut self, now: f64) -> u32 {
        self.action = self.inner.poll_action(instant(now));
        self.action.map_or(0, |action| if matches!(action, Action::Start { .. }) { 1 } else { 2 })
    }

    /// The batch of the last action, or -1.
    #[wasm_bindgen(getter)]
    pub fn token(&self) -> f64 {
        self.action.map_or(-1.0, |(Action::Start { token, .. } | Action::Expire { token })| token.to_number() as f64)
    }

    /// The first item of the batch to start.
    #[wasm_bindgen(getter)]
    pub fn start(&self) -> f64 {
        if let Some(Action::Start { start, .. }) = self.action { start as f64 } else { -1.0 }
    }

    /// How many items it has.
    #[wasm_bindgen(getter)]
    pub fn length(&self) -> u32 {
        if let Some(Action::Start { len, .. }) = self.action { len } else { 0 }
    }

    /// How often these items have been handed over.
    #[wasm_bindgen(getter)]
    pub fn attempt(&self) -> u32 {
        if let Some(Action::Start { attempt, .. }) = self.action { attempt } else { 0 }
    }

    /// When to poll although nothing happened; infinity for never.
    #[wasm_bindgen(js_name = pollAt)]
    pub fn poll_at(&self) -> f64 {
        self.inner.poll_at().map_or(f64::INFINITY, |at| at.as_millis() as f64)
    }

    /// A batch of `len` items was answered after so many milliseconds.
    pub fn learn(&mut self, len: u32, ms: f64) {
        self.inner.learn(len, (ms * 1000.0) as u64);
    }

    /// How many items the next fresh batch has.
    #[wasm_bindgen(getter, js_name = batchSize)]
    pub fn batch_size(&self) -> u32 {
        self.inner.batch_size()
    }

    /// The batch answered for each item; `failed` of them failed.
    pub fn answered(&mut self, token: f64, failed: u32, now: f64) -> Result<(), JsError> {
        self.settle(token, Outcome::Answered { failed }, now).map(drop).map_err(JsError::from)
    }

    /// The batch threw or took too long. 0: its items are settled by that, 1: they are tried again, 2: in two parts.
    pub fn threw(&mut self, token: f64, now: f64) -> Result<u32, JsError> {
        Ok(match self.settle(token, Outcome::Threw, now)? {
            Verdict::Settled | Verdict::Failed => 0,
            Verdict::Retry(_) => 1,
            Verdict::Split => 2,
        })
    }

    /// The batch gave an unusable answer: all its items are failed.
    pub fn refused(&mut self, token: f64, now: f64) -> Result<(), JsError> {
        self.settle(token, Outcome::Refused, now).map(drop).map_err(JsError::from)
    }

    /// Hands over nothing more.
    pub fn abort(&mut self) {
        self.inner.abort();
    }

    /// Whether every item is settled and no more will come.
    #[wasm_bindgen(getter)]
    pub fn finished(&self) -> bool {
        self.inner.is_finished()
    }

    fn settle(&mut self, token: f64, outcome: Outcome, now: f64) -> Result<Verdict, SettleError> {
        self.inner.handle_outcome(Token::from_number(token as u64), outcome, instant(now))
    }
}

fn span(ms: Option<f64>) -> Duration {
    ms.filter(|ms| ms.is_finite()).map_or(Duration::FOREVER, |ms| Duration::from_millis(ms.ceil() as u64))
}
