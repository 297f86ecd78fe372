/**
 * The cache with tiers and loaders: memory in front, stores below it, and behind them whoever makes the values.
 *
 * What is on its way up from a store or a loader holds a lease; a write or a deletion revokes it, so that nothing old
 * ever overwrites something newer.
 */

import type { Clock } from '../clock.ts'
import { ClosedError, InvalidArgumentError } from '../errors.ts'
import { optionsObject, type Size } from '../options.ts'
import type { GivenUp, GiveUpMode } from '../stores/barriers.ts'
import type { StoreChange } from '../stores/tier.ts'
import { BatchLoader } from './batch-loader.ts'
import { cacheListeners, listen, tierEvents } from './cache-events.ts'
import { type CacheReport, reportCache } from './cache-metrics.ts'
import { type ResolvedCacheOptions, resolveCacheNamespace, resolveCacheOptions } from './cache-options.ts'
import { cacheStats } from './cache-stats.ts'
import { heldOf } from './entry-detail.ts'
import { frontOf } from './front.ts'
import type { TierWatch } from './guarded-tier.ts'
import { type Hearer, hear, isInMemory } from './heard.ts'
import { type Isolation, isolated } from './isolate.ts'
import { type Kept, keptOptions, NONE } from './kept.ts'
import { Loading } from './loading.ts'
import type { GetOrSetOptions, Loader, ManyLoader, PrefetchOptions, PrefetchResult, SureLoader } from './loading-types.ts'
import { texts } from './marks.ts'
import { MemoryCache } from './memory-cache.ts'
import type { ReadonlyMemoryCache } from './memory-types.ts'
import { NamedTiers } from './named-tiers.ts'
import { Namespaces } from './namespaces.ts'
import { Overflow } from './overflow.ts'
import { inOrder } from './partial-load-error.ts'
import { prefetchAll } from './prefetch.ts'
import { patiently, Reading } from './reading.ts'
import { Shelf } from './shelf.ts'
import { TierStack } from './tier-stack.ts'
import type {
  CacheEvents,
  CacheNamespaceOptions,
  CacheOptions,
  CacheReadOptions,
  CacheSetOptions,
  CacheStats,
  DeleteOptions,
  InvalidateOptions,
  WrapOptions,
} from './types.ts'
import { wrapped } from './wrapped.ts'
import { checkedKey, notText, Writing } from './writing.ts'

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

/** Bytes of stored values that are brought up at most, whatever memory may hold. */
const HYDRATE_BYTES = 64 * 1024 * 1024

/** See {@link createCache}. */
export class Cache<V> implements AsyncDisposable {
  /** The synchronous front: what is in memory now, without looking further. */
  readonly memory: ReadonlyMemoryCache<string, V>
  readonly #memory: MemoryCache<string, Kept<V>>
  readonly #shelf: Shelf<V>
  readonly #loading: Loading<V>
  readonly #reading: Reading<V>
  readonly #writing: Writing<V>
  readonly #tiers: NamedTiers | undefined
  readonly #options: ResolvedCacheOptions<V>
  readonly #registry: CacheOptions<V>['metrics']
  /** The cache that this one is a namespace of. */
  readonly #around: Cache<V> | undefined
  #namespaces: Namespaces<Cache<V>> | undefined
  readonly #isolate: Isolation
  readonly #refreshesAhead: boolean
  readonly #report: CacheReport | undefined
  #hydrating: Promise<number> | undefined
  #closing: Promise<void> | undefined

