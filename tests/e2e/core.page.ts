/** Runs in the page: the core is compiled synchronously on first use, and replaced when it traps. */

import { createMemoryCache } from '../../js/index.ts'
import { plantTrap, trapCount } from '../../js/testing.ts'

export default function run(): { compiledInMs: number; traps: number; codes: (string | undefined)[] } {
  const codes: (string | undefined)[] = []
  const began = performance.now()
  for (let round = 0; round < 2; round += 1) {
    try {
      createMemoryCache({ max: 2 })
      plantTrap()
    } catch (error) {
      codes.push((error as { code?: string }).code)
    }
  }
  return { compiledInMs: performance.now() - began, traps: trapCount(), codes }
}
