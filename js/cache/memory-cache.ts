/** The cache in memory, one key at a time: what is served to whom. What comes in and leaves is the business of its residents. */

import { CacheCore } from '../core/cache-core.ts'
import { ClosedError, InvalidArgumentError } from '../errors.ts'
import type { Registry } from '../metrics/registry.ts'
import { optionsObject, ratio, type Size, sizeInBytes } from '../options.ts'
import { Collection } from './collection.ts'
import { CurveDuty } from './curve-duty.ts'
import { reportAll } from './departures.ts'
import { countDoomed } from './doomed.ts'
import { Doubts } from './doubts.ts'
import { readDump } from './dump.ts'
import type { Entries } from './entries.ts'
import type { EntryDetail } from './entry-detail.ts'
import { Family, type Kin } from './family.ts'
import type { DoomMode } from './groups.ts'
import { askedSlot, guardOf } from './guarded.ts'
import type { Guard } from './guards.ts'
import { isPlain, lifeIn } from './intake.ts'
import { modeIn } from './invalidation.ts'
import { kinOf } from './kin.ts'
import { Lives } from './lives.ts'
import { textsIn } from './marks.ts'
import { memoryStats } from './memory-counts.ts'
import { tellHits } from './memory-events.ts'
import { reportMemoryCache } from './memory-metrics.ts'
import { mostEntries, type ResolvedMemoryOptions, resolveMemoryOptions, resolveNamespaceOptions } from './memory-options.ts'
import type {
  DumpedEntry,
  GetOptions,
  MemoryCacheEvents,
  MemoryCacheOptions,
  MemoryCacheStats,
  MissRatioCurve,
  NamespaceOptions,
  ReadonlyMemoryCache,
  SetOptions,
} from './memory-types.ts'
import type { MissCode } from './miss-counts.ts'
import { CurveWatch } from './miss-ratio-curve.ts'
import { NOTHING } from './pool.ts'
import { Residents } from './residents.ts'
import type { SlotMap } from './slot-map.ts'
import { SlotTable } from './slot-table.ts'
import { Witnesses } from './witnesses.ts'

const NEVER = Number.POSITIVE_INFINITY
const COPY = { isCopy: true }

/**
 * Makes a synchronous cache in memory: exact LRU or a policy that is cleverer, TTL, limits in entries and in size.
 *
 * ```ts
 * const users = createMemoryCache<string, User>({ max: 10_000, maxSize: '64mb', ttl: '5m' })
 * users.set('user:1', user, { ttl: '1m' })
 * users.get('user:1')
 * ```
 *
 * Throws `ERR_INVALID_ARGUMENT` for options that cannot be meant and `ERR_WASM_UNAVAILABLE` where the core cannot run.
 */
export function createMemoryCache<K, V>(options?: MemoryCacheOptions<K, V>): MemoryCache<K, V> {
  const cache = new MemoryCache<K, V>(resolveMemoryOptions(options))
  if (options?.metrics !== undefined) cache.reportTo(options.metrics)
  return cache
}

/** See {@link createMemoryCache}. A miss is `undefined`, which therefore cannot be stored; `null` is data. */
export class MemoryCache<K, V> extends Collection<K, V> implements ReadonlyMemoryCache<K, V>, Disposable {
  readonly #options: ResolvedMemoryOptions<K, V>
  readonly #core: CacheCore
  readonly #lives: Lives
  readonly #doubts: Doubts<K, V>
  readonly #witnesses: Witnesses<K, V>
  readonly #residents: Residents<K, V>
  /** Columns of theirs, at hand for hits. */
  readonly #slots: SlotMap<K>
  readonly #values: readonly (V | undefined)[]
  /** The life of an entry that is set without options, where chance has no say. */
  readonly #usualTtl: number
  /** The namespaces within this cache, made with the first thing that is done to all of them. */
  #family: Family<MemoryCache<K, V>> | undefined
  #curveDuty: CurveDuty | undefined
  #stopReporting: (() => void) | undefined

