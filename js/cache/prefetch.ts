/** Loading ahead of need. */

import { InvalidArgumentError } from '../errors.ts'
import { wholeNumber } from '../options.ts'
import type { PrefetchResult } from './loading-types.ts'

/** Calls `load` for each of `keys`, at most `concurrency` at a time, and says what came of it. An abort ends it with its reason. */
export async function prefetchAll(
  keys: Iterable<string>,
  load: (key: string) => Promise<unknown>,
  { concurrency = 4, signal }: { concurrency?: number | undefined; signal?: AbortSignal | undefined },
): Promise<PrefetchResult> {
  const width = wholeNumber(concurrency, 'concurrency', { infinite: true })
  if (typeof keys === 'string' || typeof keys?.[Symbol.iterator] !== 'function') throw new InvalidArgumentError('keys', 'many keys', keys)
  const failed = new Map<string, unknown>()
  let ready = 0
  let empty = 0
  const distinct = new Set(keys)
  const waiting = distinct.values()
  const work = async () => {
    for (const key of waiting) {
      signal?.throwIfAborted()
      try {
        if ((await load(key)) === undefined) empty += 1
        else ready += 1
      } catch (error) {
        signal?.throwIfAborted()
        failed.set(key, error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, distinct.size) }, work))
  return { ready, empty, failed }
}
