/**
 * The entries of a memory cache: they come in, are overwritten and leave here. Keys and values live in a table by slot; the order of
 * eviction and the wheel of expiry live in the core, which learns of every change through one ordered log (laws L1 and L2).
 */

import type { CacheCore } from '../core/cache-core.ts'
import type { Departed } from './departed.ts'
import { judge } from './doomed.ts'
import type { Doubts } from './doubts.ts'
import type { Entries } from './entries.ts'
import type { EntryDetail } from './entry-detail.ts'
import { ExpiryAlarm } from './expiry.ts'
import type { Guard } from './guards.ts'
import { guardIn, hasTies, lifeIn, sizeIn, staleForIn } from './intake.ts'
import { keyHasher } from './key-hash.ts'
import type { Lives } from './lives.ts'
import { MemoryCounts } from './memory-counts.ts'
import type { Limits, ResolvedMemoryOptions } from './memory-options.ts'
import type { DisposeReason, SetOptions } from './memory-types.ts'
import type { Pool } from './pool.ts'
import { recount } from './recount.ts'
import type { SlotMap } from './slot-map.ts'
import type { SlotTable } from './slot-table.ts'
import { Sweeping } from './sweeping.ts'
import type { Ties } from './ties.ts'
import type { Witnesses } from './witnesses.ts'

const NEVER = Number.POSITIVE_INFINITY
/** No key. */
const NO_KEY: unique symbol = Symbol('no key')

/** What the entries of one cache live by. */
interface Surroundings<K, V> {
  readonly core: CacheCore
  readonly table: SlotTable<K, V>
  readonly doubts: Doubts<K, V>
  readonly witnesses: Witnesses<K, V>
}

/** See the top of this file. */
export class Residents<K, V> implements Entries<K, V> {
  readonly slots: SlotMap<K>
  readonly table: SlotTable<K, V>
  readonly counts = new MemoryCounts()
  readonly ties: Ties<K>
  readonly guards: Map<number, Guard<K, V>>
  limits: Limits
  /** Who shares limits: this cache, its namespaces, and the cache around it, where this is a namespace. */
  pool: Pool | undefined
  isClosed = false
  /** Whether the cache was asked for no more than `max`, a policy and times to live, so that a `set` has little to look at. */
  isPlain: boolean
  /** The key that was last looked for in vain, unless one came in since. */
  missed: K | typeof NO_KEY = NO_KEY
  readonly alarm: ExpiryAlarm
  readonly #options: ResolvedMemoryOptions<K, V>
  readonly #core: CacheCore
  readonly lives: Lives
  readonly #doubts: Doubts<K, V>
  readonly #witnesses: Witnesses<K, V>
  readonly #departed: Departed<K>
  readonly #sweeping: Sweeping<K, V>
  /** What the core knows a key by; plain LRU needs nothing. */
  readonly #hash: ((key: K) => number) | undefined

  constructor(options: ResolvedMemoryOptions<K, V>, { core, table, doubts, witnesses }: Surroundings<K, V>) {
    this.#options = options
    this.table = table
    this.slots = table.slots
    this.limits = options
    this.ties = doubts.ties
    this.guards = doubts.guards
    this.isPlain = isPlain(options)
    this.#core = core
    this.lives = table.lives
    this.#doubts = doubts
    this.#witnesses = witnesses
    this.#departed = witnesses.departed
    this.#hash = options.policy === 'lru' ? undefined : keyHasher(options.seed)
    this.alarm = new ExpiryAlarm(core.driver, options.cleanupIntervalMs, this)
    this.#sweeping = new Sweeping(this, doubts, core, table.lives, this.alarm)
  }

