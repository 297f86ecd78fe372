/** What users may say of a tier among others. */

import { InvalidArgumentError } from '../errors.ts'
import { type Duration, durationMs, optionsObject, wholeNumber } from '../options.ts'
import type { Store } from '../stores/tier.ts'

/**
 * When a tier gets what is set. `'write-through'`: at once, and `set` waits as `persist` says. `'write-behind'`: at once, and nobody
 * waits. `'on-evict'`: when its place in memory is needed, and when the cache is closed; until then an older value there is deleted.
 * Deletions and invalidations go to every tier at once, and are awaited.
 */
export type TierMode = 'write-through' | 'write-behind' | 'on-evict'

/** A tier, and how it stands among others: `tiers: [indexedDB({ name: 'app' }), { store: mine, ttl: '1h', timeout: 200 }]`. */
export interface TierOptions {
  /** Such as `indexedDB({ name: 'app' })`. */
  store: Store
  /** No entry lives longer in this tier, counted from when it comes there. Default: no limit. */
  ttl?: Duration
  /** When it gets what is set. Default: `'write-through'`. */
  mode?: TierMode
  /**
   * A read that takes longer is a miss there, and the next tier is asked. A `set` or `delete` with `persist: 'memory'` waits no
   * longer; the write goes on. Default: 2 s.
   */
  timeout?: Duration
  /** When the tier is left alone. Default: `{ failures: 3, halfOpenAfter: '10s' }`; `false`: never. */
  circuitBreaker?: TierBreakerOptions | false
}

/** When a tier that fails is left alone: reads pass it by, and what it must be told is told when it is back. */
export interface TierBreakerOptions {
  /** After so many failures and timeouts in a row. Default: 3. */
  failures?: number
  /** So long later it is tried again. Default: 10 s. */
  halfOpenAfter?: Duration
}

/** Options with every default filled in, in milliseconds. */
export interface ResolvedTier {
  readonly store: Store
  readonly ttlMs: number
  readonly mode: TierMode
  readonly timeoutMs: number
  /** `Infinity`: never. */
  readonly failures: number
  readonly halfOpenMs: number
  /** Entries of another version are none. */
  readonly buster: string | undefined
}

const MODES: readonly unknown[] = ['write-through', 'write-behind', 'on-evict']
const NEVER = Number.POSITIVE_INFINITY

/** Throws `ERR_INVALID_ARGUMENT` for anything that cannot be meant. */
export function resolveTier(given: Store | TierOptions, buster?: string): ResolvedTier {
  const options: Partial<TierOptions> = isStore(given) ? { store: given } : (given ?? {})
  const { store, ttl = NEVER, mode = 'write-through', timeout = 2000, circuitBreaker = {} } = options
  if (!isStore(store)) throw new InvalidArgumentError('store', "a store, such as indexedDB({ name: 'app' })", store ?? given)
  if (!MODES.includes(mode)) throw new InvalidArgumentError('mode', "'write-through', 'write-behind' or 'on-evict'", mode)
  const { failures = 3, halfOpenAfter = 10_000 } = circuitBreaker === false ? {} : optionsObject(circuitBreaker, 'circuitBreaker')
  return {
    store,
    ttlMs: durationMs(ttl, 'ttl'),
    mode,
    timeoutMs: durationMs(timeout, 'timeout'),
    failures: circuitBreaker === false ? NEVER : wholeNumber(failures, 'failures'),
    halfOpenMs: durationMs(halfOpenAfter, 'halfOpenAfter'),
    buster,
  }
}

function isStore(given: unknown): given is Store {
  return typeof given === 'object' && given !== null && 'openTier' in given
}
