/** What memory and the tiers hold of a key, with all that is known of it: what lasts how long, what it is called, and that there is nothing. */

import type { Clock } from '../clock.ts'
import type { Driver } from '../core/driver.ts'
import { driverOf } from '../core/driver.ts'
import { InvalidArgumentError } from '../errors.ts'
import { durationMs, optionsObject } from '../options.ts'
import type { Marked } from '../stores/barriers.ts'
import type { TierEntry } from '../stores/tier.ts'
import { annotate, heldOf, tiesOf } from './entry-detail.ts'
import { estimateSize } from './estimate-size.ts'
import { factsOf, type Terms, termsOf } from './facts.ts'
import type { Former } from './former.ts'
import { askAbout, checkValidation, Guard, type Validate } from './guards.ts'
import { type Isolation, isolated } from './isolate.ts'
import { type Kept, NONE } from './kept.ts'
import { inMemory, lifetime } from './lifetime.ts'
import { readStaleWindows, type StaleWindows } from './load-policy.ts'
import type { Validators } from './loading-types.ts'
import { readMarks } from './marks.ts'
import type { MemoryCache } from './memory-cache.ts'
import type { ResolvedMemoryOptions } from './memory-options.ts'
import type { Version } from './memory-types.ts'
import { type Note, Notes } from './notes.ts'
import type { Overflow } from './overflow.ts'
import type { CacheSetOptions } from './types.ts'

const NEVER = Number.POSITIVE_INFINITY

/** What a tier had, as far as it is of use. */
export type Found<V> = { readonly fresh: Kept<V> } | { readonly former: Former<V> } | undefined

/** What {@link Shelf} is made of. */
export interface ShelfOptions<V> {
  readonly memory: MemoryCache<string, Kept<V>>
  readonly options: ResolvedMemoryOptions<string, V>
  readonly windows: StaleWindows
  /** Memory keeps nothing for longer. */
  readonly memoryTtlMs: number
  readonly isolate: Isolation
  readonly overflow: Overflow | undefined
}

/** See the top of this file. */
export class Shelf<V> {
  readonly driver: Driver
  readonly overflow: Overflow | undefined
  readonly #memory: MemoryCache<string, Kept<V>>
  readonly #clock: Clock
  readonly #options: ResolvedMemoryOptions<string, V>
  readonly #memoryTtlMs: number
  readonly #notes: Notes
  readonly #isolate: Isolation
  /** How long memory and tiers keep what is set without options, where nothing is unusual about that; else -1. */
  readonly #plainTtlMs: number
  /** Whether the cache was asked for no more than a time to live, so that most entries of tiers have little to be looked at. */
  readonly #isSimple: boolean

  constructor({ memory, options, windows, memoryTtlMs, isolate, overflow }: ShelfOptions<V>) {
    this.overflow = overflow
    this.driver = driverOf(options.clock)
    this.#memory = memory
    this.#clock = options.clock
    this.#options = options
    this.#memoryTtlMs = memoryTtlMs
    this.#notes = new Notes(options.ttlMs, inMemory(options.ttlMs, 0, memoryTtlMs).more, windows)
    this.#isolate = isolate
    const { ttlMs, maxTtlMs, jitterMs, validate } = options
    const { swr, sie } = this.#notes.usual
    const isPlain = validate === undefined && overflow === undefined && swr === 0 && sie === 0
    const ttl = Math.min(ttlMs, maxTtlMs)
    this.#plainTtlMs = isPlain && jitterMs === 0 && ttl <= memoryTtlMs && ttl === ttlMs ? ttl : -1
    this.#isSimple = isPlain && memoryTtlMs === NEVER && isolate !== 'freeze'
  }