  /** What `set` comes down to in a plain cache. */
  putPlain(key: K, value: V, ttl: number): true {
    const now = this.lives.now()
    const until = now + ttl
    this.counts.sets += 1
    const known = key === this.missed ? undefined : this.slots.get(key)
    if (known !== undefined) this.#overwrite(known, key, value, now, until)
    else {
      const isFull = this.slots.size >= this.limits.max
      const slot = isFull && this.alarm.next > now ? this.#core.victim() : -1
      if (slot < 0) this.#admit(key, value, until, until, 0)
      else this.#takeOver(slot, key, value, now, until)
    }
    if (until < this.alarm.next) this.alarm.expect(until)
    return true
  }

  /** Stores a value; false when it was refused for its size. Throws, and has changed nothing, for options that cannot be meant. */
  put(key: K, value: V, options: SetOptions<K> | undefined, detail: EntryDetail<K, V> | undefined): boolean {
    const ttl = lifeIn(options, this.#options)
    const staleFor = staleForIn(options)
    const isTied = hasTies(options)
    const guard = guardIn(options, detail, this.#options)
    const size = sizeIn(options, key, value, this.#options)
    let until = ttl === NEVER ? NEVER : this.lives.now() + ttl
    if (detail?.pastBy !== undefined) {
      until -= detail.pastBy
      this.#core.distrust()
    }
    this.counts.sets += 1
    if (detail?.isCopy !== true) this.sourceChanged(key)
    // Before this entry joins a group, so that what is given up now does not take it along.
    if (this.#doubts.hasDoomed) this.reap()
    const slot = key === this.missed ? undefined : this.find(key)
    if (detail !== undefined || staleFor > 0 || guard !== undefined || isTied) this.isPlain = false
    if (size > this.limits.maxEntrySize || size > this.limits.maxSize) return this.#refuse(slot, key, value)
    const end = until + staleFor
    const taken = slot === undefined ? this.#admit(key, value, until, end, size) : this.#replace(slot, key, value, until, end, size)
    this.lives.keepStale(taken, staleFor)
    if (detail?.note !== undefined || this.table.hasNotes) this.annotate(taken, detail?.note)
    if (isTied) this.#doubts.tie(taken, key, options)
    if (guard !== undefined) this.#doubts.guard(taken, guard)
    this.#witnesses.curve?.written(key, taken, size, end)
    this.#witnesses.stored(key, value)
    if (end < this.alarm.next) this.alarm.expect(end)
    return true
  }

  wall(): number {
    return this.#options.clock.wall()
  }

  /** The slot of `key`, unless its entry was given up. */
  find(key: K): number | undefined {
    const slot = this.slots.get(key)
    return slot === undefined || !this.#doubts.hasDoomed ? slot : judge(this, slot)
  }

  ranked(n: number, hottest: boolean): Iterable<number> {
    return this.isClosed ? [] : this.#core.ranked(n, hottest)
  }

  annotate(slot: number, note: unknown): void {
    this.isPlain = false
    this.table.annotate(slot, note)
  }

  sourceChanged(key: K): void {
    this.#doubts.sourceChanged(key)
  }

  age(slot: number): void {
    const now = this.lives.now()
    const end = now + this.lives.staleFor(slot)
    if (end <= now) {
      this.counts.expirations += 1
      this.remove(slot, 'expire')
      return
    }
    this.lives.age(slot, now)
    this.#core.distrust()
    this.#core.arm(slot, end)
    this.alarm.expect(end)
  }

  remove(slot: number, reason: DisposeReason): void {
    this.#vacate(slot, reason)
    this.#release(slot)
  }

  doomed(has: boolean): void {
    this.#doubts.doomed(has)
  }

  expect(at: number): void {
    this.alarm.expect(at)
  }

  report(): void {
    this.#witnesses.report()
  }

  /** Tells the owner what has left, and others who had to give way for this cache. */
  reportAll(): void {
    if (this.pool === undefined) this.#witnesses.report()
    else this.pool.report()
  }

  /** Lets a slice of what was given up leave. */
  reap(): void {
    this.#sweeping.reap()
  }

  /** What the alarm of expiry does. */
  sweep(): void {
    if (!this.isClosed) this.#sweeping.sweep()
  }

  /** Whether clearing away what has expired made room. */
  clearedExpired(): boolean {
    return this.#sweeping.madeRoom()
  }

  /** The least valuable entry leaves. Whether there was one. */
  evict(): boolean {
    const victim = this.#evict()
    if (victim >= 0) this.#release(victim)
    return victim >= 0
  }

  /** Makes room for so much more in size; what has expired goes first. */
  makeRoom(size: number): void {
    while (this.#isOver(0, size)) if (!this.clearedExpired() && !this.evict()) return
  }

  /** Removes everything. */
  discard(): void {
    if (this.isClosed) return
    this.counts.deletes += this.slots.size
    this.#empty('delete')
    this.#core.clear()
  }

  /** The same, for good. */
  close(): void {
    if (this.isClosed) return
    this.counts.deletes += this.slots.size
    this.#empty('delete')
    this.isClosed = true
    this.#core.free()
    this.#witnesses.curve?.free()
    this.#witnesses.curve = undefined
  }

  /** A trap took the core's half: start again with nothing (law L7). */
  goCold(): void {
    this.counts.traps += 1
    this.#empty('evict')
  }

  /** Recounts everything and throws where the parts disagree. For tests. */
  validate(): void {
    recount(this.table, this.limits, () => (this.isClosed ? undefined : this.#core.count()))
  }

  #isOver(entries: number, size: number): boolean {
    return this.slots.size + entries > this.limits.max || this.table.totalSize + size > this.limits.maxSize
  }

  /** Makes room and stores a new entry; the slot it got. */
  #admit(key: K, value: V, until: number, end: number, size: number): number {
    this.pool?.makeRoom({ entries: 1, size })
    let slot = -1
    while (this.#isOver(1, size)) {
      if (slot >= 0) this.#release(slot)
      slot = -1
      if (this.clearedExpired()) continue
      slot = this.#evict()
      if (slot < 0) break
    }
    // The last victim's slot is taken over directly: in the log, an admission says that whatever was there is gone.
    if (slot < 0) slot = this.table.vacant(this.limits.max)
    this.#moveIn(slot, key, value, until, end, size)
    return slot
  }

  /** Writes a new entry into a slot that nobody else has a key for. */
  #moveIn(slot: number, key: K, value: V, until: number, end: number, size: number): void {
    const proposedBy = this.lives.end(slot)
    this.#enter(slot, key, value, until, size)
    const wheelTime = this.#wheelTime(slot, end)
    this.#announce(slot, key, wheelTime < proposedBy ? wheelTime : NEVER)
  }

  #enter(slot: number, key: K, value: V, until: number, size: number): void {
    this.slots.set(key, slot)
    this.#departed.returned(key)
    this.missed = NO_KEY
    this.table.write(slot, key, value, until, size)
  }

  /** Tells the core of a newcomer. */
  #announce(slot: number, key: K, proposeAt: number): void {
    if (this.#hash === undefined) this.#core.admit(slot, proposeAt)
    else this.#core.admitHashed(slot, proposeAt, this.#hash(key))
  }

  /** In a plain cache a newcomer takes over the slot of its victim, which need not be emptied before. */
  #takeOver(slot: number, key: K, value: V, now: number, until: number): void {
    const victim = this.table.keyIn(slot)
    const oldUntil = this.lives.freshUntil(slot)
    const isGone = oldUntil <= now
    if (isGone) this.counts.expirations += 1
    else this.counts.evictions += 1
    this.slots.delete(victim)
    this.#departed.note(victim, isGone ? 'expire' : 'evict')
    this.#enter(slot, key, value, until, 0)
    this.#announce(slot, key, until < oldUntil ? until : NEVER)
  }

  /** What {@link Residents.#replace} comes down to in a plain cache. */
  #overwrite(slot: number, key: K, value: V, now: number, until: number): void {
    this.#core.touch(slot)
    // The word to the core may find a trap and empty the cache.
    if (this.table.values[slot] === undefined) return void this.#admit(key, value, until, until, 0)
    const oldUntil = this.lives.freshUntil(slot)
    if (oldUntil <= now) this.counts.expirations += 1
    this.table.write(slot, key, value, until, 0)
    if (until < oldUntil) this.#core.arm(slot, until)
  }

  #replace(slot: number, key: K, value: V, until: number, end: number, size: number): number {
    this.#witnesses.curve?.overwrites()
    this.#core.touch(slot)
    const growth = size - this.table.sizeOf(slot)
    if (this.pool !== undefined) this.#makeRoomBeside(slot, key, growth)
    this.makeRoom(growth)
    // Each word to the core may find a trap and empty the cache; the entry itself may have expired just now.
    if (this.table.values[slot] === undefined) return this.#admit(key, value, until, end, size)
    const old = this.table.values[slot] as V
    const oldEnd = this.lives.end(slot)
    if (oldEnd !== NEVER && oldEnd <= this.lives.now()) {
      this.counts.expirations += 1
      this.#witnesses.lost(key, old, 'expire')
    } else if (old !== value) this.#witnesses.lost(key, old, 'set')
    this.#doubts.leave(slot)
    this.table.write(slot, key, value, until, size)
    // The wheel only proposes, so a later end needs no word: the proposal at the old end is answered with the new one.
    const wheelTime = this.#wheelTime(slot, end)
    if (wheelTime < oldEnd) this.#core.arm(slot, wheelTime)
    return slot
  }

