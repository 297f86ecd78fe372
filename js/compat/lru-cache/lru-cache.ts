/** The class `LRUCache`: what lru-cache 11 documents, over the core of shelflife. */

import { metrics, tracing } from './channels.ts'
import { Entries, shown } from './entries.ts'
import { Farewells } from './farewells.ts'
import { Fetches } from './fetches.ts'
import { Flight } from './flight.ts'
import { checkOptions, warnIfUnbounded } from './limits.ts'
import { dump, info, loadable } from './portable.ts'
import { isFresh, look, read } from './reads.ts'
import { begun, begunFetch, ended, traced } from './telling.ts'
import type * as T from './types.ts'
import { findOne, keysOf, pairsOf, valuesOf, visitAll } from './walks.ts'

const NO_OPTIONS = Object.freeze({})

/** Options of a fetch where `FC` allows to leave them out; see {@link LRUCache.fetch}. */
type FetchArguments<K, V, FC> = unknown extends FC
  ? T.FetchOptions<K, V, FC>
  : FC extends T.Nothing
    ? T.FetchOptionsNoContext<K, V, FC>
    : T.FetchOptionsWithContext<K, V, FC>
type MemoArguments<K, V, FC> = unknown extends FC
  ? T.MemoOptions<K, V, FC>
  : FC extends T.Nothing
    ? T.MemoOptionsNoContext<K, V, FC>
    : T.MemoOptionsWithContext<K, V, FC>
/** `never` where `FC` demands a context. */
type IfOptional<FC, Then> = unknown extends FC ? Then : FC extends T.Nothing ? Then : never

/**
 * A cache of the most recently used entries, for programs written for lru-cache 11: only the import changes.
 *
 * ```ts
 * import { LRUCache } from 'shelflife/lru-cache'
 *
 * const users = new LRUCache<string, User>({ max: 500, ttl: 300_000, fetchMethod: (id, stale, { signal }) => load(id, signal) })
 * await users.fetch('42')
 * ```
 *
 * The constructor throws a `TypeError` unless one of `max`, `maxSize` and `ttl` is given, and for options that cannot
 * be meant. `undefined` is never stored: to set it is to delete. Choices that are properties may be changed at any time.
 */
export class LRUCache<K extends {}, V extends {}, FC = unknown> {
  ttl: number
  ttlResolution: number
  ttlAutopurge: boolean
  updateAgeOnGet: boolean
  updateAgeOnHas: boolean
  allowStale: boolean
  noDisposeOnSet: boolean
  noUpdateTTL: boolean
  maxEntrySize: number
  sizeCalculation?: T.SizeCalculator<K, V>
  noDeleteOnFetchRejection: boolean
  noDeleteOnStaleGet: boolean
  allowStaleOnFetchAbort: boolean
  allowStaleOnFetchRejection: boolean
  ignoreFetchAbort: boolean
  backgroundFetchSize: number;
  [Symbol.toStringTag] = 'LRUCache'

  readonly #max: number
  readonly #maxSize: number
  readonly #perf: T.Perf
  readonly #fetchMethod: T.Fetcher<K, V, FC> | undefined
  readonly #memoMethod: T.Memoizer<K, V, FC> | undefined
  readonly #onInsert: T.Inserter<K, V> | undefined
  readonly #farewells: Farewells<K, V>
  readonly #entries: Entries<K, V, FC>
  readonly #fetches: Fetches<K, V, FC>