  /** Puts `value` into memory, and gives what the tiers shall have. */
  put(key: string, value: V, options: CacheSetOptions | undefined, validators?: Validators): TierEntry {
    if (options === undefined && validators === undefined && this.#plainTtlMs >= 0) return this.#putPlain(key, value)
    if (options !== undefined) checkValidation(optionsObject(options, 'options'))
    const marks = options === undefined ? NO_MARKS : this.closed(key, readMarks(options))
    const ttl = lifetime(options?.ttl === undefined ? this.#options.ttlMs : durationMs(options.ttl, 'ttl'), this.#options)
    const { swr = this.#notes.usual.swr, sie = this.#notes.usual.sie } = options === undefined ? NO_WINDOWS : readStaleWindows(options)
    const staleFor = Math.max(swr, sie)
    const kept = isolated(value, this.#isolate)
    const life = inMemory(ttl, staleFor, this.#memoryTtlMs)
    const note = this.#notes.of(ttl, life.more, swr, sie, validators)
    const version = options?.version ?? validators?.etag
    const guard = this.#guard(version, options?.validate)
    const writtenAt = this.#clock.wall()
    const expiresAt = writtenAt + ttl + staleFor
    const isSaid = staleFor > 0 || validators !== undefined || marks !== NO_MARKS || version !== undefined
    const freshUntil = staleFor > 0 ? writtenAt + ttl : NEVER
    const entry: TierEntry = isSaid
      ? { value: kept, writtenAt, expiresAt, facts: factsOf({ freshUntil, swr, sie, marks, validators, version }, this.#notes.usual) }
      : { value: kept, writtenAt, expiresAt }
    if (options?.skipMemoryWrite === true) {
      if (value === undefined) throw new InvalidArgumentError('value', 'anything but undefined, which means a miss', value)
      this.#memory.delete(key)
      return { ...entry, fate: 'evicted' }
    }
    const size = options?.size
    const times = { ttl: life.ttl, staleFor: life.staleFor }
    const how = size === undefined && marks === NO_MARKS ? times : { ...times, ...(size !== undefined && { size }), ...marks }
    this.overflow?.expect(key, entry, writtenAt + life.ttl + life.staleFor)
    this.#memory.set(key, kept, how, note === undefined && guard === undefined ? undefined : { note, guard })
    return this.overflow === undefined || this.overflow.arrived() ? entry : { ...entry, fate: 'evicted' }
  }

  /** Remembers for `ttl` milliseconds that there is nothing. A copy of what a tier knew is no news. */
  putNone(key: string, ttl: number, given: Marked, isCopy = false): TierEntry {
    const { sizeUnit, maxTtlMs } = this.#options
    const life = Math.min(ttl, maxTtlMs)
    const marks = this.closed(key, given)
    this.#memory.set(
      key,
      NONE,
      { ttl: Math.min(life, this.#memoryTtlMs), size: sizeUnit === 'estimated bytes' ? estimateSize(key) : 1, ...marks },
      { isCopy },
    )
    const writtenAt = this.#clock.wall()
    return { value: null, writtenAt, expiresAt: writtenAt + life, facts: { none: true, ...marks } }
  }

  /** What memory still has of a value, fresh or not. */
  former(key: string): Former<V> | undefined {
    const held = heldOf(this.#memory, key)
    if (held === undefined || held.value === NONE) return undefined
    const { swr, sie, etag, lastModified } = this.#notes.read(held.note)
    const freshUntil = this.driver.now() + this.#notes.leftOf(held)
    return { value: this.#out(held.value), freshUntil, swr, sie, etag, lastModified, ...tiesOf(this.#memory, key) }
  }

  /**
   * `marks`, and those of the sources as far as memory has them: what is made from something that was made from a third
   * goes with that third, whether the one in between is still here then or not.
   */
  closed(key: string, { tags, dependsOn }: Marked): Marked {
    if (dependsOn === undefined || dependsOn.length === 0) return tags === undefined || tags.length === 0 ? NO_MARKS : { tags: [...tags] }
    const allTags = new Set(tags)
    const sources = new Set(dependsOn)
    for (const source of dependsOn) {
      const ties = tiesOf(this.#memory, source)
      for (const tag of ties.tags) allTags.add(tag)
      for (const further of ties.dependsOn) sources.add(further)
    }
    sources.delete(key)
    return { ...(allTags.size > 0 && { tags: [...allTags] }), dependsOn: [...sources] }
  }

  /** How long an entry in memory is still fresh, and how long it was to live; both without end where there is none. */
  lifeOf(key: string): { left: number; life: number } {
    const held = heldOf(this.#memory, key)
    if (held === undefined || held.value === NONE) return { left: NEVER, life: NEVER }
    return { left: this.#notes.leftOf(held), life: this.#notes.read(held.note).life }
  }

  /** A load of `key` failed: none shall begin for `ms`, as long as memory has something to give instead. */
  backOff(key: string, ms: number): void {
    const held = heldOf(this.#memory, key)
    if (held === undefined || held.value === NONE || ms === 0) return
    const retryAt = this.driver.now() + ms
    if (held.note === undefined) annotate(this.#memory, key, { ...this.#notes.usual, retryAt })
    else (held.note as Note).retryAt = retryAt
  }

  /** Whether the last load of `key` failed a short time ago. */
  backsOff(key: string): boolean {
    return this.#notes.read(heldOf(this.#memory, key)?.note).retryAt > this.driver.now()
  }

  /** What use an entry of a tier is. With `mayKeep` it goes into memory, unless memory has something newer. */
  found(key: string, entry: TierEntry | undefined, mayKeep: boolean, validate?: CacheSetOptions['validate']): Found<V> {
    if (entry === undefined) return undefined
    const wall = this.#clock.wall()
    if (this.#isSimple && entry.facts === undefined && entry.expiredAt === undefined && validate === undefined)
      return this.#foundSimple(key, entry, mayKeep, wall)
    const terms = termsOf(entry, wall, this.#notes.usual)
    if (terms === undefined) return undefined
    const { left, swr, sie, validators, marks } = terms
    if (terms.isNone) {
      if (left <= 0) return undefined
      if (mayKeep) this.putNone(key, left, marks, true)
      return { fresh: NONE }
    }
    const value = isolated(entry.value as V, this.#isolate === 'freeze' ? 'freeze' : false)
    if (mayKeep && this.#isNews(key, left)) this.#bringUp(key, value, entry, terms, validate)
    if (left > 0) return { fresh: value }
    const { etag, lastModified } = validators ?? NO_VALIDATORS
    return { former: { value: this.#out(value), freshUntil: this.driver.now() + left, swr, sie, etag, lastModified, ...marks } }
  }

  /** Whether `validate` is to be asked about an entry of a tier before it is given to somebody. */
  mustAsk(entry: TierEntry | undefined, validate: CacheSetOptions['validate'] = this.#options.validate): entry is TierEntry {
    if (entry === undefined || validate === undefined || entry.facts?.none === true || entry.expiredAt !== undefined) return false
    return Math.min(entry.facts?.freshUntil ?? NEVER, entry.expiresAt) > this.#clock.wall()
  }

  /** What it answers. */
  isRight(key: string, { value, facts }: TierEntry, validate: CacheSetOptions['validate'] = this.#options.validate): Promise<boolean> {
    return askAbout({ key, value: value as V, version: facts?.version ?? facts?.etag }, validate as Validate<string, V>)
  }

  /** {@link Shelf.put} where nothing is unusual. */
  #putPlain(key: string, value: V): TierEntry {
    const kept = isolated(value, this.#isolate)
    const writtenAt = this.#clock.wall()
    this.#memory.set(key, kept)
    return { value: kept, writtenAt, expiresAt: writtenAt + this.#plainTtlMs }
  }

  /** {@link Shelf.found} where nothing but its time can be said of an entry. */
  #foundSimple(key: string, { value, writtenAt, expiresAt }: TierEntry, mayKeep: boolean, wall: number): Found<V> {
    const left = expiresAt - wall
    if (!(left > 0)) return undefined
    if (mayKeep && this.#isNews(key, left)) {
      const life = expiresAt - writtenAt
      const note = this.#notes.of(life, 0, 0, 0, undefined)
      if (note === undefined && value !== undefined) this.#memory.bringIn(key, value as V, left)
      else this.#memory.set(key, value as V, { ttl: left }, { note, isCopy: true })
    }
    return { fresh: value as V }
  }

  /** Memory takes an entry of a tier. */
  #bringUp(key: string, value: V, entry: TierEntry, terms: Terms, validate: CacheSetOptions['validate']): void {
    const { left, life, staleFor, swr, sie, validators, version, marks } = terms
    // Memory takes no life that is over: a stale value comes in with a life of one millisecond that ended a while ago.
    const pastBy = left > 0 ? 0 : 1 - left
    const kept =
      left > 0 ? inMemory(left, staleFor, this.#memoryTtlMs) : { ttl: 1, staleFor: Math.min(staleFor, this.#memoryTtlMs - left), more: 0 }
    const note = this.#notes.of(life, kept.more, swr, sie, validators)
    const guard = this.#guard(version, validate)
    // It has been asked about just now.
    guard?.passed(this.driver.now())
    // Below, what was made stale would be fresh again.
    const goesDown = entry.fate === undefined && entry.expiredAt === undefined
    if (goesDown) this.overflow?.expect(key, { ...entry, value }, this.#clock.wall() - pastBy + kept.ttl + kept.staleFor)
    else this.overflow?.isBelow(key)
    const how = { ttl: kept.ttl, staleFor: kept.staleFor, ...marks }
    this.#memory.set(key, value, how, { note, isCopy: true, guard, ...(pastBy > 0 && { pastBy }) })
    if (goesDown) this.overflow?.arrived()
  }

  #guard(version: Version | undefined, own: CacheSetOptions['validate']): Guard<string, Kept<V>> | undefined {
    const validate = own ?? this.#options.validate
    if (validate === undefined) return undefined
    return new Guard(version, validate as Validate<string, Kept<V>>, { intervalMs: this.#options.validateIntervalMs, isOwners: true })
  }

  /** A loader must not change what is inside either. */
  #out(value: V): V {
    return this.#isolate === 'clone' ? isolated(value, 'clone') : value
  }

  /** Whether memory has nothing as good. The same entry, seen here and there, differs by what the two clocks differ. */
  #isNews(key: string, left: number): boolean {
    const held = heldOf(this.#memory, key)
    if (held === undefined) return true
    return left > 0 ? held.left <= 0 : this.#notes.leftOf(held) < left - SAME_MS
  }
}

/** Clocks that show the same time may differ this much. */
export const SAME_MS = 1000
const NO_WINDOWS: StaleWindows = { swr: undefined, sie: undefined }
const NO_VALIDATORS: Validators = {}
const NO_MARKS: Marked = {}
