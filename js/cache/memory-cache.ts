/**
 * The cache in memory: keys and values live here, by slot; the order of eviction and the wheel of expiry live in the
 * core, which learns of every change through one ordered log (laws L1 and L2).
 */

import { CacheCore } from '../core/cache-core.ts'
import { Alarm } from '../core/driver.ts'
import { ClosedError, InvalidArgumentError } from '../errors.ts'
import { durationMs, wholeNumber } from '../options.ts'
import { Departures } from './departures.ts'
import { reportMemoryCache } from './memory-metrics.ts'
import { type ResolvedMemoryOptions, resolveMemoryOptions } from './memory-options.ts'
import type { DisposeReason, MemoryCacheOptions, MemoryCacheStats, ReadonlyMemoryCache, SetOptions } from './types.ts'

/** Expired entries nobody asks for are cleared away at most this often; a read never serves them in between. */
const SWEEP_INTERVAL_MS = 1000
const NEVER = Number.POSITIVE_INFINITY

/**
 * Makes a synchronous cache in memory: exact LRU, TTL, limits in entries and in size.
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
export class MemoryCache<K, V> implements ReadonlyMemoryCache<K, V>, Disposable {
  readonly #options: ResolvedMemoryOptions<K, V>
  readonly #core: CacheCore
  readonly #departures: Departures<K, V> | undefined
  readonly #alarm: Alarm
  /** Nothing expires before this time; the earliest time may be later. */
  #nextExpiry = NEVER
  #nextSweep = 0
  #stopReporting: (() => void) | undefined
  #closed = false

  readonly #slots = new Map<K, number>()
  #keys: (K | undefined)[] = []
  #values: (V | undefined)[] = []
  /** Until when the entry in a slot may be served, on the driver's timeline. */
  #freshUntil = new Float64Array(64)
  #sizes: number[] = []
  #free: number[] = []
  #totalSize = 0

  #hits = 0
  #absent = 0
  #expiredReads = 0
  #sets = 0
  #deletes = 0
  #evictions = 0
  #expirations = 0
  #oversized = 0
  #traps = 0

  /** Not for users: {@link createMemoryCache} checks and completes the options. */
  constructor(options: ResolvedMemoryOptions<K, V>) {
    this.#options = options
    this.#core = new CacheCore(options.clock, () => this.#goCold())
    this.#departures = options.dispose === undefined ? undefined : new Departures(options.dispose)
    // A set alarm must not keep a cache alive that nobody else holds.
    const self = new WeakRef(this)
    this.#alarm = new Alarm(() => {
      const cache = self.deref()
      if (cache !== undefined) cache.#sweep()
    })
  }

  /** The number of entries, those included that have expired and not yet been cleared away. */
  get size(): number {
    return this.#slots.size
  }

  /** The value of `key`, which becomes the most recently used. */
  get(key: K): V | undefined {
    const slot = this.#slots.get(key)
    if (slot === undefined) {
      this.#absent += 1
      return undefined
    }
    const until = this.#freshUntil[slot] as number
    if (until !== NEVER && until <= this.#now()) {
      this.#expiredReads += 1
      this.#expire(slot)
      return undefined
    }
    this.#hits += 1
    const value = this.#values[slot]
    this.#core.touch(slot)
    return value
  }

  /** The value of `key`, without making it more recent and without counting. */
  peek(key: K): V | undefined {
    const slot = this.#slots.get(key)
    return slot === undefined || this.#isExpired(slot) ? undefined : this.#values[slot]
  }

  /** Whether `key` has a value, without making it more recent and without counting. */
  has(key: K): boolean {
    const slot = this.#slots.get(key)
    return slot !== undefined && !this.#isExpired(slot)
  }

  /**
   * Stores `value` under `key`, as the most recently used. False when it was refused for being larger than `maxSize`;
   * the old value is gone then, too, since it would no longer be true.
   *
   * Throws `ERR_INVALID_ARGUMENT` for an `undefined` value and for options that cannot be meant; nothing has changed then.
   */
  set(key: K, value: V, options?: SetOptions): boolean {
    if (this.#closed) throw new ClosedError('the cache')
    if (value === undefined) throw new InvalidArgumentError('value', 'anything but undefined, which means a miss', value)
    const ttl = options?.ttl === undefined ? this.#options.ttlMs : durationMs(options.ttl, 'ttl')
    const size = this.#options.weigh === undefined ? 0 : this.#weigh(key, value, options)
    const until = ttl === NEVER ? NEVER : this.#now() + ttl
    this.#sets += 1
    const slot = this.#slots.get(key)
    let stored = true
    if (size > this.#options.maxSize) {
      stored = this.#refuse(slot, key, value)
    } else if (slot === undefined) {
      this.#admit(key, value, until, size)
    } else {
      this.#replace(slot, value, until, size)
    }
    if (until < this.#nextExpiry && stored) this.#expectExpiry(until)
    this.#departures?.report()
    return stored
  }

  /** Removes `key`. Whether it had a value. */
  delete(key: K): boolean {
    const slot = this.#slots.get(key)
    if (slot === undefined) return false
    const expired = this.#isExpired(slot)
    if (expired) this.#expirations += 1
    else this.#deletes += 1
    this.#remove(slot, expired ? 'expire' : 'delete')
    this.#departures?.report()
    return !expired
  }

  /** Removes `key` and gives what it had. Counts as a read and as a removal. */
  take(key: K): V | undefined {
    const value = this.get(key)
    if (value !== undefined) this.delete(key)
    return value
  }

  /** The values of `keys`, in their order. */
  getMany(keys: Iterable<K>): (V | undefined)[] {
    return Array.from(keys, key => this.get(key))
  }

  /** Stores every entry; how many were stored. An invalid one throws, and those before it stay. */
  setMany(entries: Iterable<readonly [key: K, value: V, options?: SetOptions]>): number {
    let stored = 0
    for (const [key, value, options] of entries) if (this.set(key, value, options)) stored += 1
    return stored
  }

  /** Removes every key; how many had a value. */
  deleteMany(keys: Iterable<K>): number {
    let deleted = 0
    for (const key of keys) if (this.delete(key)) deleted += 1
    return deleted
  }

  /** Removes everything. Statistics stay. */
  clear(): void {
    if (this.#closed) return
    this.#deletes += this.#slots.size
    this.#empty('delete')
    this.#core.clear()
    this.#departures?.report()
  }

  /** The keys that have a value, in the order in which they came in. */
  *keys(): IterableIterator<K> {
    for (const [key] of this.entries()) yield key
  }

  /** The values, in the order in which their keys came in. */
  *values(): IterableIterator<V> {
    for (const [, value] of this.entries()) yield value
  }

  /** Keys and values, in the order in which the keys came in. Changing the cache meanwhile is allowed, as with a `Map`. */
  *entries(): IterableIterator<[K, V]> {
    for (const [key, slot] of this.#slots) if (!this.#isExpired(slot)) yield [key, this.#values[slot] as V]
  }

  [Symbol.iterator](): IterableIterator<[K, V]> {
    return this.entries()
  }

  /** What has happened so far. */
  stats(): MemoryCacheStats {
    const { max, maxSize, sizeUnit } = this.#options
    const misses = this.#absent + this.#expiredReads
    const reads = this.#hits + misses
    return {
      entries: this.#slots.size,
      size: this.#totalSize,
      max,
      maxSize,
      sizeUnit,
      hits: this.#hits,
      misses,
      missesByReason: { absent: this.#absent, expired: this.#expiredReads },
      hitRate: reads === 0 ? 0 : this.#hits / reads,
      sets: this.#sets,
      deletes: this.#deletes,
      evictions: this.#evictions,
      expirations: this.#expirations,
      oversized: this.#oversized,
      traps: this.#traps,
    }
  }

  /** Disposes of every entry and gives the memory back. Reads are misses from now on, `set` is `ERR_CLOSED`. */
  close(): void {
    if (this.#closed) return
    this.clear()
    this.#closed = true
    this.#stopReporting?.()
    this.#core.driver.set(this.#alarm, NEVER)
    this.#core.free()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** Not for users: `metrics` of {@link createMemoryCache}. */
  reportTo(registry: NonNullable<MemoryCacheOptions<K, V>['metrics']>): void {
    this.#stopReporting = reportMemoryCache(registry, this.#options.name, this)
  }

  /** Recounts everything and throws where the parts disagree. For tests. */
  validate(): void {
    const { max, maxSize } = this.#options
    let size = 0
    for (const [key, slot] of this.#slots) {
      if (!Object.is(this.#keys[slot], key) && !(this.#keys[slot] === 0 && key === 0)) throw new Error(`slot ${slot} does not hold its key`)
      if (this.#values[slot] === undefined) throw new Error(`slot ${slot} holds no value`)
      size += this.#sizes[slot] ?? 0
    }
    if (size !== this.#totalSize) throw new Error(`sizes add up to ${size}, not ${this.#totalSize}`)
    if (this.#slots.size > max || size > maxSize) throw new Error('a limit is exceeded')
    if (this.#slots.size + this.#free.length !== this.#keys.length) throw new Error('a slot is lost')
    if (!this.#closed && this.#core.count() !== this.#slots.size)
      throw new Error(`the core counts ${this.#core.count()} entries, not ${this.#slots.size}`)
  }

  #now(): number {
    const { driver } = this.#core
    return driver.stale ? driver.read() : driver.recent
  }

  #isExpired(slot: number): boolean {
    const until = this.#freshUntil[slot] as number
    return until !== NEVER && until <= this.#now()
  }

  #admit(key: K, value: V, until: number, size: number): void {
    let slot = -1
    while (this.#slots.size >= this.#options.max || this.#totalSize + size > this.#options.maxSize) {
      if (slot >= 0) this.#release(slot)
      slot = -1
      if (this.#clearedExpired()) continue
      slot = this.#evict()
      if (slot < 0) break
    }
    // The last victim's slot is taken over directly: in the log, an admission says that whatever was there is gone.
    if (slot < 0) slot = this.#free.pop() ?? this.#keys.length
    if (slot >= this.#freshUntil.length) this.#grow()
    this.#slots.set(key, slot)
    this.#write(slot, key, value, until, size)
    this.#core.admit(slot, until)
  }

  #replace(slot: number, value: V, until: number, size: number): void {
    const key = this.#keys[slot] as K
    this.#core.touch(slot)
    const growth = size - (this.#sizes[slot] ?? 0)
    while (this.#totalSize + growth > this.#options.maxSize) {
      if (this.#clearedExpired()) continue
      const victim = this.#evict()
      if (victim < 0) break
      this.#release(victim)
    }
    // Each word to the core may find a trap and empty the cache.
    if (this.#slots.get(key) !== slot) {
      this.#admit(key, value, until, size)
      return
    }
    const old = this.#values[slot] as V
    const oldUntil = this.#freshUntil[slot] as number
    if (oldUntil !== NEVER && oldUntil <= this.#now()) {
      this.#expirations += 1
      this.#departures?.note(old, key, 'expire')
    } else if (old !== value) this.#departures?.note(old, key, 'set')
    this.#write(slot, key, value, until, size)
    // The wheel only proposes, so a later end needs no word: the proposal at the old end is answered with the new one.
    if (until < oldUntil) this.#core.rearm(slot, until)
  }

  #refuse(slot: number | undefined, key: K, value: V): false {
    this.#oversized += 1
    if (slot !== undefined) this.#remove(slot, this.#isExpired(slot) ? 'expire' : 'set')
    this.#departures?.note(value, key, 'oversize')
    return false
  }

  #write(slot: number, key: K, value: V, until: number, size: number): void {
    this.#keys[slot] = key
    this.#values[slot] = value
    this.#freshUntil[slot] = until
    if (this.#options.weigh === undefined) return
    this.#totalSize += size - (this.#sizes[slot] ?? 0)
    this.#sizes[slot] = size
  }

  /** Takes the next victim's entry out and returns its slot, which the core still lists; -1 when there is no entry. */
  #evict(): number {
    const slot = this.#core.victim()
    if (slot < 0) return -1
    const expired = this.#isExpired(slot)
    if (expired) this.#expirations += 1
    else this.#evictions += 1
    this.#vacate(slot, expired ? 'expire' : 'evict')
    return slot
  }

  #expire(slot: number): void {
    this.#expirations += 1
    this.#remove(slot, 'expire')
    this.#departures?.report()
  }

  #remove(slot: number, reason: DisposeReason): void {
    this.#vacate(slot, reason)
    this.#release(slot)
  }

  /** Gives a vacated slot back. Free first: a trap found by the word to the core empties the list of free slots, too. */
  #release(slot: number): void {
    this.#free.push(slot)
    this.#core.remove(slot)
  }

  #vacate(slot: number, reason: DisposeReason): void {
    const key = this.#keys[slot] as K
    this.#departures?.note(this.#values[slot] as V, key, reason)
    this.#slots.delete(key)
    this.#keys[slot] = undefined
    this.#values[slot] = undefined
    if (this.#options.weigh === undefined) return
    this.#totalSize -= this.#sizes[slot] ?? 0
    this.#sizes[slot] = 0
  }

  #weigh(key: K, value: V, options: SetOptions | undefined): number {
    const given = options?.size
    return given === undefined
      ? wholeNumber(this.#options.weigh?.(value, key), 'sizeCalculation', { min: 0 })
      : wholeNumber(given, 'size', { min: 0 })
  }

  #grow(): void {
    const grown = new Float64Array(this.#freshUntil.length * 2)
    grown.set(this.#freshUntil)
    this.#freshUntil = grown
  }

  /** Whether room was made without a living entry paying for it: what has expired goes first, a slice at a time. */
  #clearedExpired(): boolean {
    if (this.#nextExpiry === NEVER || this.#nextExpiry > this.#now()) return false
    const before = this.#slots.size
    this.#clearExpired()
    return this.#slots.size < before || this.#nextExpiry <= this.#now()
  }

  /** Removes a slice of what has expired, at most 1024 entries, so that nothing else waits long. */
  #clearExpired(): void {
    const proposed = this.#core.expired()
    const now = this.#now()
    for (const slot of proposed) {
      if (this.#values[slot] === undefined) continue
      const until = this.#freshUntil[slot] as number
      if (until > now) this.#core.rearm(slot, until)
      else {
        this.#expirations += 1
        this.#remove(slot, 'expire')
      }
    }
    this.#nextExpiry = this.#core.nextExpiry()
  }

  #sweep(): void {
    this.#clearExpired()
    const now = this.#now()
    this.#nextSweep = this.#nextExpiry <= now ? now + 1 : now + SWEEP_INTERVAL_MS
    if (this.#nextExpiry !== NEVER) this.#expectExpiry(this.#nextExpiry)
    this.#departures?.report()
  }

  #expectExpiry(at: number): void {
    this.#nextExpiry = at
    this.#core.driver.set(this.#alarm, Math.max(at, this.#nextSweep))
  }

  /** A trap took the core's half: start again with nothing (law L7). */
  #goCold(): void {
    this.#traps += 1
    this.#empty('evict')
  }

  #empty(reason: DisposeReason): void {
    if (this.#departures !== undefined) for (const [key, slot] of this.#slots) this.#departures.note(this.#values[slot] as V, key, reason)
    this.#slots.clear()
    this.#keys = []
    this.#values = []
    this.#sizes = []
    this.#free = []
    this.#totalSize = 0
    this.#nextExpiry = NEVER
  }
}
