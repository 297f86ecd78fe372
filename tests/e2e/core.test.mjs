import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runInChromium, skip } from './chromium.mjs'

test('the core compiles on the main thread without a promise, and survives traps', { skip }, async () => {
  const { compiledInMs, traps, codes } = await runInChromium(new URL('core.page.ts', import.meta.url))
  assert.deepEqual(codes, ['ERR_CORE_TRAPPED', 'ERR_CORE_TRAPPED'])
  assert.equal(traps, 2)
  assert.ok(compiledInMs < 1000, `${compiledInMs} ms`)
})
