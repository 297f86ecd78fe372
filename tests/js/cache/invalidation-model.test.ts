import { expect, test } from 'vitest'
import { runSequence, type Seen } from '../model/cache-invalidation-model.ts'

/** `SHELFLIFE_SEQUENCES=200000 npx vitest run js/cache/invalidation-model` runs more. */
const SEQUENCES = Number(process.env.SHELFLIFE_SEQUENCES ?? 5000)

test('no read gives what was given up before it was asked, and what nothing ended is there', { timeout: 3_600_000 }, async () => {
  const seen: Seen = { fresh: 0, stale: 0, nothing: 0, fromTier: 0, kept: 0, discarded: 0, restarts: 0, survivors: 0 }
  for (let seed = 0; seed < SEQUENCES; seed += 1) await runSequence(seed, seen)
  // What never happened was not tested.
  for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(SEQUENCES / 20)
})
