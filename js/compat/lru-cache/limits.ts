/** What lru-cache's constructor refuses, and what it warns of. */

import type { OptionsBase } from './types.ts'

const isPositiveInteger = (n: unknown): n is number => Number.isInteger(n) && (n as number) > 0

/** Throws for options that cannot be meant: a `TypeError`, or an `Error` for a `max` that no number can count to. */
export function checkOptions<K, V, FC>(options: OptionsBase<K, V, FC>): void {
  const { max = 0, maxSize = 0, ttl, perf, sizeCalculation, memoMethod, fetchMethod } = options
  const maxEntrySize = options.maxEntrySize || maxSize
  if (perf !== undefined && typeof perf?.now !== 'function') throw new TypeError('perf must have a now() method')
  if (max !== 0 && !isPositiveInteger(max)) throw new TypeError('max must be a positive integer, or 0 for no limit')
  if (max > Number.MAX_SAFE_INTEGER) throw new Error(`max is too large: ${max}`)
  if (sizeCalculation) {
    if (!maxEntrySize) throw new TypeError('sizeCalculation needs maxSize or maxEntrySize')
    if (typeof sizeCalculation !== 'function') throw new TypeError('sizeCalculation must be a function')
  }
  if (memoMethod !== undefined && typeof memoMethod !== 'function') throw new TypeError('memoMethod must be a function')
  if (fetchMethod !== undefined && typeof fetchMethod !== 'function') throw new TypeError('fetchMethod must be a function')
  if (maxEntrySize !== 0) {
    if (maxSize !== 0 && !isPositiveInteger(maxSize)) throw new TypeError('maxSize must be a positive integer')
    if (!isPositiveInteger(maxEntrySize)) throw new TypeError('maxEntrySize must be a positive integer')
  }
  if (ttl && !isPositiveInteger(ttl)) throw new TypeError('ttl must be a positive integer')
  if (max === 0 && !ttl && maxSize === 0) throw new TypeError('one of max, maxSize and ttl has to be given')
}

let warned = false

/** Warns once of a cache that time alone limits, and that clears away nothing by itself. */
export function warnIfUnbounded<K, V, FC>(options: OptionsBase<K, V, FC>): void {
  if (warned || options.ttlAutopurge || options.max || options.maxSize) return
  warned = true
  const { process } = globalThis as { process?: { emitWarning?(message: string, type: string, code: string): void } }
  const message = 'A cache with a ttl but without ttlAutopurge, max or maxSize may grow without bounds.'
  if (process?.emitWarning !== undefined) process.emitWarning(message, 'UnboundedCacheWarning', 'LRU_CACHE_UNBOUNDED')
}
