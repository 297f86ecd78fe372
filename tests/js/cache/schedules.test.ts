import { expect, test } from 'vitest'
import { checkSchedules } from '../model/cache-schedules.ts'

/** `SHELFLIFE_SCHEDULES=100000 npx vitest run js/cache/schedules` for more. */
const SHARE = Math.ceil(Number(process.env.SHELFLIFE_SCHEDULES ?? 40_000) / 4)

test.each([0, 1, 2, 3])(
  'in random schedules, share %i of four, no acknowledged change is undone, and nothing is left behind',
  { timeout: 300_000 },
  async share => {
    const seen = await checkSchedules(SHARE, share * SHARE)
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(SHARE / 25)
  },
)
