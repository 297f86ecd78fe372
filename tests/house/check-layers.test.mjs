// Each layer check holds here and fails on a planted violation.

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { rules } from '../../scripts/check-layers.mjs'

/** A module with one import and nothing else. */
function wasmImporting(module, name) {
  const text = value => [value.length, ...new TextEncoder().encode(value)]
  const section = (id, bytes) => [id, bytes.length, ...bytes]
  const types = section(1, [1, 0x60, 0, 0])
  const imports = section(2, [1, ...text(module), ...text(name), 0, 0])
  return Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...types, ...imports])
}

const siblings = { 'src/cache/mod.rs': '', 'src/schedule/mod.rs': '', 'src/time.rs': '', 'src/batch.rs': '' }

/** By rule: trees that break it, and trees that do not. */
const planted = {
  'Rust siblings do not import each other': {
    bad: [
      { ...siblings, 'src/cache/policy.rs': 'use crate::schedule::Lane;' },
      { ...siblings, 'src/cache/mod.rs': 'use crate::{time::Instant, batch};' },
      { ...siblings, 'src/cache/policy.rs': 'fn f() { super::super::batch::g() }' },
      { ...siblings, 'src/time.rs': 'use crate::cache::Cache;' },
    ],
    good: [
      {
        ...siblings,
        'src/cache/policy.rs': 'use crate::time::Instant;\nuse crate::cache::Op; // as crate::schedule::Lane\nuse super::log;',
      },
      { ...siblings, 'src/wasm/cache.rs': 'use crate::{cache::Cache, schedule::Lane};' },
    ],
  },
  'only src/wasm names wasm_bindgen': {
    bad: [{ 'src/cache/mod.rs': 'use wasm_bindgen::prelude::*;' }, { 'src/time.rs': 'fn now() -> f64 { js_sys::Date::now() }' }],
    good: [{ 'src/wasm/cache.rs': 'use wasm_bindgen::prelude::wasm_bindgen;', 'src/lib.rs': '//! Nobody names `wasm_bindgen`.\n' }],
  },
  'only js/core imports the generated glue': {
    bad: [
      { 'js/cache/memory.ts': "import * as glue from '../core/generated/cache/shelflife.js'" },
      { 'js/entry/node.ts': "export const load = () => import('../core/generated/cache/shelflife.js')" },
    ],
    good: [{ 'js/core/parts/cache.ts': "import { initSync } from '../generated/cache/shelflife.js'" }],
  },
  'every handle belongs to a part of the core': {
    bad: [{ 'src/wasm/mod.rs': 'mod cache;' }, { 'src/wasm/mod.rs': '#[cfg(feature = "teapot")]\nmod teapot;' }],
    good: [{ 'src/wasm/mod.rs': '#[cfg(feature = "cache")]\nmod cache;\n#[cfg(feature = "batch")]\nmod batch;' }],
  },
  'leaves of js/ do not import upward': {
    bad: [
      { 'js/stores/fs.ts': "import type { Cache } from '../cache/cache.ts'" },
      { 'js/clock.ts': "export { driverOf } from './core/driver.ts'" },
      { 'js/tier/write-queue.ts': "import { driverOf } from '../core/driver.ts'" },
      { 'js/http/transport-undici.ts': "import { createFetch } from './create-fetch.ts'" },
      { 'js/codec.ts': "import './index.ts'" },
      { 'js/core/cache-core.ts': "import { MemoryCache } from '../cache/memory-cache.ts'" },
    ],
    good: [
      { 'js/stores/fs.ts': "import { sizeInBytes } from '../options.ts'", 'js/cache/cache.ts': "import { fs } from '../stores/fs.ts'" },
      {
        'js/tier/key-directory.ts': "import { SegmentsCore } from '../core/segments-core.ts'",
        'js/tier/core.ts': "import type { Driver } from '../core/driver.ts'",
      },
    ],
  },
  'www uses the package by its public name': {
    bad: [{ 'www/app.js': "import { createCache } from '../js/index.ts'" }, { 'www/terminal/main.mjs': "import '../../dist/index.js'" }],
    good: [{ 'www/app.js': "import { createCache } from 'shelflife'\nimport './panels/a.js'" }],
  },
  'the core asks only allowed things of JavaScript': {
    bad: [
      { 'dist/core.wasm': wasmImporting('./shelflife_bg.js', '__wbg_now_0123456789abcdef') },
      { 'dist/core.wasm': wasmImporting('env', 'f') },
      {},
    ],
    good: [{ 'dist/core.wasm': wasmImporting('./shelflife_bg.js', '__wbindgen_init_externref_table') }],
  },
}

for (const [rule, find] of Object.entries(rules)) {
  test(rule, () => {
    for (const tree of planted[rule].bad) assert.notDeepEqual(findIn(tree, find), [], JSON.stringify(tree))
    for (const tree of planted[rule].good) assert.deepEqual(findIn(tree, find), [])
  })
}

function findIn(tree, find) {
  const base = mkdtempSync(join(tmpdir(), 'shelflife-layers-'))
  try {
    for (const [file, content] of Object.entries(tree)) {
      mkdirSync(dirname(join(base, file)), { recursive: true })
      writeFileSync(join(base, file), content)
    }
    return find(base)
  } finally {
    rmSync(base, { recursive: true })
  }
}
