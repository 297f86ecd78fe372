import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runInChromium, skip } from './chromium.mjs'

const SEQUENCES = 100_000

test(`the memory cache equals its model over ${SEQUENCES} seeded sequences in Chromium`, { skip }, async t => {
  const { sequences, operations, firstCacheMs } = await runInChromium(new URL('memory-cache.page.ts', import.meta.url), {
    sequences: SEQUENCES,
  })
  assert.equal(sequences, SEQUENCES)
  t.diagnostic(`${operations} operations; the first createCache of the page took ${firstCacheMs.toFixed(1)} ms`)
})
