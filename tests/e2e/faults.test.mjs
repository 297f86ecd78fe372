// IndexedDB fails at one call, at every call, in each of the ways that browsers were seen to do it.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { engines } from './engines.mjs'

/** `SHELFLIFE_FAULT_STEP=1 node --test tests/e2e/faults.test.mjs` for a fault at each call. */
const STEP = Number(process.env.SHELFLIFE_FAULT_STEP ?? 29)
/** `SHELFLIFE_FAULTS='closed,stuck'` for some of them. */
const only = process.env.SHELFLIFE_FAULTS?.split(',')
const page = new URL('faults.page.ts', import.meta.url)

// They wait for timers most of the time, so all at once.
const reports = Object.fromEntries(
  Object.entries(engines).map(([engine, { skip, run }]) => [engine, skip ? undefined : run(page, { step: STEP, only })]),
)
for (const [engine, { skip }] of Object.entries(engines)) {
  const { calls, lives } = (await reports[engine]) ?? { calls: 0, lives: {} }
  describe(`an IndexedDB that fails, in ${engine}`, { skip }, () => {
    for (const [fault, { lived, met, failures, errors }] of Object.entries(lives)) {
      test(`${fault}: success or a typed error, the newest value or none, no hang, nothing unhandled, a tier that works again`, t => {
        t.diagnostic(`${met} of ${lived} lives of ${calls} calls met it: ${JSON.stringify(errors)}`)
        assert.deepEqual(failures, [])
        assert.ok(met > 0)
      })
    }
  })
}
