//! No call of the core keeps a page from its next frame: slices of expiry and logs over a million entries, timed in Node and in browsers.

#![cfg(target_arch = "wasm32")]

use shelflife::cache::{Cache, Config, Op, OpKind, Policy};
use shelflife::time::Instant;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::Performance;

const ENTRIES: u32 = 1_000_000;
/// What the host replays and asks for at once (`js/core/cache-core.ts`).
const LOG_ENTRIES: usize = 2048;
const EXPIRY_BUDGET: u32 = 1024;
/// Half a frame; unoptimised code takes its time.
const LONGEST_MS: f64 = if cfg!(debug_assertions) { 80.0 } else { 8.0 };
const START: Instant = Instant::from_millis(0);
const END: Instant = Instant::from_millis(60_000);

fn clock() -> Performance {
    let performance = js_sys::Reflect::get(&js_sys::global(), &"performance".into()).expect("the host tells the time");
    performance.unchecked_into()
}

/// The time that 99 of 100 calls take at most. The others may have been interrupted by the machine, and are not ours.
fn nearly_longest(mut times: Vec<f64>) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times[(times.len() - 1) * 99 / 100]
}

fn timed(clock: &Performance, call: impl FnOnce()) -> f64 {
    let begin = clock.now();
    call();
    clock.now() - begin
}

/// Fills a cache in logs of the usual length; how long each took.
fn fill(cache: &mut Cache, clock: &Performance) -> Vec<f64> {
    let slots: Vec<u32> = (0..ENTRIES).collect();
    let logs = slots.chunks(LOG_ENTRIES).map(|slots| {
        let mut words = Vec::new();
        for &slot in slots {
            let kind = OpKind::Admit { expires_at: END, hash: slot.wrapping_mul(0x9e37_79b1) | 1 };
            Op { slot, kind }.encode(START, &mut words);
        }
        timed(clock, || cache.replay(&words, START))
    });
    logs.collect()
}

#[wasm_bindgen_test]
fn a_million_entries_expire_in_slices() {
    let clock = clock();
    let mut cache = Cache::new(Config { policy: Policy::Lru, expected: ENTRIES, seed: 1 }, START);
    let filling = fill(&mut cache, &clock);
    let mut gone = 0;
    let mut slices = Vec::new();
    while gone < ENTRIES {
        slices.push(timed(&clock, || {
            let mut budget = EXPIRY_BUDGET;
            while let Some(slot) = cache.poll_expired(END, &mut budget) {
                cache.remove(slot);
                gone += 1;
            }
        }));
        assert!(slices.len() < ENTRIES as usize, "slices without end");
    }
    assert!(cache.is_empty());
    let (filling, slices) = (nearly_longest(filling), nearly_longest(slices));
    assert!(filling < LONGEST_MS, "a log takes {filling} ms");
    assert!(slices < LONGEST_MS, "a slice takes {slices} ms");
}

#[wasm_bindgen_test]
fn victims_are_named_in_slices_by_every_policy() {
    let clock = clock();
    for policy in Policy::ALL {
        let mut cache = Cache::new(Config { policy, expected: ENTRIES, seed: 1 }, START);
        fill(&mut cache, &clock);
        let mut named = 0;
        let times: Vec<f64> = (0..200)
            .map(|_| {
                timed(&clock, || {
                    for slot in cache.victims(256) {
                        cache.remove(slot);
                        named += 1;
                    }
                })
            })
            .collect();
        assert!(named >= 200, "{policy:?} names too few: {named}");
        let longest = nearly_longest(times);
        assert!(longest < LONGEST_MS, "{policy:?} takes {longest} ms");
    }
}
