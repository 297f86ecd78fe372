/** Reads the options of a cache with tiers, once. */

import { InvalidArgumentError } from '../errors.ts'
import { durationMs, optionalWith } from '../options.ts'
import type { Persist } from '../stores/tier.ts'
import { type Isolation, readIsolation } from './isolate.ts'
import { type LoadPolicy, readLoadPolicy, readStaleWindows, type StaleWindows, USUAL } from './load-policy.ts'
import { type ResolvedMemoryOptions, resolveMemoryOptions, resolveNamespaceOptions } from './memory-options.ts'
import type { MemoryCacheOptions, NamespaceOptions } from './memory-types.ts'
import { type ResolvedTier, resolveTier } from './tier-options.ts'
import type { CacheNamespaceOptions, CacheOptions } from './types.ts'

/** Options with every default filled in. */
export interface ResolvedCacheOptions<V> {
  readonly memory: ResolvedMemoryOptions<string, V>
  readonly tiers: readonly ResolvedTier[]
  readonly persist: Persist
  /** How the cache loads; the windows of its entries are apart, since an entry may have its own. */
  readonly policy: LoadPolicy
  readonly windows: StaleWindows
  readonly memoryTtlMs: number
  readonly isolate: Isolation
  /** Whether memory is filled at the start. */
  readonly isEager: boolean
}

/** Throws `ERR_INVALID_ARGUMENT` for anything that cannot be meant. */
export function resolveCacheOptions<V>(options: CacheOptions<V> | undefined): ResolvedCacheOptions<V> {
  const memory = resolveMemoryOptions<string, V>(options as MemoryCacheOptions<string, V> | undefined)
  const { store, tiers, bus, persist = 'memory', name = 'cache', buster, hydrate = 'lazy' } = options ?? {}
  if (hydrate !== 'lazy' && hydrate !== 'eager') throw new InvalidArgumentError('hydrate', "'lazy' or 'eager'", hydrate)
  optionalWith(bus, 'bus', 'a bus, such as redisBus({ url })', ['share'])
  if (store !== undefined && tiers !== undefined) throw new InvalidArgumentError('tiers', 'left out where store is given', tiers)
  const given = tiers ?? (store === undefined ? [] : [store])
  if (!Array.isArray(given)) throw new InvalidArgumentError('tiers', 'an array of stores', given)
  if (buster !== undefined && typeof buster !== 'string' && !Number.isFinite(buster))
    throw new InvalidArgumentError('buster', 'a text or a number', buster)
  const version = buster === undefined ? undefined : `${buster}`
  const resolved = given.map(tier => resolveTier(tier, version))
  checkPersist(persist, resolved.length > 0)
  const windows = readStaleWindows(options ?? {})
  const policy = { ...readLoadPolicy(options ?? {}, USUAL), swr: undefined, sie: undefined }
  // The last store is the one that others have, too.
  const last = resolved.at(-1)
  const shared = bus && (last === undefined ? resolveTier(bus.share()) : { ...last, store: bus.share(last.store) })
  const all = shared === undefined ? resolved : [...resolved.slice(0, -1), shared]
  return {
    memory: { ...memory, name },
    tiers: all,
    persist,
    policy,
    windows,
    memoryTtlMs: durationMs(options?.memoryTtl ?? Number.POSITIVE_INFINITY, 'memoryTtl'),
    isolate: readIsolation(options?.isolate ?? false),
    isEager: hydrate === 'eager',
  }
}

/** The options of a namespace: what it says, and where it is silent the cache around it. The stores are that one's. */
export function resolveCacheNamespace<V>(
  around: ResolvedCacheOptions<V>,
  name: string,
  given: CacheNamespaceOptions<V> | undefined,
): ResolvedCacheOptions<V> {
  const memory = resolveNamespaceOptions(around.memory, name, given as NamespaceOptions<string, V> | undefined)
  const { persist = around.persist, isolate = around.isolate, memoryTtl = around.memoryTtlMs } = given ?? {}
  checkPersist(persist, around.tiers.length > 0)
  const { swr = around.windows.swr, sie = around.windows.sie } = readStaleWindows(given ?? {})
  const policy = { ...readLoadPolicy(given ?? {}, around.policy), swr: undefined, sie: undefined }
  return {
    memory,
    tiers: around.tiers,
    persist,
    policy,
    windows: { swr, sie },
    memoryTtlMs: durationMs(memoryTtl, 'memoryTtl'),
    isolate: readIsolation(isolate),
    isEager: around.isEager,
  }
}

/** Throws `ERR_INVALID_ARGUMENT` for what is none, and for more than a cache without a store can do. */
export function checkPersist(persist: Persist, hasStores: boolean): void {
  if (persist !== 'memory' && persist !== 'stored' && persist !== 'durable')
    throw new InvalidArgumentError('persist', "'memory', 'stored' or 'durable'", persist)
  if (persist !== 'memory' && !hasStores) throw new InvalidArgumentError('persist', "'memory' in a cache without a store", persist)
}