  #makeRoomBeside(slot: number, key: K, size: number): void {
    const replaced = { entries: 1, size: this.table.sizeOf(slot), isThere: () => this.slots.get(key) === slot }
    this.pool?.makeRoom({ entries: 0, size }, replaced)
  }

  /** When the wheel shall propose an entry: at its end, or when it may have idled too long. */
  #wheelTime(slot: number, end: number): number {
    if (this.#options.idleMs === NEVER) return end
    const idleEnd = this.lives.idle(slot, end)
    this.alarm.expect(idleEnd)
    return idleEnd
  }

  #refuse(slot: number | undefined, key: K, value: V): false {
    this.counts.oversized += 1
    if (slot !== undefined) this.remove(slot, this.lives.isGone(slot) ? 'expire' : 'set')
    this.#witnesses.lost(key, value, 'oversize')
    return false
  }

  /** Takes the next victim's entry out and returns its slot, which the core still lists; -1 when there is no entry. */
  #evict(): number {
    const slot = this.#core.victim()
    if (slot < 0) return -1
    const gone = this.lives.isGone(slot)
    if (gone) this.counts.expirations += 1
    else {
      this.counts.evictions += 1
      if (this.slots.size < this.limits.max) this.counts.evictedForSize += 1
    }
    this.#vacate(slot, gone ? 'expire' : 'evict')
    return slot
  }

  /** Gives a vacated slot back. Free first: a trap found by the word to the core empties the list of free slots, too. */
  #release(slot: number): void {
    this.table.release(slot)
    this.#core.remove(slot)
  }

  #vacate(slot: number, reason: DisposeReason): void {
    const key = this.table.keyIn(slot)
    const value = this.table.values[slot] as V
    this.#doubts.leave(slot)
    this.table.vacate(slot)
    this.#witnesses.left(key, value, reason)
  }

  #empty(reason: DisposeReason): void {
    this.#witnesses.emptied(this.slots, this.table.values, reason)
    this.table.clear()
    this.#core.distrust()
    this.#doubts.clear()
    this.alarm.clear()
  }
}

function isPlain<K, V>({ dispose, weigh, validate, idleMs, jitterMs }: ResolvedMemoryOptions<K, V>): boolean {
  return dispose === undefined && weigh === undefined && validate === undefined && idleMs === NEVER && jitterMs === 0
}
