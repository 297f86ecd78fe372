// The synchronous benches, wherever they run: in Node and in a page.

import { BASE } from './contestants.mjs'
import { compare } from './rounds.mjs'
import { contestantsOf, OPERATIONS, workloads } from './workloads.mjs'

/** Workloads that are run without `full`. */
const SHORT = ['hit', 'zipfGetOrSet']

/**
 * Measures workload by workload; `full` also takes the rare workloads and integer keys.
 * @param {{ sizes: number[], full: boolean }} options
 */
export function* speed({ sizes, full }) {
  for (const entries of sizes) {
    for (const [name, workload] of Object.entries(workloads)) {
      if (!full && !SHORT.includes(name)) continue
      for (const integers of full && name !== 'hitFreshStrings' ? [false, true] : [false]) {
        const rows = compare(
          contestantsOf(workload).map(({ name: contestant, make }) => ({
            name: contestant,
            run: workload.prepare(make, entries, integers),
          })),
          { operations: OPERATIONS, base: BASE, rounds: entries > 100_000 ? 9 : 15 },
        )
        yield { workload: name, title: workload.title, entries, keys: integers ? 'integers' : 'strings', rows }
      }
    }
  }
}