  /** Not for users: {@link createMemoryCache} checks and completes the options. */
  constructor(options: ResolvedMemoryOptions<K, V>, around?: Family<MemoryCache<K, V>>) {
    super()
    const core = new CacheCore(options.clock, { ...options, max: options.expected }, () => this.#residents.goCold())
    const table = new SlotTable<K, V>(new Lives(core.driver, options.idleMs), options.weigh !== undefined)
    const doubts = new Doubts<K, V>(core)
    const witnesses = new Witnesses(table.slots, options.dispose)
    this.#options = options
    this.#core = core
    this.#lives = table.lives
    this.#doubts = doubts
    this.#witnesses = witnesses
    this.#residents = new Residents(options, { core, table, doubts, witnesses })
    this.#slots = table.slots
    this.#values = table.values
    this.#usualTtl = Math.min(options.ttlMs, options.maxTtlMs)
    if (around === undefined) return
    this.#family = new Family(this, this.#kin(), around)
    this.#join(this.#family)
  }

  /** The number of entries, those included that have expired and not yet been cleared away. */
  get size(): number {
    return this.#doubts.hasDoomed ? this.#slots.size - countDoomed(this.#residents) : this.#slots.size
  }

  /**
   * The value of `key`, which becomes the most recently used. An entry past its time to live is a miss, unless
   * `allowStale` is set and it was stored with a `staleFor` that has not passed.
   */
  get(key: K, options?: GetOptions): V | undefined {
    const slot = this.#slots.get(key)
    if (slot === undefined) {
      this.#residents.missed = key
      this.#witnesses.missed(key)
      return undefined
    }
    return this.#core.hitTrusted(slot) ? this.#values[slot] : this.#getLooking(slot, key, options)
  }

  /** The value of `key`, without making it more recent and without counting. */
  peek(key: K, options?: GetOptions): V | undefined {
    const slot = this.#look(key)
    if (slot === undefined) return undefined
    const served = options?.allowStale === true ? !this.#lives.isGone(slot) : this.#lives.isFresh(slot)
    return served ? this.#values[slot] : undefined
  }

  /** Whether `key` has a value that is not stale, without making it more recent and without counting. */
  has(key: K): boolean {
    const slot = this.#look(key)
    return slot !== undefined && this.#lives.isFresh(slot)
  }

  /**
   * Stores `value` under `key`, as the most recently used. False when it was refused for being larger than `maxSize`;
   * the old value is gone then, too, since it would no longer be true.
   *
   * Throws `ERR_INVALID_ARGUMENT` for an `undefined` value and for options that cannot be meant; nothing has changed then.
   */
  set(key: K, value: V, options?: SetOptions<K>, detail?: EntryDetail<K, V>): boolean {
    const residents = this.#residents
    if (residents.isClosed) throw new ClosedError('the cache')
    if (value === undefined) throw new InvalidArgumentError('value', 'anything but undefined, which means a miss', value)
    if (detail === undefined && residents.isPlain) {
      if (options === undefined) return residents.putPlain(key, value, this.#usualTtl)
      if (isPlain(options)) return residents.putPlain(key, value, lifeIn(options, this.#options))
    }
    const stored = residents.put(key, value, options, detail)
    residents.reportAll()
    return stored
  }

  /** Not for users: a copy of what lies elsewhere comes in for `ttl` milliseconds. What was made from it stays. */
  bringIn(key: K, value: V, ttl: number): void {
    const residents = this.#residents
    if (residents.isPlain && !residents.isClosed) residents.putPlain(key, value, Math.min(ttl, this.#options.maxTtlMs))
    else this.set(key, value, { ttl }, COPY)
  }

  /** Not for users: what is known of the latest miss. */
  get lastMiss(): MissCode {
    return this.#witnesses.departed.last
  }

  /** Makes the entry of `key` stale as of now; without a `staleFor` that is the end of it. Whether it was fresh. */
  expire(key: K): boolean {
    const residents = this.#residents
    const slot = residents.find(key)
    const fresh = slot !== undefined && this.#lives.isFresh(slot)
    if (fresh) residents.age(slot)
    residents.sourceChanged(key)
    residents.reap()
    residents.report()
    return fresh
  }

  /**
   * Gives up every entry that was set with one of `tags`, in one step whatever their number: from now on no read finds
   * them, and they are cleared away in slices. With `mode: 'expire'` those with a `staleFor` stay for who takes them stale.
   */
  invalidateTags(tags: Iterable<string>, options?: { mode?: DoomMode }): void {
    this.#withNamespaces().giveUpTags(textsIn(tags, 'tags'), modeIn(options))
  }

  /** Removes `key`. Whether it had a value that was not stale. */
  delete(key: K): boolean {
    const residents = this.#residents
    residents.sourceChanged(key)
    const slot = residents.find(key)
    if (slot === undefined) {
      // A larger cache might have had it.
      this.#witnesses.curve?.gone(key)
      residents.reap()
      return false
    }
    const gone = this.#lives.isGone(slot)
    const fresh = this.#lives.isFresh(slot)
    if (gone) residents.counts.expirations += 1
    else residents.counts.deletes += 1
    residents.remove(slot, gone ? 'expire' : 'delete')
    residents.reap()
    residents.report()
    return fresh
  }

  /** Changes the limits; what no longer fits leaves, the least valuable first. Throws and changes nothing when a limit cannot be meant. */
  resize(limits: { max?: number; maxSize?: Size }): void {
    const { max, maxSize } = optionsObject(limits, 'limits')
    const residents = this.#residents
    if (residents.isClosed) throw new ClosedError('the cache')
    if (maxSize !== undefined && this.#options.weigh === undefined) {
      throw new InvalidArgumentError('maxSize', 'left out for a cache made without maxSize or sizeCalculation', maxSize)
    }
    residents.limits = {
      ...residents.limits,
      max: max === undefined ? residents.limits.max : mostEntries(max),
      maxSize: maxSize === undefined ? residents.limits.maxSize : sizeInBytes(maxSize, 'maxSize'),
    }
    this.#curveDuty = undefined
    this.#witnesses.curve?.resized(residents.limits, this.stats())
    residents.pool?.resized()
    residents.pool?.makeRoom(NOTHING)
    residents.makeRoom(0)
    residents.reportAll()
  }

  /**
   * Gives up a share, 0 to 1, of the entries and of their size: what has expired, then the least valuable. What left.
   * A share of 0 clears only what has expired. Each namespace gives up that share of its own.
   */
  trim(share: number): { entries: number; bytes: number } {
    ratio(share, 'share')
    if (this.#residents.isClosed) return { entries: 0, bytes: 0 }
    return this.#withNamespaces().trim(share)
  }

  /** The bytes of all entries together, those of namespaces too, where sizes are estimated; 0 where they are not counted or mean something else. */
  accountedBytes(): number {
    return this.#withNamespaces().bytes()
  }

  /**
   * Removes everything, from the namespaces too, in one step, whatever there is; but `dispose` and who listens to events are
   * told of each entry before it returns. Statistics stay.
   */
  clear(): void {
    this.#withNamespaces().clear()
  }

  /**
   * The namespace `name`, made at the first call: a cache of its own within this one, with keys, statistics, order of eviction and
   * options of its own. `max` and `maxSize` are its quota: over it, its own least valuable entry leaves. What this
   * cache may hold, it and its namespaces may hold together; when that is full, whichever holds most gives way.
   * `clear`, `close`, `trim`, `resize` and `invalidateTags` of this cache reach its namespaces, too; the other methods do not.
   *
   * ```ts
   * const cache = createMemoryCache({ maxSize: '64mb', ttl: '5m' })
   * const users = cache.namespace<string, User>('users', { maxSize: '16mb', ttl: '1h' })
   * users.set('1', user)
   * users.clear() // in one step, whatever it holds
   * ```
   *
   * Throws `ERR_INVALID_ARGUMENT` for options that cannot be meant, or others than those the namespace was made with.
   */
  namespace<L extends K = K, N extends V = V>(name: string, options?: NamespaceOptions<L, N>): MemoryCache<L, N> {
    const around = this as unknown as MemoryCache<L, N>
    return around.adopt(name, options, () => resolveNamespaceOptions(around.#options, name, options))
  }

  /** Not for users: {@link MemoryCache.namespace} with options that `resolve` completes. */
  adopt(name: string, given: object | undefined, resolve: () => ResolvedMemoryOptions<K, V>): MemoryCache<K, V> {
    if (this.#residents.isClosed) throw new ClosedError('the cache')
    const family = this.#withNamespaces()
    this.#join(family)
    return family.open(name, given, () => new MemoryCache(resolve(), family).#withNamespaces())
  }

  /** What has happened so far. */
  stats(): MemoryCacheStats {
    const { counts, limits, table } = this.#residents
    const absent = this.#witnesses.departed.counts.byReason()
    return memoryStats(counts, { entries: this.size, size: table.totalSize, hits: this.#core.hits, absent }, limits, this.#options)
  }

  /**
   * Replaces what is here by what was dumped; how many entries that are. Time that passed since the dump counts. The limits hold:
   * of too many, those stay that the policy keeps. Throws `ERR_INVALID_ARGUMENT`, and changes nothing, when one of them cannot be meant.
   */
  load(entries: Iterable<readonly [key: K, entry: DumpedEntry<K, V>]>): number {
    const residents = this.#residents
    if (residents.isClosed) throw new ClosedError('the cache')
    const loaded = readDump(entries, residents.wall())
    residents.discard()
    const sets = loaded.map(({ key, value, options, detail }) => ({ report: () => this.set(key, value, options, detail) }))
    // What `dispose` throws of one entry must not keep out the others.
    reportAll([residents, ...sets])
    return this.size
  }

  /**
   * Calls `listener` each time that `event` happens; the result ends that. `hit` and `miss` are told at the read, the others when the
   * change is complete, after `dispose`, in the order in which they happened: the listener may use the cache. What it throws is
   * reported as a warning (an `error` event in browsers) and harms nobody. Until somebody listens, events cost nothing.
   *
   * ```ts
   * const off = cache.on('evict', ({ key, value }) => console.log(`no room for ${key}`))
   * off()
   * ```
   */
  on<Name extends keyof MemoryCacheEvents<K, V>>(event: Name, listener: (event: MemoryCacheEvents<K, V>[Name]) => unknown): () => void {
    this.#residents.isPlain = false
    const listeners = this.#witnesses.listeners()
    const off = listeners.on(event, listener)
    tellHits(this, listeners)
    return () => {
      off()
      tellHits(this, listeners)
    }
  }

  /**
   * The hit rates that this cache would have with a quarter to four times its limits, estimated from a sample of its keys. Watching
   * begins with the first call, so make one early, and a second one when there has been traffic. Reads cost some 0.2 µs more while it watches; after
   * 100 000 reads, or 20 for each entry, it rests for 64 times as many, and the calls meanwhile tell what it saw. Namespaces are caches of their own. Throws `ERR_CLOSED` when the cache is closed.
   *
   * ```ts
   * cache.missRatioCurve()
   * // … an hour later
   * for (const { scale, max, hitRate } of cache.missRatioCurve().points) console.log(`${scale}x, ${max} entries: ${hitRate}`)
   * ```
   */
  missRatioCurve(): MissRatioCurve {
    const residents = this.#residents
    if (residents.isClosed) throw new ClosedError('the cache')
    const stats = this.stats()
    this.#curveDuty ??= new CurveDuty()
    return this.#curveDuty.ask(this.#witnesses, residents.limits, stats, this.#slots.size, () => {
      residents.isPlain = false
      const curve = new CurveWatch<K>(this.#core, residents.limits, stats)
      for (const [key, slot] of this.#slots) curve.written(key, slot, residents.table.sizeOf(slot), this.#lives.livesUntil(slot))
      return curve
    })
  }

  /** Disposes of every entry and gives the memory back, namespaces too. Reads are misses from now on, `set` is `ERR_CLOSED`. */
  close(): void {
    this.#withNamespaces().close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** Not for users: `metrics` of {@link createMemoryCache}. */
  reportTo(registry: Registry): void {
    this.#withNamespaces().registry = registry
    this.#stopReporting = reportMemoryCache(registry, this.#options.name, this)
  }

  /** Recounts everything and throws where the parts disagree. For tests. */
  validate(): void {
    this.#residents.validate()
    this.#family?.validate()
  }

  /** Not for users: see {@link Collection}. */
  get contents(): Entries<K, V> {
    return this.#residents
  }

  /** Not for users: what is to be asked about the fresh entry of `key` by the owner of this cache, before it is read. */
  guardOf(key: K): Guard<K, V> | undefined {
    return this.#doubts.guards.size === 0 ? undefined : guardOf(this.#residents, key)
  }

  /** The slot of `key`, for a reader, who gets neither what was given up nor what is not right any more. */
  #look(key: K): number | undefined {
    const slot = this.#slots.get(key)
    return slot === undefined || !this.#doubts.looksTwice ? slot : askedSlot(this.#residents, key)
  }

  #getLooking(found: number, key: K, options: GetOptions | undefined): V | undefined {
    const slot = this.#servedSlot(found, key, options)
    if (slot < 0) return undefined
    const value = this.#values[slot]
    this.#core.hit(slot)
    return value
  }

  /** The slot to serve `key` from, or -1; looks at everything that may have happened to the entry since it was stored. */
  #servedSlot(found: number, key: K, options: GetOptions | undefined): number {
    const slot = this.#doubts.looksTwice ? askedSlot(this.#residents, key) : found
    if (slot === undefined) {
      if (this.guardOf(key) === undefined) this.#witnesses.missed(key)
      return -1
    }
    const now = this.#lives.now()
    // The wheel counts in whole milliseconds: what it has filed may end up to one earlier.
    if (now < this.#residents.alarm.next - 1 && !this.#doubts.looksTwice && this.#lives.areSimple) {
      this.#core.trust()
      return slot
    }
    const until = this.#lives.freshUntil(slot)
    if (until !== NEVER && until <= now && !this.#servesStale(slot, options)) return -1
    this.#lives.prolong(slot)
    return slot
  }

  /** An entry past its time: whether this caller takes it all the same. Clears it away when nobody could. */
  #servesStale(slot: number, options: GetOptions | undefined): boolean {
    const { counts } = this.#residents
    const gone = this.#lives.isGone(slot)
    if (!gone && options?.allowStale === true) {
      counts.staleHits += 1
      return true
    }
    counts.expiredReads += 1
    const key = this.#residents.table.keyIn(slot)
    this.#witnesses.tooLate(key)
    if (gone) {
      counts.expirations += 1
      this.#residents.remove(slot, 'expire')
      this.#witnesses.report()
    }
    this.#witnesses.tellMiss(key, 'expired')
    return false
  }

  #withNamespaces(): Family<MemoryCache<K, V>> {
    this.#family ??= new Family(this, this.#kin())
    return this.#family
  }

  /** What its family has to know of this cache, and may do to it. */
  #kin(): Kin {
    return kinOf(this.#residents, this.#options, () => {
      if (this.#residents.isClosed) return
      this.#residents.close()
      this.#stopReporting?.()
      this.#family?.leave()
    })
  }

  /** Limits are shared from now on. */
  #join(family: Family<MemoryCache<K, V>>): void {
    this.#residents.isPlain = false
    this.#residents.pool = family.share()
  }
}
