import { expect, test } from 'vitest'
import { checkTierSchedules } from '../model/tier-schedules.ts'

test('over tiers that are slow or dead at times, no acknowledged change is undone', { timeout: 120_000 }, async () => {
  const seen = await checkTierSchedules(1000)
  for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(100)
})
