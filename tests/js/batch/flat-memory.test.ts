import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { processBatch } from '../../../js/batch/process.ts'
import type { BatchOptions } from '../../../js/batch/types.ts'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

/** The heap in MB at each of `marks` items, within one run over objects from an async iterable. */
async function heapAt(marks: number[], options: BatchOptions<object>) {
  const heap: number[] = []
  async function* source() {
    for (let at = 0; at <= (marks.at(-1) as number); at += 1) {
      if (marks.includes(at)) {
        gc()
        heap.push(process.memoryUsage().heapUsed / 1e6)
      }
      yield { at, name: `item ${at}` }
    }
  }
  const result = await processBatch(
    source(),
    async items => items.map(({ at }) => (at % 1000 === 7 ? new Error(`item ${at}`) : { at })),
    options as BatchOptions<{ at: number; name: string }>,
  )
  return { heap, result }
}

it('a run that keeps no results takes as much memory for 100 000 items as for 20 000', async () => {
  const { heap, result } = await heapAt([20_000, 60_000, 100_000], { results: 'none' })
  expect(Math.max(...heap) - Math.min(...heap)).toBeLessThan(2)
  expect(result).toMatchObject({ status: 'partial', results: [], failed: [], stats: { total: 100_001, failed: 100 } })
  // Each failure may be processed again, so the token has it.
  expect(result.token.failed.length).toBe(200)
})

it('one that keeps failures keeps as many as it was told, and what keeps all of them grows', async () => {
  const seen: number[] = []
  const options: BatchOptions<object> = { results: 'failures', maxFailures: 5, onFailure: ({ index }) => seen.push(index) }
  const { heap, result } = await heapAt([20_000, 60_000], options)
  expect(Math.max(...heap) - Math.min(...heap)).toBeLessThan(2)
  expect(result.failed.map(({ index, item }) => [index, item])).toEqual(
    [7, 1007, 2007, 3007, 4007].map(at => [at, { at, name: `item ${at}` }]),
  )
  expect(seen).toEqual(Array.from({ length: 60 }, (_, at) => at * 1000 + 7))
  const all = await heapAt([20_000, 60_000], {})
  expect((all.heap[1] as number) - (all.heap[0] as number)).toBeGreaterThan(2)
  expect(all.result.results.length).toBe(60_001)
})
