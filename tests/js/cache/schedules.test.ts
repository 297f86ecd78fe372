import { expect, test } from 'vitest'
import { checkSchedules } from '../model/cache-schedules.ts'

const SHARE = 25_000

/** Four shares of 25 000 make 100 000. */
test.each([0, 1, 2, 3])(
  'in random schedules, share %i of four, no acknowledged change is undone, and nothing is left behind',
  { timeout: 300_000 },
  async share => {
    const seen = await checkSchedules(SHARE, share * SHARE)
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(1000)
  },
)
