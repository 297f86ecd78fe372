import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { engines } from './engines.mjs'

const ENTRIES = Number(process.env.SHELFLIFE_ENTRIES ?? 10_000)

for (const [engine, { skip, run }] of Object.entries(engines)) {
  describe(`a store in IndexedDB, in ${engine}`, { skip }, async () => {
    const { outcomes, figures } = skip
      ? { outcomes: [], figures: {} }
      : await run(new URL('indexeddb.page.ts', import.meta.url), { entries: ENTRIES })
    for (const { name, error } of outcomes) test(name, () => assert.equal(error, null))
    test(`${ENTRIES} entries of about 250 bytes come back`, t => t.diagnostic(JSON.stringify(figures)))
  })
}
