/** What every store promises, as cases that any test framework can run. */

import { Bench, type StoreFeature, type StoreUnderTest } from './store-bench.ts'
import { ENTRY_CASES } from './store-cases-entries.ts'
import { INVALIDATION_CASES } from './store-cases-invalidation.ts'
import { BUDGET, LOAD_CASES } from './store-cases-load.ts'

export type { StoreFeature, StoreUnderTest } from './store-bench.ts'

/** One promise of the contract. */
export interface StoreCase {
  readonly name: string
  run(): Promise<void>
}

/**
 * The contract of stores. `fresh` gives a new empty place for each case. Cases reject when a promise is broken. A store without some
 * feature says so in `lacks`.
 *
 * ```ts
 * for (const { name, run } of testStore(() => ({ store: () => myStore() }))) test(name, run)
 * ```
 */
export function testStore(
  fresh: () => StoreUnderTest | Promise<StoreUnderTest>,
  { lacks = [] }: { readonly lacks?: readonly StoreFeature[] } = {},
): StoreCase[] {
  const cases = Object.entries({ ...ENTRY_CASES, ...INVALIDATION_CASES, ...LOAD_CASES }).filter(
    ([name]) => name !== BUDGET || !lacks.includes('budget'),
  )
  return cases.map(([name, body]) => ({
    name,
    async run() {
      const place = await fresh()
      const bench = new Bench(place, lacks)
      try {
        await body(bench)
      } finally {
        await bench.close()
        await place.dispose?.()
      }
    },
  }))
}
