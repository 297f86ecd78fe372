import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runInChromium, skip } from './chromium.mjs'

const entry = new URL('core.page.ts', import.meta.url)

test('the core compiles on the main thread without a promise, and survives traps', { skip }, async () => {
  const { compiledInMs, traps, codes } = await runInChromium(entry)
  assert.deepEqual(codes, ['ERR_CORE_TRAPPED', 'ERR_CORE_TRAPPED'])
  assert.equal(traps, 2)
  assert.ok(compiledInMs < 1000, `${compiledInMs} ms`)
})

for (const [policy, expected] of [
  ["script-src 'self'", 'ERR_WASM_UNAVAILABLE'],
  ["script-src 'self' 'wasm-unsafe-eval'", 'ERR_CORE_TRAPPED'],
]) {
  test(`under the policy ${policy}: ${expected}`, { skip }, async () => {
    const { codes } = await runInChromium(entry, null, { 'content-security-policy': policy ?? '' })
    assert.deepEqual(codes, [expected, expected])
  })
}
