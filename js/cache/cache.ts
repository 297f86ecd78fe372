/**
 * The cache with tiers and loaders: memory in front, stores below it, and behind them whoever makes the values.
 *
 * What is on its way up from a store or a loader holds a lease; a write or a deletion revokes it, so that nothing old
 * ever overwrites something newer.
 */

import type { Clock } from '../clock.ts'
import { ClosedError, InvalidArgumentError } from '../errors.ts'
import { durationMs } from '../options.ts'
import type { Persist, TierEntry } from '../stores/tier.ts'
import { type CacheReport, reportCache } from './cache-metrics.ts'
import { type ResolvedCacheOptions, resolveCacheOptions } from './cache-options.ts'
import { Flight } from './flight.ts'
import { type Lease, Leases } from './leases.ts'
import { MemoryCache } from './memory-cache.ts'
import { TierStack, type TierWrite } from './tier-stack.ts'
import type {
  CacheGetOptions,
  CacheOptions,
  CacheSetOptions,
  CacheStats,
  GetOrSetOptions,
  Loader,
  ReadonlyMemoryCache,
  WrapOptions,
} from './types.ts'

/**
 * Makes a cache whose values may outlive memory and whose misses may load themselves. Keys are strings.
 *
 * ```ts
 * const users = createCache<User>({ max: 10_000, ttl: '5m', store: indexedDB({ name: 'app' }) })
 * const user = await users.getOrSet('user:1', ({ signal }) => load(1, signal))
 * ```
 *
 * Throws `ERR_INVALID_ARGUMENT` for options that cannot be meant and `ERR_WASM_UNAVAILABLE` where the core cannot run.
 */
export function createCache<V>(options?: CacheOptions<V>): Cache<V> {
  return new Cache(resolveCacheOptions(options), options?.metrics)
}

/** See {@link createCache}. */
export class Cache<V> implements AsyncDisposable {
  /** The synchronous front: what is in memory now, without looking further. */
  readonly memory: ReadonlyMemoryCache<string, V>
  readonly #memory: MemoryCache<string, V>
  readonly #tiers: TierStack | undefined
  readonly #clock: Clock
  readonly #ttlMs: number
  readonly #persist: Persist
  readonly #report: CacheReport | undefined
  readonly #leases = new Leases()
  readonly #flights = new Map<string, Flight<V | undefined>>()
  #closing: Promise<void> | undefined
  #tierHits = 0
  #misses = 0
  #loads = 0
  #loadErrors = 0
  #coalesced = 0
  #discarded = 0