  /** Not for users: {@link createCache} checks and completes the options. */
  constructor(options: ResolvedCacheOptions<V>, registry: CacheOptions<V>['metrics'], within?: { around: Cache<V>; name: string }) {
    const { memory, persist, policy, windows, memoryTtlMs, isolate } = options
    this.#options = options
    this.#registry = registry
    this.#around = within?.around
    const overflow = options.tiers.some(({ mode }) => mode === 'on-evict') ? this.#overflowOf(memory.clock) : undefined
    const kept = keptOptions(memory, overflow)
    this.#memory = within === undefined ? new MemoryCache(kept) : within.around.#memory.adopt(within.name, undefined, () => kept)
    this.memory = frontOf(this.#memory, isolate)
    this.#shelf = new Shelf({ memory: this.#memory, options: memory, windows, memoryTtlMs, isolate, overflow })
    this.#isolate = isolate
    this.#refreshesAhead = policy.aheadShare < 1 || policy.aheadMs > 0
    this.#loading = new Loading({
      shelf: this.#shelf,
      policy,
      readBelow: key => this.#tiers?.read(key),
      lock: (key, signal) => this.#tiers?.lock(key, signal),
      writeBelow: (key, entry, persist) => this.#writing.below(key, entry, persist, persist === 'memory'),
      remove: key => {
        this.#memory.delete(key)
        void this.#tiers?.remove([key], 'memory', true)
      },
      lastMiss: () => this.#memory.lastMiss,
      persistOf: options => this.#writing.persistOf(options),
    })
    this.#tiers = within === undefined ? this.#openTiers() : within.around.#tiers?.within(within.name)
    if (this.#tiers !== undefined) this.#tiers.failed = (key, error) => this.#loading.tally.tierFailed(key, error)
    const parts = { memory: this.#memory, shelf: this.#shelf, loading: this.#loading, tiers: this.#tiers }
    this.#reading = new Reading({ ...parts, out: known => this.#out(known) })
    this.#writing = new Writing({ ...parts, persist })
    if (options.isEager) this.hydrate().catch(() => {})
    if (registry === undefined) return
    if (within === undefined) this.#memory.reportTo(registry)
    this.#report = reportCache(registry, memory.name, this)
    this.#loading.tally.timer = this.#report.loadTimer
  }

  /** Whether other processes read and write one of the tiers, as they do in Redis. */
  get isShared(): boolean {
    return this.#tiers?.isShared === true
  }

  /** The value of `key`, from memory at once, else from the nearest tier that has it; `undefined` when none has. */
  get(key: string, options?: CacheReadOptions): Promise<V | undefined> {
    if (typeof key !== 'string') return Promise.reject(notText(key))
    const known = options?.skipMemoryRead === true ? undefined : this.#memory.get(key, options)
    if (known !== undefined) return Promise.resolve(this.#out(known))
    return this.#closing === undefined ? this.#reading.below(key, options) : Promise.reject(new ClosedError('the cache'))
  }

  /** The values of `keys`, in their order; the missing ones are looked up below memory together. */
  async getMany(keys: readonly string[], options?: CacheReadOptions): Promise<(V | undefined)[]> {
    this.#refuseClosed()
    options?.signal?.throwIfAborted()
    return this.#reading.many(keys.map(checkedKey), options)
  }

  /**
   * Stores `value` in memory at once, and in every tier. Resolves as `persist` says: `'memory'` when the tiers have
   * queued it (a full queue makes this wait), `'stored'` when they have written it, `'durable'` when it is synced.
   * When it rejects, memory has the value all the same.
   */
  set(key: string, value: V, options?: CacheSetOptions): Promise<void> {
    // Not `async`: a promise less for each call, and often the only one.
    try {
      this.#refuseClosed()
      return this.#writing.set(key, value, options) ?? Promise.resolve()
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Stores every entry, in memory at once and in the tiers together. An invalid one rejects, and those before it stay. */
  async setMany(entries: Iterable<readonly [key: string, value: V]>, options?: CacheSetOptions): Promise<void> {
    this.#refuseClosed()
    await this.#writing.setMany(entries, options)
  }

  /** Removes `key` from memory and every tier; no read that starts later finds it. Whether one of them had it. */
  async delete(key: string, options?: DeleteOptions): Promise<boolean> {
    this.#refuseClosed()
    return (await this.#writing.delete([key], options))[0] === true
  }

  /** Removes every key; how many of them were there. */
  async deleteMany(keys: readonly string[], options?: DeleteOptions): Promise<number> {
    this.#refuseClosed()
    return (await this.#writing.delete(keys, options)).filter(Boolean).length
  }

  /** Whether memory or a tier has a value of `key` that is not stale. Does not count as use. */
  async has(key: string): Promise<boolean> {
    this.#refuseClosed()
    return this.#reading.has(key)
  }

  /**
   * The value of `key`, or what `loader` makes of it, which is then stored. Calls for the same key share one load, and
   * its value is kept as the first of them says. A caller whose `signal` aborts leaves alone; the loader's own signal
   * aborts when all have left. With `staleWhileRevalidate` or `staleIfError` a value past its `ttl` stands in while it is
   * loaded anew, or when that fails. A failure for which nothing stands in reaches every caller as it is, and is not kept.
   *
   * ```ts
   * const user = await users.getOrSet('user:1', async ({ signal, etag, notModified, modified }) => {
   *   const answer = await fetch(url, { signal, headers: etag === undefined ? {} : { 'if-none-match': etag } })
   *   return answer.status === 304 ? notModified() : modified(await answer.json(), { etag: answer.headers.get('etag') ?? undefined })
   * }, { ttl: '1m', staleWhileRevalidate: '1h' })
   * ```
   */
  getOrSet(key: string, loader: SureLoader<V>, options?: GetOrSetOptions): Promise<V>
  getOrSet(key: string, loader: Loader<V>, options?: GetOrSetOptions): Promise<V | undefined>
  getOrSet(key: string, loader: Loader<V>, options?: GetOrSetOptions): Promise<V | undefined> {
    if (typeof key !== 'string') return Promise.reject(notText(key))
    const known = options?.forceFresh === true || options?.skipMemoryRead === true ? undefined : this.#memory.get(key)
    if (known === undefined) return this.#obtain(key, loader, options)
    if (!this.#refreshesAhead && options?.refreshAhead === undefined) return Promise.resolve(this.#out(known))
    try {
      this.#loading.ahead(key, loader, options)
      return Promise.resolve(this.#out(known))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * The values of `keys`, in their order; `loadMissing` is called once, for all that neither memory nor a tier has and
   * nobody is loading yet, and each value it answers is stored. What it fails for is answered by something stale, where
   * `staleIfError` allows; when that leaves some keys without an answer, it rejects with a `PartialLoadError`,
   * which has the values of the others, or with the loader's own error when there are no others.
   *
   * ```ts
   * const [a, b] = await users.getOrSetMany(['user:1', 'user:2'], keys => database.loadAll(keys))
   * ```
   */
  async getOrSetMany(keys: readonly string[], loadMissing: ManyLoader<V>, options?: GetOrSetOptions): Promise<(V | undefined)[]> {
    this.#refuseClosed()
    if (typeof loadMissing !== 'function') throw new InvalidArgumentError('loadMissing', 'a function', loadMissing)
    if (!Array.isArray(keys)) throw new InvalidArgumentError('keys', 'an array of strings', keys)
    options?.signal?.throwIfAborted()
    const batch = new BatchLoader(loadMissing)
    const distinct = Array.from(new Set(keys.map(checkedKey)), key => ({ key, ticket: batch.ticket() }))
    const asked = distinct.map(({ key, ticket: { load, spare } }) => {
      const known = options?.forceFresh === true || options?.skipMemoryRead === true ? undefined : this.#memory.get(key)
      if (known === undefined) return this.#obtain(key, load, options, spare)
      this.#loading.ahead(key, load, options, spare)
      return this.#out(known)
    })
    const answers = await Promise.allSettled(asked)
    options?.signal?.throwIfAborted()
    return inOrder(keys, new Map(distinct.map(({ key }, at) => [key, answers[at] as PromiseSettledResult<V | undefined>])))
  }

  /**
   * Loads `key` anew, whatever the cache has, and stores it: with `loader`, else with the one that the key was loaded
   * with last, which is remembered for the latest 1000 keys. Rejects when the load fails; the cache then keeps what it had.
   */
  refresh(key: string, loader?: Loader<V>, options?: Omit<GetOrSetOptions, 'forceFresh'>): Promise<V | undefined> {
    if (typeof key !== 'string') return Promise.reject(notText(key))
    const known = loader ?? this.#loading.loaderOf(key)
    return this.#copied(this.#loading.obtain(key, known as Loader<V>, { ...options, forceFresh: true }))
  }

  /**
   * Sees to it that `keys` have values, a few at a time: `await cache.prefetch(ids, ({ key }) => load(key), { concurrency: 8 })`.
   * A failure is part of the result and ends nothing; an abort of `signal` rejects with its reason.
   */
  async prefetch(keys: Iterable<string>, loader: Loader<V>, options?: PrefetchOptions): Promise<PrefetchResult> {
    const { concurrency, ...load }: PrefetchOptions = optionsObject(options, 'options')
    return prefetchAll(keys, key => this.getOrSet(key, loader, load), { concurrency, signal: load.signal })
  }

  /**
   * `fn`, answered from the cache: `const loadUser = cache.wrap(load, { key: id => `user:${id}` })`. Without `key`, the
   * function's name and its arguments are the key, which takes plain arguments and a cache without a store.
   */
  wrap<A extends readonly unknown[]>(fn: (...args: A) => V | Promise<V>, options: WrapOptions<A> = {}): (...args: A) => Promise<V> {
    return wrapped<V, A>(this, fn, options, this.#tiers !== undefined)
  }

  /**
   * Gives up every entry with one of `tags`, in memory and every tier, in one step whatever their number: from the call
   * on no read finds them, and what is being loaded with one of them is not kept. Entries set later are not concerned.
   *
   * ```ts
   * await users.set('user:1', user, { tags: ['team:7'] })
   * await users.invalidateTags(['team:7'], { mode: 'expire' }) // stale from now on, where it may be taken stale
   * ```
   *
   * Resolves as `persist` says: with `'stored'` it holds after a restart. A tier remembers the latest 1000 invalidations
   * one by one; of more, the older half becomes "everything written before".
   */
  async invalidateTags(tags: readonly string[], options?: InvalidateOptions): Promise<void> {
    const meant = { tags: [...texts(tags, 'tags')] }
    await this.#giveUp(meant, options, mode => this.#memory.invalidateTags(meant.tags, mode))
  }

  /**
   * Gives up every entry whose key matches `pattern`, as {@link Cache.invalidateTags} does: `*` stands for any run of
   * characters, `?` for one, `\` takes the next as it is. `await cache.invalidate('user:*:posts')`. At most 256 characters.
   */
  async invalidate(pattern: string, options?: InvalidateOptions): Promise<void> {
    await this.#giveUp({ pattern }, options, mode => this.#memory.invalidate(pattern, mode))
  }

  /** Gives up every entry whose key begins with `prefix`, as {@link Cache.invalidateTags} does: `await cache.invalidatePrefix('user:')`. */
  async invalidatePrefix(prefix: string, options?: InvalidateOptions): Promise<void> {
    await this.#giveUp({ prefix }, options, mode => this.#memory.invalidatePrefix(prefix, mode))
  }

  /**
   * Removes every entry in memory for which `predicate` says so, from the tiers, too: `await cache.invalidateWhere(user => user.team === 7)`.
   * How many there were. A tier is not searched: what lies only there stays, and tags, prefixes and patterns reach it.
   */
  async invalidateWhere(predicate: (value: V, key: string) => boolean, options?: InvalidateOptions): Promise<number> {
    this.#refuseClosed()
    this.#writing.persistOf(options)
    if (typeof predicate !== 'function') throw new InvalidArgumentError('predicate', 'a function', predicate)
    const meant: string[] = []
    const isMeant = (value: Kept<V>, key: string) => {
      const is = value !== NONE && predicate(value, key)
      if (is) meant.push(key)
      return is
    }
    const count = this.#memory.invalidateWhere(isMeant, memoryMode(options))
    if (options?.mode === 'expire') await Promise.all(meant.map(key => this.expire(key, options)))
    else await this.#writing.delete(meant, options)
    return count
  }

  /**
   * Makes the entry of `key` stale as of now, in memory and every tier: gone, unless it may be taken stale
   * (`staleWhileRevalidate`, `staleIfError`). What depends on it is gone. `await cache.expire('user:1')`.
   */
  async expire(key: string, options?: Omit<InvalidateOptions, 'mode'>): Promise<void> {
    await this.#giveUp({ key: checkedKey(key) }, { ...options, mode: 'expire' }, () => this.#memory.expire(key))
  }

  /** Removes everything from memory and every tier, from its namespaces too. A namespace is cleared in one step, whatever it holds. */
  async clear(): Promise<void> {
    this.#refuseClosed()
    this.#memory.clear()
    for (const cache of this.#withNamespaces()) cache.#loading.overtakeAll()
    await this.#tiers?.clear(this.#options.persist)
  }

  /**
   * The namespace `name`, made at the first call: a cache of its own within this one, with keys, tags, loads, statistics and options of
   * its own, in the same tiers. `max` and `maxSize` are its quota in memory: over it, its own least valuable entry leaves.
   * What this cache may hold, it and its namespaces may hold together; when that is full, whichever holds most gives way.
   * `clear`, `close`, `trim` and `invalidateTags` of this cache reach its namespaces, too; the other methods do not.
   *
   * ```ts
   * const users = cache.namespace<User>('users', { max: 1000, ttl: '1h', staleIfError: '6h' })
   * await users.getOrSet('1', ({ signal }) => load(1, signal))
   * await users.clear()
   * ```
   *
   * Throws `ERR_INVALID_ARGUMENT` for options that cannot be meant, or others than those the namespace was made with.
   */
  namespace<N extends V = V>(name: string, options?: CacheNamespaceOptions<N>): Cache<N> {
    this.#refuseClosed()
    const around = this as unknown as Cache<N>
    around.#namespaces ??= new Namespaces()
    return around.#namespaces.open(
      name,
      options,
      () => new Cache(resolveCacheNamespace(around.#options, name, options), this.#registry, { around, name }),
    )
  }

  /**
   * Brings what was stored last up into memory, as far as there is room, and up to 64 MB: `console.log(await cache.hydrate())` tells how many entries.
   * They come from the nearest tier that knows what that is: IndexedDB and files do. With `hydrate: 'eager'` that is done at the start.
   * Calls at the same time are one.
   */
  async hydrate(): Promise<number> {
    this.#refuseClosed()
    const { entries, max, maxSize } = this.#memory.stats()
    const room = Math.min(max, this.#around?.memory.stats().max ?? max) - entries
    this.#hydrating ??= this.#reading.hydrate({ entries: room, bytes: Math.min(maxSize, HYDRATE_BYTES) }).finally(() => {
      this.#hydrating = undefined
    })
    return this.#hydrating
  }

  /** Resolves when every tier has written what is queued. */
  async flush(): Promise<void> {
    this.#refuseClosed()
    await this.#tiers?.flush()
  }

  /** Changes the limits of memory; what no longer fits leaves it, the least valuable first, and stays in the tiers. Throws `ERR_INVALID_ARGUMENT`, and changes nothing then. */
  resize(limits: { max?: number; maxSize?: Size }): void {
    this.#memory.resize(limits)
  }

  /** Gives up a share, 0 to 1, of what is in memory, the least valuable first; tiers keep it. What left. For `createMemoryGovernor`. */
  trim(share: number): { entries: number; bytes: number } {
    return this.#memory.trim(share)
  }

  /** The bytes of what is in memory, as estimated; 0 where sizes are not counted. For `createMemoryGovernor`. */
  accountedBytes(): number {
    return this.#memory.accountedBytes()
  }

  /** Flushes the tiers and lets go of everything. Loads under way reject with `ERR_CLOSED`; so does whatever is asked later. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /**
   * Calls `listener` each time that `event` happens; the result ends that. What it throws is reported as a warning (an `error` event
   * in browsers) and harms nobody. Until somebody listens, events cost nothing.
   *
   * ```ts
   * const off = users.on('loadError', ({ key, error, ms }) => log.warn(`${key} after ${ms} ms`, error))
   * ```
   */
  on<Name extends keyof CacheEvents<V>>(event: Name, listener: (event: CacheEvents<V>[Name]) => unknown): () => void {
    this.#loading.tally.listeners ??= cacheListeners()
    return listen({ listeners: this.#loading.tally.listeners, memory: this.#memory, isolate: this.#isolate }, event, listener)
  }

  /** What has happened so far. */
  stats(): CacheStats {
    return cacheStats(this.#memory.stats(), this.#loading, this.#tiers, this.#options)
  }

  /** How many loads are under way, and how many keys have a value on its way up. For tests. */
  pending(): { loads: number; leases: number } {
    return { loads: this.#loading.size, leases: this.#loading.claims.leases.size }
  }

  #out(known: Kept<V> | undefined): V | undefined {
    if (known === NONE) {
      this.#loading.tally.counts.negativeHits += 1
      return undefined
    }
    return this.#isolate === 'clone' ? isolated(known, 'clone') : known
  }

  #obtain(key: string, loader: Loader<V>, options: GetOrSetOptions | undefined, spare?: () => void): Promise<V | undefined> {
    const looks = options?.forceFresh !== true && options?.skipMemoryRead !== true
    if (looks && this.#memory.guardOf(key) !== undefined) return this.#obtainAsked(key, loader, options, spare)
    return this.#copied(this.#loading.obtain(key, loader, options, spare))
  }

  async #obtainAsked(key: string, loader: Loader<V>, options: GetOrSetOptions | undefined, spare?: () => void): Promise<V | undefined> {
    try {
      const known = await patiently(this.#reading.asked(key), options?.signal)
      if (known === undefined) return await this.#copied(this.#loading.obtain(key, loader, options, spare))
      this.#loading.ahead(key, loader, options, spare)
      return this.#out(known)
    } finally {
      spare?.()
    }
  }

  #copied(value: Promise<V | undefined>): Promise<V | undefined> {
    return this.#isolate === 'clone' ? value.then(one => isolated(one, 'clone')) : value
  }

  async #giveUp(meant: GivenUp, options: InvalidateOptions | undefined, inMemory: (mode: { mode: GiveUpMode }) => unknown): Promise<void> {
    this.#refuseClosed()
    const persist = this.#writing.persistOf(options)
    const mode = memoryMode(options)
    inMemory(mode)
    for (const cache of 'tags' in meant ? this.#withNamespaces() : [this]) {
      cache.#loading.giveUp(meant, mode.mode)
      cache.#shelf.overflow?.giveUp(meant, mode.mode)
    }
    await this.#tiers?.invalidate({ ...meant, ...mode }, persist)
  }

  #openTiers(): NamedTiers | undefined {
    const { tiers, memory } = this.#options
    const watch: TierWatch = { ...tierEvents(this.#loading.tally), isInUse: key => isInMemory(this.#hearers(), key) }
    return tiers.length === 0 ? undefined : new NamedTiers(new TierStack(tiers, memory.clock, watch, change => this.#heard(change)))
  }

  /** What others have done to the tiers. */
  #heard(change: StoreChange): void {
    if (this.#closing === undefined) hear(this.#hearers(), change)
  }

  #hearers(): Hearer<V>[] {
    return this.#withNamespaces().map(cache => ({
      path: cache.#tiers?.path ?? '',
      memory: cache.#memory,
      loading: cache.#loading,
      overflow: cache.#shelf.overflow,
    }))
  }

  #overflowOf(clock: Clock): Overflow {
    return new Overflow({
      clock,
      holds: (key, value) => heldOf(this.#memory, key)?.value === value,
      spill: writes => this.#tiers?.spill(writes),
    })
  }

  /** This cache and all its namespaces, theirs too. */
  #withNamespaces(): Cache<V>[] {
    const all: Cache<V>[] = [this]
    for (const cache of this.#namespaces ?? []) all.push(...cache.#withNamespaces())
    return all
  }

  async #close(): Promise<void> {
    const within = Promise.all(Array.from(this.#namespaces ?? [], cache => cache.close()))
    within.catch(() => {})
    this.#loading.close()
    this.#report?.stop()
    if (this.#around !== undefined) this.#around.#namespaces?.forget(this)
    try {
      this.#shelf.overflow?.drain()
      this.#memory.close()
      await within
    } finally {
      // Whatever a dispose callback throws: what is queued gets written, and locks are let go.
      await this.#tiers?.close()
    }
  }

  #refuseClosed(): void {
    if (this.#closing !== undefined) throw new ClosedError('the cache')
  }
}

function memoryMode(options: InvalidateOptions | undefined): { mode: GiveUpMode } {
  return { mode: options?.mode ?? 'delete' }
}