  constructor(options: T.Options<K, V, FC> | LRUCache<K, V, FC>) {
    const given = options as T.OptionsBase<K, V, FC>
    checkOptions(given)
    this.#max = given.max ?? 0
    this.#maxSize = given.maxSize ?? 0
    this.#perf = given.perf ?? globalThis.performance ?? Date
    this.#fetchMethod = given.fetchMethod
    this.#memoMethod = given.memoMethod
    this.#onInsert = typeof given.onInsert === 'function' ? given.onInsert : undefined
    this.#farewells = new Farewells(given.dispose, given.disposeAfter)
    const { ttlResolution } = given
    this.ttl = given.ttl || 0
    this.ttlResolution = Number.isInteger(ttlResolution) && (ttlResolution as number) >= 0 ? (ttlResolution as number) : 1
    this.ttlAutopurge = !!given.ttlAutopurge
    this.updateAgeOnGet = !!given.updateAgeOnGet
    this.updateAgeOnHas = !!given.updateAgeOnHas
    this.allowStale = !!given.allowStale
    this.noDisposeOnSet = !!given.noDisposeOnSet
    this.noUpdateTTL = !!given.noUpdateTTL
    this.maxEntrySize = given.maxEntrySize || this.#maxSize
    this.sizeCalculation = given.sizeCalculation as T.SizeCalculator<K, V>
    this.noDeleteOnFetchRejection = !!given.noDeleteOnFetchRejection
    this.noDeleteOnStaleGet = !!given.noDeleteOnStaleGet
    this.allowStaleOnFetchAbort = !!given.allowStaleOnFetchAbort
    this.allowStaleOnFetchRejection = !!given.allowStaleOnFetchRejection
    this.ignoreFetchAbort = !!given.ignoreFetchAbort
    this.backgroundFetchSize = given.backgroundFetchSize ?? 1
    warnIfUnbounded(given)
    const entries = new Entries<K, V, FC>(this, this.#farewells)
    this.#entries = entries
    this.#fetches = new Fetches(this, entries)
  }

  /** The option `max`; 0 for none. */
  get max(): number {
    return this.#max
  }

  /** The option `maxSize`; 0 for none. */
  get maxSize(): number {
    return this.#maxSize
  }

  /** The size of all entries; 0 where sizes are not limited. */
  get calculatedSize(): number {
    return this.#entries.sizes?.total ?? 0
  }

  /** The number of entries, stale ones and fetches in flight included. */
  get size(): number {
    return this.#entries.residents.size
  }

  /** The option `perf`. */
  get perf(): T.Perf {
    return this.#perf
  }

  /** The option `fetchMethod`. */
  get fetchMethod(): T.Fetcher<K, V, FC> | undefined {
    return this.#fetchMethod
  }

  /** The option `memoMethod`. */
  get memoMethod(): T.Memoizer<K, V, FC> | undefined {
    return this.#memoMethod
  }

  /** The option `dispose`. */
  get dispose(): T.Disposer<K, V> | undefined {
    return this.#farewells.dispose
  }

  /** The option `disposeAfter`. */
  get disposeAfter(): T.Disposer<K, V> | undefined {
    return this.#farewells.disposeAfter
  }

  /** The option `onInsert`. */
  get onInsert(): T.Inserter<K, V> | undefined {
    return this.#onInsert
  }

  /** The value of `key`, which becomes the most recently used. A stale one leaves. */
  get(k: K, getOptions: T.GetOptions<K, V, FC> = NO_OPTIONS): V | undefined {
    const status = begun(this, 'get', k, getOptions.status)
    const value = read(this, this.#entries, k, getOptions, status)
    if (status !== undefined && value !== undefined) status.value = value
    ended(status)
    return value
  }

  /** Stores `v` under `k`, as the most recently used. `undefined` deletes. */
  set(k: K, v: V | undefined, setOptions: T.SetOptions<K, V, FC> = NO_OPTIONS): this {
    const status = begun(this, 'set', k, setOptions.status)
    if (status !== undefined && v !== undefined) status.value = v
    this.#set(k, v, status === setOptions.status || status === undefined ? setOptions : { ...setOptions, status })
    ended(status)
    return this
  }

  /** Whether `k` has a value that is not stale. It does not become more recent. */
  has(k: K, hasOptions: T.HasOptions<K, V, FC> = NO_OPTIONS): boolean {
    const status = begun(this, 'has', k, hasOptions.status)
    const found = isFresh(this.#entries, k, hasOptions.updateAgeOnHas ?? this.updateAgeOnHas, status)
    ended(status)
    return found
  }

  /** The value of `k`, without making it more recent and without removing a stale one. */
  peek(k: K, peekOptions: T.PeekOptions<K, V, FC> = NO_OPTIONS): V | undefined {
    const status = begun(this, 'peek', k, peekOptions.status, metrics.hasSubscribers || tracing.hasSubscribers)
    const value = look(this.#entries, k, peekOptions.allowStale ?? this.allowStale, status)
    ended(status)
    return value
  }

  /** Removes `k`. Whether it was there. */
  delete(k: K): boolean {
    return this.#entries.remove(k, 'delete')
  }

  /** Removes everything. */
  clear(): void {
    this.#entries.clear('delete')
  }

  /** Removes the least recently used entry and gives its value. */
  pop(): V | undefined {
    try {
      while (this.size > 0) {
        const held = this.#entries.evict()
        const value = shown(held)
        if (held instanceof Flight ? value : value !== undefined) return value
      }
      return undefined
    } finally {
      this.#entries.flush()
    }
  }

  /** Removes stale entries. Whether there were any. */
  purgeStale(): boolean {
    const { residents } = this.#entries
    let found = false
    for (const slot of residents.inOrder(false)) {
      if (!this.#entries.isStale(slot)) continue
      this.#entries.remove(residents.keyIn(slot), 'expire')
      found = true
    }
    return found
  }

  /**
   * The value of `k`, made by `fetchMethod` when there is none or only a stale one. Calls for one key share a fetch.
   * Rejects with what `fetchMethod` failed with, or with the reason of an abort.
   */
  fetch(k: K, fetchOptions: FetchArguments<K, V, FC>): Promise<V | undefined>
  fetch(k: IfOptional<FC, K>, fetchOptions?: IfOptional<FC, FetchArguments<K, V, FC>>): Promise<V | undefined>
  fetch(k: K, fetchOptions: T.FetchOptions<K, V, FC> = NO_OPTIONS): Promise<V | undefined> {
    const status = begunFetch(fetchOptions)
    return traced(this.#fetches.fetch(k, fetchOptions, status), status)
  }

  /** As {@link LRUCache.fetch}, but rejects where that gives `undefined`. */
  forceFetch(k: K, fetchOptions: FetchArguments<K, V, FC>): Promise<V>
  forceFetch(k: IfOptional<FC, K>, fetchOptions?: IfOptional<FC, FetchArguments<K, V, FC>>): Promise<V>
  forceFetch(k: K, fetchOptions: T.FetchOptions<K, V, FC> = NO_OPTIONS): Promise<V> {
    const status = begunFetch(fetchOptions)
    return traced(this.#forceFetch(k, fetchOptions, status), status)
  }

  /** The value of `k`, made by `memoMethod` when there is none. Throws when the cache has no `memoMethod`. */
  memo(k: K, memoOptions: MemoArguments<K, V, FC>): V
  memo(k: IfOptional<FC, K>, memoOptions?: IfOptional<FC, MemoArguments<K, V, FC>>): V
  memo(k: K, memoOptions: T.MemoOptions<K, V, FC> = NO_OPTIONS): V {
    const status = begun(this, 'memo', k, memoOptions.status)
    if (status !== undefined && memoOptions.context) status.context = memoOptions.context
    const value = this.#memo(k, memoOptions, status)
    if (status !== undefined) status.value = value
    ended(status)
    return value
  }

  /** What is left of the life of `key`, in ms: 0 when it is not there, `Infinity` when it does not age. */
  getRemainingTTL(key: K): number {
    const slot = this.#entries.residents.slotOf(key)
    if (slot === undefined) return 0
    return this.#entries.ages?.remaining(slot) ?? Number.POSITIVE_INFINITY
  }

  /** Value, size, what is left of its life, and the time of day. Stale entries have one, too. */
  info(key: K): T.Entry<V> | undefined {
    return info(this, this.#entries, key)
  }

  /** All entries for {@link LRUCache.load}, the least recently used first, stale ones included; `start` is a time of day. */
  dump(): [K, T.Entry<V>][] {
    return dump(this, this.#entries)
  }

  /** Replaces everything by what {@link LRUCache.dump} gave. */
  load(arr: [K, T.Entry<V>][]): void {
    this.clear()
    for (const [key, entry] of arr) {
      this.#set(key, entry.value, loadable(this, entry))
    }
  }

  /** Keys and values, the most recently used first. Shows the order as of its beginning; what leaves meanwhile is left out. */
  entries(): Generator<[K, V], void, unknown> {
    return pairsOf(this, this.#entries, true)
  }

  /** As {@link LRUCache.entries}, the least recently used first. */
  rentries(): Generator<[K, V], void, unknown> {
    return pairsOf(this, this.#entries, false)
  }

  /** Keys, the most recently used first. */
  keys(): Generator<K, void, unknown> {
    return keysOf(this, this.#entries, true)
  }

  /** Keys, the least recently used first. */
  rkeys(): Generator<K, void, unknown> {
    return keysOf(this, this.#entries, false)
  }

  /** Values, the most recently used first. */
  values(): Generator<V, void, unknown> {
    return valuesOf(this, this.#entries, true)
  }

  /** Values, the least recently used first. */
  rvalues(): Generator<V, void, unknown> {
    return valuesOf(this, this.#entries, false)
  }

  [Symbol.iterator](): Generator<[K, V], void, unknown> {
    return this.entries()
  }

  /** The first value for which `fn` says yes, the most recently used first; it is then read as by {@link LRUCache.get}. */
  find(fn: (v: V, k: K, self: LRUCache<K, V, FC>) => boolean, getOptions: T.GetOptions<K, V, FC> = NO_OPTIONS): V | undefined {
    return findOne(this, this.#entries, fn, getOptions)
  }

  /** Calls `fn` for each entry, the most recently used first. */
  forEach(fn: (v: V, k: K, self: LRUCache<K, V, FC>) => unknown, thisp: unknown = this): void {
    visitAll(this, this.#entries, true, fn, thisp)
  }

  /** Calls `fn` for each entry, the least recently used first. */
  rforEach(fn: (v: V, k: K, self: LRUCache<K, V, FC>) => unknown, thisp: unknown = this): void {
    visitAll(this, this.#entries, false, fn, thisp)
  }

  #set(key: K, value: V | undefined, options: T.SetOptions<K, V, FC>): void {
    if (value !== undefined) this.#entries.put(key, value, options)
    else {
      if (options.status !== undefined) options.status.set = 'deleted'
      this.delete(key)
    }
  }

  #memo(key: K, memoOptions: T.MemoOptions<K, V, FC>, status: T.Status<K, V, FC> | undefined): V {
    const memoMethod = this.#memoMethod
    if (memoMethod === undefined) throw new Error('memo() needs a memoMethod')
    const { context, status: _, forceRefresh, ...options } = memoOptions
    if (status !== undefined && forceRefresh) status.forceRefresh = true
    const old = read(this, this.#entries, key, options, undefined)
    const refresh = forceRefresh || old === undefined
    if (status !== undefined) status.memo = refresh ? 'miss' : 'hit'
    if (!refresh) return old
    const value = memoMethod(key, old, { options, context: context as FC })
    if (status !== undefined) status.value = value
    this.#set(key, value, options)
    return value
  }

  async #forceFetch(key: K, options: T.FetchOptions<K, V, FC>, status: T.Status<K, V, FC> | undefined): Promise<V> {
    const value = await this.#fetches.fetch(key, options, status)
    if (value === undefined) throw new Error('fetch() gave undefined')
    return value
  }
}

/** The types of lru-cache, by its names for them. */
export declare namespace LRUCache {
  type Size = number
  type Milliseconds = number
  type Count = number
  type DisposeReason = T.DisposeReason
  type Disposer<K, V> = T.Disposer<K, V>
  type InsertReason = T.InsertReason
  type Inserter<K, V> = T.Inserter<K, V>
  type SizeCalculator<K, V> = T.SizeCalculator<K, V>
  type Status<K, V, FC = unknown> = T.Status<K, V, FC>
  type Entry<V> = T.Entry<V>
  type OptionsBase<K, V, FC> = T.OptionsBase<K, V, FC>
  type OptionsMaxLimit<K, V, FC> = T.OptionsMaxLimit<K, V, FC>
  type OptionsTTLLimit<K, V, FC> = T.OptionsTTLLimit<K, V, FC>
  type OptionsSizeLimit<K, V, FC> = T.OptionsSizeLimit<K, V, FC>
  type Options<K, V, FC> = T.Options<K, V, FC>
  type HasOptions<K, V, FC> = T.HasOptions<K, V, FC>
  type GetOptions<K, V, FC> = T.GetOptions<K, V, FC>
  type PeekOptions<K, V, FC> = T.PeekOptions<K, V, FC>
  type SetOptions<K, V, FC> = T.SetOptions<K, V, FC>
  type Fetcher<K, V, FC = unknown> = T.Fetcher<K, V, FC>
  type FetcherOptions<K, V, FC = unknown> = T.FetcherOptions<K, V, FC>
  type FetcherFetchOptions<K, V, FC = unknown> = T.FetcherFetchOptions<K, V, FC>
  type FetchOptions<K, V, FC> = T.FetchOptions<K, V, FC>
  type FetchOptionsWithContext<K, V, FC> = T.FetchOptionsWithContext<K, V, FC>
  type FetchOptionsNoContext<K, V, FC extends T.Nothing = undefined> = T.FetchOptionsNoContext<K, V, FC>
  type Memoizer<K, V, FC = unknown> = T.Memoizer<K, V, FC>
  type MemoizerOptions<K, V, FC = unknown> = T.MemoizerOptions<K, V, FC>
  type MemoizerMemoOptions<K, V, FC = unknown> = T.MemoizerMemoOptions<K, V, FC>
  type MemoOptions<K, V, FC = unknown> = T.MemoOptions<K, V, FC>
  type MemoOptionsWithContext<K, V, FC> = T.MemoOptionsWithContext<K, V, FC>
  type MemoOptionsNoContext<K, V, FC extends T.Nothing = undefined> = T.MemoOptionsNoContext<K, V, FC>
}