  /** Not for users: {@link createCache} checks and completes the options. */
  constructor({ memory, stores, persist }: ResolvedCacheOptions<V>, registry: CacheOptions<V>['metrics']) {
    this.#memory = new MemoryCache(memory)
    this.memory = readOnly(this.#memory)
    this.#clock = memory.clock
    this.#ttlMs = memory.ttlMs
    this.#persist = persist
    this.#tiers = stores.length === 0 ? undefined : new TierStack(stores, memory.clock)
    if (registry === undefined) return
    this.#memory.reportTo(registry)
    this.#report = reportCache(registry, memory.name, this)
  }

  /** The value of `key`, from memory at once, else from the nearest tier that has it; `undefined` when none has. */
  get(key: string, options?: CacheGetOptions): Promise<V | undefined> {
    const known = this.#fromMemory(key)
    if (known !== undefined) return Promise.resolve(known)
    return this.#closing === undefined ? this.#getBelow(key, options?.signal) : Promise.reject(new ClosedError('the cache'))
  }

  /** The values of `keys`, in their order; the missing ones are looked up below memory together. */
  async getMany(keys: readonly string[], options?: CacheGetOptions): Promise<(V | undefined)[]> {
    this.#refuseClosed()
    options?.signal?.throwIfAborted()
    const values = keys.map(key => this.#fromMemory(key))
    if (this.#tiers === undefined) {
      this.#misses += values.filter(value => value === undefined).length
      return values
    }
    const missing = keys.map((key, index) => ({ key, index })).filter(({ index }) => values[index] === undefined)
    if (missing.length === 0) return values
    const leases = missing.map(({ key }) => this.#leases.take(key))
    try {
      const reading = this.#tiers.readMany(
        missing.map(({ key }) => key),
        options?.signal,
      )
      for (const [at, entry] of (await reading).entries()) {
        const { index } = missing[at] as { index: number }
        values[index] = this.#fill(leases[at] as Lease, entry)
      }
      return values
    } finally {
      for (const lease of leases) this.#leases.release(lease)
    }
  }

  /**
   * Stores `value` in memory at once, and in every tier. Resolves as `persist` says: `'memory'` when the tiers have
   * queued it (a full queue makes this wait), `'stored'` when they have written it, `'durable'` when it is synced.
   * When it rejects, memory has the value all the same.
   */
  async set(key: string, value: V, options?: CacheSetOptions): Promise<void> {
    this.#refuseClosed()
    const persist = this.#persistOf(options)
    const entry = this.#put(checkedKey(key), value, options)
    this.#detach(key)
    await this.#tiers?.write([{ key, entry }], persist)
  }

  /** Stores every entry, in memory at once and in the tiers together. An invalid one rejects, and those before it stay. */
  async setMany(entries: Iterable<readonly [key: string, value: V]>, options?: CacheSetOptions): Promise<void> {
    this.#refuseClosed()
    const persist = this.#persistOf(options)
    const writes: TierWrite[] = []
    let written: Promise<void> | undefined
    try {
      for (const [key, value] of entries) {
        writes.push({ key, entry: this.#put(checkedKey(key), value, options) })
        this.#detach(key)
      }
    } finally {
      // An invalid entry in the middle must not keep those before it from the tiers.
      written = this.#tiers?.write(writes, persist)
    }
    await written
  }

  /** Removes `key` from memory and every tier; no read that starts later finds it. Whether one of them had it. */
  async delete(key: string, options?: { persist?: Persist }): Promise<boolean> {
    return (await this.#delete([key], options))[0] === true
  }

  /** Removes every key; how many of them were there. */
  async deleteMany(keys: readonly string[], options?: { persist?: Persist }): Promise<number> {
    return (await this.#delete(keys, options)).filter(Boolean).length
  }

  /** Whether memory or a tier has `key`. Does not count as use. */
  async has(key: string): Promise<boolean> {
    this.#refuseClosed()
    if (this.#memory.has(key)) return true
    return this.#tiers !== undefined && (await this.#tiers.readMany([key]))[0] !== undefined
  }

  /**
   * The value of `key`, or what `loader` makes of it, which is then stored. Calls for the same key share one load; a
   * caller whose `signal` aborts leaves alone, and the loader's own signal aborts when all have left. A loader's
   * failure reaches every caller as it is, and nothing is stored.
   */
  getOrSet(key: string, loader: (context: { key: string; signal: AbortSignal }) => V | Promise<V>, options?: GetOrSetOptions): Promise<V>
  getOrSet(key: string, loader: Loader<V>, options?: GetOrSetOptions): Promise<V | undefined>
  getOrSet(key: string, loader: Loader<V>, options?: GetOrSetOptions): Promise<V | undefined> {
    const known = this.#fromMemory(key)
    if (known !== undefined) return Promise.resolve(known)
    return this.#loadOnce(key, loader, options)
  }

  /**
   * `fn`, answered from the cache: `const loadUser = cache.wrap(load, { key: id => `user:${id}` })`. Without `key`, the
   * function's name and its arguments as JSON are the key.
   */
  wrap<A extends readonly unknown[]>(fn: (...args: A) => V | Promise<V>, options: WrapOptions<A> = {}): (...args: A) => Promise<V> {
    if (typeof fn !== 'function') throw new InvalidArgumentError('fn', 'a function', fn)
    const { key, ...write } = options
    if (key === undefined && fn.name === '') throw new InvalidArgumentError('key', 'given for a function without a name', key)
    const keyOf = key ?? ((...args: A) => `${fn.name}:${JSON.stringify(args)}`)
    return (...args) => this.getOrSet(keyOf(...args), () => fn(...args), write)
  }

  /** Removes everything from memory and every tier. */
  async clear(): Promise<void> {
    this.#refuseClosed()
    this.#memory.clear()
    this.#leases.revokeAll()
    this.#flights.clear()
    await this.#tiers?.clear()
  }

  /** Resolves when every tier has written what is queued. */
  async flush(): Promise<void> {
    this.#refuseClosed()
    await this.#tiers?.flush()
  }

  /** Flushes the tiers and lets go of everything. Loads under way reject with `ERR_CLOSED`; so does whatever is asked later. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** What has happened so far. */
  stats(): CacheStats {
    // Whoever reads `cache.memory` reads this cache.
    const memory = this.#memory.stats()
    const hits = memory.hits + this.#tierHits
    const reads = hits + this.#misses
    return {
      hits,
      misses: this.#misses,
      hitRate: reads === 0 ? 0 : hits / reads,
      loads: this.#loads,
      loadErrors: this.#loadErrors,
      coalesced: this.#coalesced,
      discarded: this.#discarded,
      memory,
      tiers: this.#tiers?.stats() ?? [],
    }
  }

  /** How many keys are being loaded, and how many have a value on its way up. For tests. */
  pending(): { loads: number; leases: number } {
    return { loads: this.#flights.size, leases: this.#leases.size }
  }

  #fromMemory(key: string): V | undefined {
    return this.#memory.get(checkedKey(key))
  }

  async #getBelow(key: string, signal: AbortSignal | undefined): Promise<V | undefined> {
    signal?.throwIfAborted()
    if (this.#tiers === undefined) {
      this.#misses += 1
      return undefined
    }
    const lease = this.#leases.take(key)
    try {
      const reading = this.#tiers.read(key)
      const entry = await (signal === undefined
        ? reading
        : new Flight(
            () => reading,
            () => {},
          ).join(signal))
      return this.#fill(lease, entry)
    } finally {
      this.#leases.release(lease)
    }
  }

  /** Puts what a tier had into memory, unless something newer happened meanwhile. Counts the read. */
  #fill(lease: Lease, entry: TierEntry | undefined): V | undefined {
    const left = entry === undefined ? 0 : entry.expiresAt - this.#clock.wall()
    if (entry === undefined || !(left > 0)) {
      this.#misses += 1
      return undefined
    }
    this.#tierHits += 1
    const value = entry.value as V
    if (!lease.revoked && this.#closing === undefined) this.#memory.set(lease.key, value, { ttl: left })
    return value
  }

  #loadOnce(key: string, loader: Loader<V>, options: GetOrSetOptions | undefined): Promise<V | undefined> {
    if (this.#closing !== undefined) return Promise.reject(new ClosedError('the cache'))
    if (typeof loader !== 'function') return Promise.reject(new InvalidArgumentError('loader', 'a function', loader))
    if (options?.signal?.aborted === true) return Promise.reject(options.signal.reason)
    const under = this.#flights.get(key)
    if (under !== undefined) {
      this.#coalesced += 1
      return under.join(options?.signal)
    }
    const detach = () => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key)
    }
    const flight: Flight<V | undefined> = new Flight(signal => this.#load(key, loader, options, signal).finally(detach), detach)
    this.#flights.set(key, flight)
    return flight.join(options?.signal)
  }

  async #load(key: string, loader: Loader<V>, options: GetOrSetOptions | undefined, signal: AbortSignal): Promise<V | undefined> {
    const persist = this.#persistOf(options)
    if (options?.ttl !== undefined) durationMs(options.ttl, 'ttl')
    const lease = this.#leases.take(key)
    try {
      const known = this.#tiers === undefined ? undefined : await this.#tiers.read(key)
      const found = this.#fill(lease, known)
      if (found !== undefined) return found
      signal.throwIfAborted()
      const value = await this.#callLoader(key, loader, signal)
      if (this.#closing !== undefined) throw new ClosedError('the cache')
      if (value === undefined) return undefined
      if (lease.revoked) this.#discarded += 1
      else await this.#keep(key, value, options, persist)
      return value
    } finally {
      this.#leases.release(lease)
    }
  }

  async #callLoader(key: string, loader: Loader<V>, signal: AbortSignal): Promise<V | undefined> {
    this.#loads += 1
    const end = this.#report?.loadTimer.start()
    try {
      return await loader({ key, signal })
    } catch (error) {
      this.#loadErrors += 1
      throw error
    } finally {
      end?.()
    }
  }

  /** Stores what a loader made. Nobody waits for the tiers' queue, unless more than the queue was asked for. */
  async #keep(key: string, value: V, options: GetOrSetOptions | undefined, persist: Persist): Promise<void> {
    const entry = this.#put(key, value, options)
    this.#leases.revoke(key)
    const written = this.#tiers?.write([{ key, entry }], persist)
    if (persist === 'memory') written?.catch(() => {})
    else await written
  }

  #put(key: string, value: V, options: CacheSetOptions | undefined): TierEntry {
    const ttl = options?.ttl === undefined ? this.#ttlMs : durationMs(options.ttl, 'ttl')
    this.#memory.set(key, value, options?.size === undefined ? { ttl } : { ttl, size: options.size })
    const writtenAt = this.#clock.wall()
    return { value, writtenAt, expiresAt: writtenAt + ttl }
  }

  async #delete(keys: readonly string[], options: { persist?: Persist } | undefined): Promise<boolean[]> {
    this.#refuseClosed()
    const persist = this.#persistOf(options)
    const had = keys.map(key => {
      const inMemory = this.#memory.delete(checkedKey(key))
      this.#detach(key)
      return inMemory
    })
    const below = await this.#tiers?.remove(keys, persist)
    return had.map((inMemory, at) => inMemory || below?.[at] === true)
  }

  /** Something newer happened to `key`: what is under way may not fill it, and who comes now does not wait for that. */
  #detach(key: string): void {
    this.#leases.revoke(key)
    this.#flights.delete(key)
  }

