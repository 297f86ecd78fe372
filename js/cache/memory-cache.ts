/**
 * The cache in memory: keys and values live here, by slot; the order of eviction and the wheel of expiry live in the
 * core, which learns of every change through one ordered log (laws L1 and L2).
 */

import { CacheCore } from '../core/cache-core.ts'
import { ClosedError, InvalidArgumentError } from '../errors.ts'
import type { Registry } from '../metrics/registry.ts'
import { durationMs, durationOrZeroMs, optionsObject, ratio, type Size, sizeInBytes, wholeNumber } from '../options.ts'
import { Collection } from './collection.ts'
import { CurveDuty } from './curve-duty.ts'
import { Departed } from './departed.ts'
import { Departures, reportAll } from './departures.ts'
import { countDoomed, judge, reapSlice } from './doomed.ts'
import { readDump } from './dump.ts'
import type { Entries } from './entries.ts'
import type { EntryDetail } from './entry-detail.ts'
import { ExpiryAlarm } from './expiry.ts'
import { Family, type Kin } from './family.ts'
import type { DoomMode } from './groups.ts'
import { askedSlot, guardFor, guardOf } from './guarded.ts'
import { checkValidation, type Guard } from './guards.ts'
import { modeIn } from './invalidation.ts'
import { keyHasher } from './key-hash.ts'
import { lifetime } from './lifetime.ts'
import { Listeners } from './listeners.ts'
import { FIRST_SLOTS, Lives } from './lives.ts'
import { texts, textsIn } from './marks.ts'
import { MemoryCounts, memoryStats } from './memory-counts.ts'
import { EVENTS, tellHits } from './memory-events.ts'
import { reportMemoryCache } from './memory-metrics.ts'
import { type Limits, mostEntries, type ResolvedMemoryOptions, resolveMemoryOptions, resolveNamespaceOptions } from './memory-options.ts'
import type {
  DisposeReason,
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
import { EXPIRED, type MissCode, reasonOf } from './miss-counts.ts'
import { CurveWatch } from './miss-ratio-curve.ts'
import { NOTHING, type Pool } from './pool.ts'
import { recount } from './recount.ts'
import { SlotMap } from './slot-map.ts'
import { Ties } from './ties.ts'

const NEVER = Number.POSITIVE_INFINITY
const COPY = { isCopy: true }
/** No key. */
const NO_KEY: unique symbol = Symbol('no key')

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
  /** What the core knows a key by; plain LRU needs nothing. */
  readonly #hash: ((key: K) => number) | undefined
  #departures: Departures<K, V> | undefined
  #listeners: Listeners<MemoryCacheEvents<K, V>> | undefined
  readonly #expiry: ExpiryAlarm<MemoryCache<K, V>>
  /** The life of an entry that is set without options; -1 where chance has a say. */
  readonly #usualTtl: number
  #limits: Limits
  #stopReporting: (() => void) | undefined
  /** Who shares limits: this cache, its namespaces, and the cache around it, where this is a namespace. */
  #pool: Pool | undefined
  /** The namespaces within this cache, made with the first thing that is done to all of them. */
  #family: Family<MemoryCache<K, V>> | undefined
  #closed = false
  /** Whether this cache was asked for no more than `max`, a policy and times to live, so that a `set` has little to look at. */
  #isPlain: boolean

  readonly #slots = new SlotMap<K>()
  #keys: (K | undefined)[] = blank()
  #values: (V | undefined)[] = blank()
  readonly #lives: Lives
  /** How many slots have ever been in use. */
  #used = 0
  /** The key that was last looked for in vain, unless one came in since. */
  #missed: K | typeof NO_KEY = NO_KEY
  /** What the owner of this cache wrote on entries. */
  #notes: unknown[] | undefined
  readonly #ties = new Ties<K>()
  #hasTies = false
  /** Whether entries that were given up are still here, so that every look at one has to ask. */
  #hasDoomed = false
  /** Those that have to be asked about, by slot. */
  readonly #guards = new Map<number, Guard<K, V>>()
  /** Whether there are any of either kind, so that every read has to look twice. */
  #looksTwice = false
  #sizes: number[] = []
  /** The first free slot, or -1. In place of its key it names the next one: a list of its own would grow while much expires, all at once. */
  #free = -1
  #totalSize = 0

  readonly #counts = new MemoryCounts()
  /** What others see of the entries, once one asks. */
  #contents: Entries<K, V> | undefined
  readonly #departed = new Departed<K>(this.#slots)
  #curve: CurveWatch<K> | undefined
  #curveDuty: CurveDuty | undefined

  /** Not for users: {@link createMemoryCache} checks and completes the options. */
  constructor(options: ResolvedMemoryOptions<K, V>, around?: Family<MemoryCache<K, V>>) {
    super()
    this.#options = options
    this.#core = new CacheCore(options.clock, { ...options, max: options.expected }, () => this.#goCold())
    this.#lives = new Lives(this.#core.driver, options.idleMs)
    this.#hash = options.policy === 'lru' ? undefined : keyHasher(options.seed)
    this.#departures = options.dispose === undefined ? undefined : new Departures(options.dispose)
    this.#usualTtl = options.jitterMs === 0 ? Math.min(options.ttlMs, options.maxTtlMs) : -1
    this.#limits = options
    this.#expiry = new ExpiryAlarm(this.#core.driver, options.cleanupIntervalMs, this)
    const { dispose, weigh, validate, idleMs } = options
    this.#isPlain =
      dispose === undefined &&
      weigh === undefined &&
      validate === undefined &&
      idleMs === NEVER &&
      this.#usualTtl >= 0 &&
      around === undefined
    if (around === undefined) return
    this.#family = new Family(this, this.#kin(), around)
    this.#pool = this.#family.share()
  }

  /** The number of entries, those included that have expired and not yet been cleared away. */
  get size(): number {
    return this.#hasDoomed ? this.#slots.size - countDoomed(this.contents) : this.#slots.size
  }

  /**
   * The value of `key`, which becomes the most recently used. An entry past its time to live is a miss, unless
   * `allowStale` is set and it was stored with a `staleFor` that has not passed.
   */
  get(key: K, options?: GetOptions): V | undefined {
    const slot = this.#slots.get(key)
    if (slot === undefined) {
      this.#missed = key
      this.#countMiss(key)
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
    if (this.#closed) throw new ClosedError('the cache')
    if (value === undefined) throw new InvalidArgumentError('value', 'anything but undefined, which means a miss', value)
    if (options === undefined && detail === undefined && this.#isPlain) return this.#setPlain(key, value, this.#usualTtl)
    let ttl = this.#usualTtl
    let staleFor = 0
    if (options !== undefined || ttl < 0) {
      optionsObject(options, 'options')
      ttl = lifetime(options?.ttl === undefined ? this.#options.ttlMs : durationMs(options.ttl, 'ttl'), this.#options)
      if (options?.staleFor !== undefined) staleFor = durationOrZeroMs(options.staleFor, 'staleFor')
      if (options?.tags !== undefined) texts(options.tags, 'tags')
      if (options?.dependsOn !== undefined) checkedList(options.dependsOn, 'dependsOn')
    }
    const isGuarded = options?.validate !== undefined || this.#options.validate !== undefined || detail?.guard !== undefined
    if (isGuarded && options !== undefined) checkValidation(options)
    const size = this.#options.weigh === undefined ? 0 : this.#weigh(key, value, options)
    let until = ttl === NEVER ? NEVER : this.#now() + ttl
    if (detail?.pastBy !== undefined) {
      until -= detail.pastBy
      this.#core.distrust()
    }
    this.#counts.sets += 1
    if (detail?.isCopy !== true) this.#sourceChanged(key)
    // Before this entry joins a group, so that what is given up now does not take it along.
    if (this.#hasDoomed) this.#reapSlice()
    const slot = key === this.#missed ? undefined : this.#find(key)
    if (detail !== undefined || staleFor > 0 || isGuarded || (options?.tags ?? options?.dependsOn) !== undefined) this.#isPlain = false
    let stored = true
    if (size > this.#limits.maxEntrySize || size > this.#limits.maxSize) {
      stored = this.#refuse(slot, key, value)
    } else {
      const end = until + staleFor
      const taken = slot === undefined ? this.#admit(key, value, until, end, size) : this.#replace(slot, key, value, until, end, size)
      this.#lives.keepStale(taken, staleFor)
      if (detail?.note !== undefined || this.#notes !== undefined) this.#annotate(taken, detail?.note)
      if (options !== undefined && (options.tags ?? options.dependsOn) !== undefined) {
        this.#hasTies = true
        this.#ties.join(taken, key, options)
      }
      if (isGuarded) this.#guard(taken, options, detail?.guard)
      this.#curve?.written(key, taken, size, end)
      if (this.#listeners !== undefined) this.#departures?.note(value, key, 'stored')
      if (end < this.#expiry.next) this.#expiry.expect(end)
    }
    if (this.#pool === undefined) this.#departures?.report()
    else this.#pool.report()
    return stored
  }

  /** Not for users: a copy of what lies elsewhere comes in for `ttl` milliseconds. What was made from it stays. */
  bringIn(key: K, value: V, ttl: number): void {
    if (this.#isPlain && !this.#closed) this.#setPlain(key, value, Math.min(ttl, this.#options.maxTtlMs))
    else this.set(key, value, { ttl }, COPY)
  }

  /** Not for users: what is known of the latest miss. */
  get lastMiss(): MissCode {
    return this.#departed.last
  }

  /** Makes the entry of `key` stale as of now; without a `staleFor` that is the end of it. Whether it was fresh. */
  expire(key: K): boolean {
    const slot = this.#find(key)
    const fresh = slot !== undefined && this.#lives.isFresh(slot)
    if (fresh) this.#age(slot)
    this.#sourceChanged(key)
    this.#reapSlice()
    this.#departures?.report()
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
    this.#sourceChanged(key)
    const slot = this.#find(key)
    if (slot === undefined) {
      // A larger cache might have had it.
      this.#curve?.gone(key)
      this.#reapSlice()
      return false
    }
    const gone = this.#lives.isGone(slot)
    const fresh = this.#lives.isFresh(slot)
    if (gone) this.#counts.expirations += 1
    else this.#counts.deletes += 1
    this.#remove(slot, gone ? 'expire' : 'delete')
    this.#reapSlice()
    this.#departures?.report()
    return fresh
  }

  /** Changes the limits; what no longer fits leaves, the least valuable first. Throws and changes nothing when a limit cannot be meant. */
  resize(limits: { max?: number; maxSize?: Size }): void {
    const { max, maxSize } = optionsObject(limits, 'limits')
    if (this.#closed) throw new ClosedError('the cache')
    if (maxSize !== undefined && this.#options.weigh === undefined) {
      throw new InvalidArgumentError('maxSize', 'left out for a cache made without maxSize or sizeCalculation', maxSize)
    }
    this.#limits = {
      ...this.#limits,
      max: max === undefined ? this.#limits.max : mostEntries(max),
      maxSize: maxSize === undefined ? this.#limits.maxSize : sizeInBytes(maxSize, 'maxSize'),
    }
    this.#curveDuty = undefined
    this.#curve?.resized(this.#limits, this.stats())
    this.#pool?.resized()
    this.#pool?.makeRoom(NOTHING)
    while (this.#isOver(0, 0)) {
      if (this.#clearedExpired()) continue
      const victim = this.#evict()
      if (victim < 0) break
      this.#release(victim)
    }
    if (this.#pool === undefined) this.#departures?.report()
    else this.#pool.report()
  }

  /**
   * Gives up a share, 0 to 1, of the entries and of their size: what has expired, then the least valuable. What left.
   * A share of 0 clears only what has expired. Each namespace gives up that share of its own.
   */
  trim(share: number): { entries: number; bytes: number } {
    ratio(share, 'share')
    if (this.#closed) return { entries: 0, bytes: 0 }
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
    if (this.#closed) throw new ClosedError('the cache')
    this.#isPlain = false
    const family = this.#withNamespaces()
    this.#pool = family.share()
    return family.open(name, given, () => new MemoryCache(resolve(), family).#withNamespaces())
  }

  /** What has happened so far. */
  stats(): MemoryCacheStats {
    const state = { entries: this.size, size: this.#totalSize, hits: this.#core.hits, absent: this.#departed.counts.byReason() }
    return memoryStats(this.#counts, state, this.#limits, this.#options)
  }

  /**
   * Replaces what is here by what was dumped; how many entries that are. Time that passed since the dump counts. The limits hold:
   * of too many, those stay that the policy keeps. Throws `ERR_INVALID_ARGUMENT`, and changes nothing, when one of them cannot be meant.
   */
  load(entries: Iterable<readonly [key: K, entry: DumpedEntry<K, V>]>): number {
    if (this.#closed) throw new ClosedError('the cache')
    const loaded = readDump(entries, this.#options.clock.wall())
    this.#discard()
    const sets = loaded.map(({ key, value, options, detail }) => ({ report: () => this.set(key, value, options, detail) }))
    // What `dispose` throws of one entry must not keep out the others.
    reportAll([{ report: () => this.#departures?.report() }, ...sets])
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
    this.#isPlain = false
    this.#listeners ??= new Listeners(EVENTS)
    const off = this.#listeners.on(event, listener)
    this.#departures ??= new Departures(undefined)
    this.#departures.listeners = this.#listeners
    tellHits(this, this.#listeners)
    return () => {
      off()
      tellHits(this, this.#listeners)
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
    if (this.#closed) throw new ClosedError('the cache')
    const stats = this.stats()
    const reads = stats.hits + stats.misses
    this.#curveDuty ??= new CurveDuty()
    if (this.#curve === undefined) {
      const known = this.#curveDuty.resting(reads)
      if (known !== undefined) return known
      this.#isPlain = false
      this.#curve = new CurveWatch(this.#core, this.#limits, stats)
      for (const [key, slot] of this.#slots) this.#curve.written(key, slot, this.#sizes[slot] ?? 0, this.#lives.livesUntil(slot))
    }
    const { best, rests } = this.#curveDuty.judge(this.#curve.read(this.#limits, stats), reads, this.#slots.size)
    if (rests) {
      this.#curve.free()
      this.#curve = undefined
    }
    return best
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
    recount({
      slots: this.#slots,
      keys: this.#keys,
      values: this.#values,
      sizes: this.#sizes,
      totalSize: this.#totalSize,
      limits: this.#limits,
      firstFree: this.#free,
      used: this.#used,
      countInCore: () => (this.#closed ? undefined : this.#core.count()),
    })
    this.#family?.validate()
  }

  /** Not for users: see {@link Collection}. */
  get contents(): Entries<K, V> {
    this.#contents ??= {
      slots: this.#slots,
      ties: this.#ties,
      guards: this.#guards,
      counts: this.#counts,
      now: () => this.#now(),
      wall: () => this.#options.clock.wall(),
      find: key => this.#find(key),
      keyIn: slot => this.#keys[slot] as K,
      valueIn: slot => this.#values[slot],
      noteOn: slot => this.#notes?.[slot],
      freshUntil: slot => this.#lives.freshUntil(slot),
      livesUntil: slot => this.#lives.livesUntil(slot),
      staleFor: slot => this.#lives.staleFor(slot),
      sizeOf: slot => (this.#options.weigh === undefined ? undefined : (this.#sizes[slot] ?? 0)),
      isFresh: slot => this.#lives.isFresh(slot),
      isGone: slot => this.#lives.isGone(slot),
      ranked: (n, hottest) => (this.#closed ? [] : this.#core.ranked(n, hottest)),
      annotate: (slot, note) => this.#annotate(slot, note),
      sourceChanged: key => this.#sourceChanged(key),
      age: slot => this.#age(slot),
      remove: (slot, reason) => this.#remove(slot, reason),
      doomed: has => this.#setDoomed(has),
      expect: at => this.#expiry.expect(at),
      report: () => this.#departures?.report(),
    }
    return this.#contents
  }

  #now(): number {
    return this.#lives.now()
  }

  /** The slot of `key`, for a reader, who gets neither what was given up nor what is not right any more. */
  #look(key: K): number | undefined {
    const slot = this.#slots.get(key)
    return slot === undefined || !this.#looksTwice ? slot : askedSlot(this.contents, key)
  }

  /** Not for users: what is to be asked about the fresh entry of `key` by the owner of this cache, before it is read. */
  guardOf(key: K): Guard<K, V> | undefined {
    return this.#guards.size === 0 ? undefined : guardOf(this.contents, key)
  }

  #guard(slot: number, options: SetOptions<K> | undefined, guard: Guard<K, V> | undefined): void {
    const taken = guardFor(guard, options, this.#options)
    if (taken === undefined) return
    this.#guards.set(slot, taken)
    this.#looksTwice = true
    this.#core.distrust()
  }

  #setDoomed(has: boolean): void {
    this.#hasDoomed = has
    this.#looksTwice = has || this.#guards.size > 0
    if (this.#looksTwice) this.#core.distrust()
  }

  /** The slot of `key`, unless its entry was given up. */
  #find(key: K): number | undefined {
    const slot = this.#slots.get(key)
    return slot === undefined || !this.#hasDoomed ? slot : judge(this.contents, slot)
  }

  /** What was made from `key` is true no longer. */
  #sourceChanged(key: K): void {
    if (this.#hasTies && this.#ties.sourceChanged(key)) this.#setDoomed(true)
  }

  #reapSlice(): void {
    if (this.#hasTies) reapSlice(this.contents)
    else if (this.#looksTwice) this.#setDoomed(false)
  }

  /** The end of an entry's freshness, which may be its end altogether. */
  #age(slot: number): void {
    const now = this.#now()
    const end = now + this.#lives.staleFor(slot)
    if (end <= now) {
      this.#counts.expirations += 1
      this.#remove(slot, 'expire')
      return
    }
    this.#lives.age(slot, now)
    this.#core.distrust()
    this.#core.arm(slot, end)
    this.#expiry.expect(end)
  }

  #countMiss(key: K): void {
    this.#departed.missed(key)
    this.#listeners?.emit('miss', { key, reason: reasonOf(this.#departed.last) })
    this.#curve?.missed(key)
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
    const slot = this.#looksTwice ? askedSlot(this.contents, key) : found
    if (slot === undefined) {
      if (this.guardOf(key) === undefined) this.#countMiss(key)
      return -1
    }
    const now = this.#now()
    // The wheel counts in whole milliseconds: what it has filed may end up to one earlier.
    if (now < this.#expiry.next - 1 && !this.#looksTwice && this.#lives.areSimple) {
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
    const gone = this.#lives.isGone(slot)
    if (!gone && options?.allowStale === true) {
      this.#counts.staleHits += 1
      return true
    }
    this.#counts.expiredReads += 1
    const key = this.#keys[slot] as K
    this.#departed.last = EXPIRED
    this.#curve?.expired(key)
    if (gone) this.#expire(slot)
    this.#listeners?.emit('miss', { key, reason: 'expired' })
    return false
  }

  #isOver(entries: number, size: number): boolean {
    return this.#slots.size + entries > this.#limits.max || this.#totalSize + size > this.#limits.maxSize
  }

  /** What `set` comes down to in a plain cache. A newcomer takes over the slot of its victim, which need not be emptied before. */
  #setPlain(key: K, value: V, ttl: number): true {
    const now = this.#now()
    const until = now + ttl
    this.#counts.sets += 1
    const known = key === this.#missed ? undefined : this.#slots.get(key)
    if (known !== undefined) this.#replace(known, key, value, until, until, 0)
    else {
      const isFull = this.#slots.size >= this.#limits.max
      const slot = isFull && this.#expiry.next > now ? this.#core.victim() : -1
      if (slot < 0) this.#admit(key, value, until, until, 0)
      else {
        const victim = this.#keys[slot] as K
        const isGone = this.#lives.freshUntil(slot) <= now
        if (isGone) this.#counts.expirations += 1
        else this.#counts.evictions += 1
        this.#slots.delete(victim)
        this.#departed.note(victim, isGone ? 'expire' : 'evict')
        this.#moveIn(slot, key, value, until, until, 0)
      }
    }
    if (until < this.#expiry.next) this.#expiry.expect(until)
    return true
  }

  /** Makes room and stores a new entry; the slot it got. */
  #admit(key: K, value: V, until: number, end: number, size: number): number {
    this.#pool?.makeRoom({ entries: 1, size })
    let slot = -1
    while (this.#isOver(1, size)) {
      if (slot >= 0) this.#release(slot)
      slot = -1
      if (this.#clearedExpired()) continue
      slot = this.#evict()
      if (slot < 0) break
    }
    // The last victim's slot is taken over directly: in the log, an admission says that whatever was there is gone.
    if (slot < 0) slot = this.#vacantSlot()
    this.#moveIn(slot, key, value, until, end, size)
    return slot
  }

  /** Writes a new entry into a slot that nobody else has a key for. */
  #moveIn(slot: number, key: K, value: V, until: number, end: number, size: number): void {
    const proposedBy = this.#lives.end(slot)
    this.#slots.set(key, slot)
    this.#departed.returned(key)
    this.#missed = NO_KEY
    this.#write(slot, key, value, until, size)
    const wheelTime = this.#wheelTime(slot, end)
    const news = wheelTime < proposedBy ? wheelTime : NEVER
    if (this.#hash === undefined) this.#core.admit(slot, news)
    else this.#core.admitHashed(slot, news, this.#hash(key))
  }

  #replace(slot: number, key: K, value: V, until: number, end: number, size: number): number {
    this.#curve?.overwrites()
    this.#core.touch(slot)
    const growth = size - (this.#sizes[slot] ?? 0)
    if (this.#pool !== undefined) this.#makeRoomBeside(slot, key, growth)
    while (this.#isOver(0, growth)) {
      if (this.#clearedExpired()) continue
      const victim = this.#evict()
      if (victim < 0) break
      this.#release(victim)
    }
    // Each word to the core may find a trap and empty the cache; the entry itself may have expired just now.
    if (this.#slots.get(key) !== slot) return this.#admit(key, value, until, end, size)
    const old = this.#values[slot] as V
    const oldEnd = this.#lives.end(slot)
    if (oldEnd !== NEVER && oldEnd <= this.#now()) {
      this.#counts.expirations += 1
      this.#departures?.note(old, key, 'expire')
    } else if (old !== value) this.#departures?.note(old, key, 'set')
    if (this.#hasTies) this.#ties.leave(slot)
    if (this.#guards.size > 0) this.#guards.delete(slot)
    this.#write(slot, key, value, until, size)
    // The wheel only proposes, so a later end needs no word: the proposal at the old end is answered with the new one.
    const wheelTime = this.#wheelTime(slot, end)
    if (wheelTime < oldEnd) this.#core.arm(slot, wheelTime)
    return slot
  }

  /** When the wheel shall propose an entry: at its end, or when it may have idled too long. */
  #wheelTime(slot: number, end: number): number {
    if (this.#options.idleMs === NEVER) return end
    const idleEnd = this.#lives.idle(slot, end)
    this.#expiry.expect(idleEnd)
    return idleEnd
  }

  #refuse(slot: number | undefined, key: K, value: V): false {
    this.#counts.oversized += 1
    if (slot !== undefined) this.#remove(slot, this.#lives.isGone(slot) ? 'expire' : 'set')
    this.#departures?.note(value, key, 'oversize')
    return false
  }

  #write(slot: number, key: K, value: V, until: number, size: number): void {
    this.#keys[slot] = key
    this.#values[slot] = value
    this.#lives.begin(slot, until)
    if (this.#options.weigh === undefined) return
    this.#totalSize += size - (this.#sizes[slot] ?? 0)
    this.#sizes[slot] = size
  }

  #annotate(slot: number, note: unknown): void {
    this.#isPlain = false
    this.#notes ??= []
    while (this.#notes.length < slot) this.#notes.push(undefined)
    this.#notes[slot] = note
  }

  /** Takes the next victim's entry out and returns its slot, which the core still lists; -1 when there is no entry. */
  #evict(): number {
    const slot = this.#core.victim()
    if (slot < 0) return -1
    const gone = this.#lives.isGone(slot)
    if (gone) this.#counts.expirations += 1
    else {
      this.#counts.evictions += 1
      if (this.#slots.size < this.#limits.max) this.#counts.evictedForSize += 1
    }
    this.#vacate(slot, gone ? 'expire' : 'evict')
    return slot
  }

  #expire(slot: number): void {
    this.#counts.expirations += 1
    this.#remove(slot, 'expire')
    this.#departures?.report()
  }

  #remove(slot: number, reason: DisposeReason): void {
    this.#vacate(slot, reason)
    this.#release(slot)
  }

  /** Gives a vacated slot back. Free first: a trap found by the word to the core empties the list of free slots, too. */
  #release(slot: number): void {
    this.#keys[slot] = this.#free as K
    this.#free = slot
    this.#core.remove(slot)
  }

  #vacate(slot: number, reason: DisposeReason): void {
    const key = this.#keys[slot] as K
    this.#departures?.note(this.#values[slot] as V, key, reason)
    if (this.#hasTies) this.#ties.leave(slot)
    if (this.#guards.size > 0) this.#guards.delete(slot)
    this.#slots.delete(key)
    this.#departed.note(key, reason)
    if (reason !== 'evict') this.#curve?.gone(key)
    this.#keys[slot] = undefined
    this.#values[slot] = undefined
    if (this.#notes !== undefined) this.#notes[slot] = undefined
    if (this.#options.weigh === undefined) return
    this.#totalSize -= this.#sizes[slot] ?? 0
    this.#sizes[slot] = 0
  }

  #weigh(key: K, value: V, options: SetOptions<K> | undefined): number {
    const given = options?.size
    return given === undefined
      ? wholeNumber(this.#options.weigh?.(value, key), 'sizeCalculation', { min: 0 })
      : wholeNumber(given, 'size', { min: 0 })
  }

  #vacantSlot(): number {
    const slot = this.#free
    if (slot >= 0) {
      this.#free = this.#keys[slot] as number
      return slot
    }
    if (this.#used === this.#lives.room) this.#grow()
    this.#used += 1
    return this.#used - 1
  }

  /** Doubles the columns, but to no more slots than there may be. */
  #grow(): void {
    const room = Math.max(this.#used + 1, Math.min(this.#used * 2, this.#limits.max))
    this.#keys.length = room
    this.#values.length = room
    this.#lives.grow(room)
  }

  /** Whether room was made without a living entry paying for it: what has expired goes first, a slice at a time. */
  #clearedExpired(): boolean {
    if (this.#hasDoomed) {
      this.#reapSlice()
      return true
    }
    if (this.#expiry.next === NEVER || this.#expiry.next > this.#now()) return false
    const before = this.#slots.size
    this.#clearExpired()
    return this.#slots.size < before || this.#expiry.next <= this.#now()
  }

  /** Removes a slice of what has expired, at most 1024 entries, so that nothing else waits long. */
  #clearExpired(): void {
    const proposed = this.#core.expired()
    const now = this.#now()
    for (const slot of proposed) {
      const end = this.#lives.end(slot)
      if (this.#values[slot] !== undefined) {
        if (end > now) {
          if (end !== NEVER) this.#core.arm(slot, end)
          continue
        }
        this.#counts.expirations += 1
        this.#remove(slot, 'expire')
      }
      // The wheel has forgotten the slot.
      this.#lives.forget(slot)
    }
    this.#expiry.cleared(this.#core.nextExpiry())
  }

  /** Not for users: what the alarm of expiry does. */
  sweep(): void {
    if (this.#closed) return
    this.#clearExpired()
    this.#reapSlice()
    this.#expiry.swept(this.#now(), this.#hasDoomed)
    this.#departures?.report()
  }

  #giveWay(): void {
    const victim = this.#evict()
    if (victim >= 0) this.#release(victim)
  }

  #shrink(share: number): void {
    while (this.#clearedExpired()) {}
    const [entries, size] = [this.#slots.size * (1 - share), this.#totalSize * (1 - share)]
    while (this.#slots.size > entries || this.#totalSize > size) {
      const victim = this.#evict()
      if (victim < 0) break
      this.#release(victim)
    }
  }

  #withNamespaces(): Family<MemoryCache<K, V>> {
    this.#family ??= new Family(this, this.#kin())
    return this.#family
  }

  /** What its family has to know of this cache, and may do to it. */
  #kin(): Kin {
    return {
      limits: () => this.#limits,
      entries: () => this.#slots.size,
      size: () => this.#totalSize,
      bytes: () => (this.#options.sizeUnit === 'estimated bytes' ? this.#totalSize : 0),
      allow: largest => {
        this.#limits = { ...this.#limits, maxEntrySize: Math.min(this.#options.maxEntrySize, largest) }
      },
      clearedExpired: () => this.#clearedExpired(),
      giveWay: () => this.#counts.evictedFor('evictedForQuota', () => this.#giveWay()),
      shrink: share => this.#counts.evictedFor('evictedForMemory', () => this.#shrink(share)),
      giveUpTags: (tags, mode) => this.#ties.giveUpTags(tags, mode),
      reap: () => this.#reapSlice(),
      discard: () => this.#discard(),
      end: () => this.#end(),
      report: () => this.#departures?.report(),
    }
  }

  #makeRoomBeside(slot: number, key: K, size: number): void {
    const replaced = { entries: 1, size: this.#sizes[slot] ?? 0, isThere: () => this.#slots.get(key) === slot }
    this.#pool?.makeRoom({ entries: 0, size }, replaced)
  }

  #discard(): void {
    if (this.#closed) return
    this.#counts.deletes += this.#slots.size
    this.#empty('delete')
    this.#core.clear()
  }

  #end(): void {
    if (this.#closed) return
    this.#counts.deletes += this.#slots.size
    this.#empty('delete')
    this.#closed = true
    this.#stopReporting?.()
    this.#core.free()
    this.#curve?.free()
    this.#curve = undefined
    this.#family?.leave()
  }

  /** A trap took the core's half: start again with nothing (law L7). */
  #goCold(): void {
    this.#counts.traps += 1
    this.#empty('evict')
  }

  #empty(reason: DisposeReason): void {
    if (this.#departures !== undefined) for (const [key, slot] of this.#slots) this.#departures.note(this.#values[slot] as V, key, reason)
    this.#slots.clear()
    this.#departed.clear()
    this.#curve?.cleared()
    this.#keys = blank()
    this.#values = blank()
    this.#lives.clear()
    this.#used = 0
    this.#core.distrust()
    this.#notes = undefined
    this.#sizes = []
    this.#free = -1
    this.#totalSize = 0
    this.#ties.clear()
    this.#hasTies = false
    this.#guards.clear()
    this.#setDoomed(false)
    this.#expiry.clear()
  }
}

/** Room for the first slots, in an array of the one kind that holds anything, so that all caches run the same code. */
function blank(): undefined[] {
  return new Array<undefined>(FIRST_SLOTS).fill(undefined)
}

/** A string is iterable, too, and never meant as a list of its characters. */
function checkedList(list: unknown, name: string): void {
  if (!Array.isArray(list)) throw new InvalidArgumentError(name, 'an array', list)
}