  #persistOf(options: { persist?: Persist } | undefined): Persist {
    const persist = options?.persist ?? this.#persist
    if (persist !== 'memory' && persist !== 'stored' && persist !== 'durable')
      throw new InvalidArgumentError('persist', "'memory', 'stored' or 'durable'", persist)
    if (persist !== 'memory' && this.#tiers === undefined)
      throw new InvalidArgumentError('persist', "'memory' in a cache without a store", persist)
    return persist
  }

  async #close(): Promise<void> {
    for (const flight of this.#flights.values()) flight.stop(new ClosedError('the cache'))
    this.#flights.clear()
    this.#leases.revokeAll()
    this.#report?.stop()
    this.#memory.close()
    await this.#tiers?.close()
  }

  #refuseClosed(): void {
    if (this.#closing !== undefined) throw new ClosedError('the cache')
  }
}

function checkedKey(key: unknown): string {
  if (typeof key !== 'string') throw new InvalidArgumentError('key', 'a string', key)
  return key
}

function readOnly<V>(memory: MemoryCache<string, V>): ReadonlyMemoryCache<string, V> {
  return {
    get size() {
      return memory.size
    },
    get: key => memory.get(key),
    peek: key => memory.peek(key),
    has: key => memory.has(key),
    stats: () => memory.stats(),
  }
}
