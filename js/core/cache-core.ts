/**
 * The log in front of the cache machine: everything that happens to a slot is appended here and crosses the border
 * in one call, when the log is full and before any answer that depends on it (law L1).
 */

import type { Clock } from '../clock.ts'
import { CoreHandle } from './door.ts'
import { type Driver, driverOf, type Reliant } from './driver.ts'
import { CacheHandle, part } from './parts/cache.ts'

/** A log begins small, so that a cache nobody uses costs little, and grows each time it fills up. */
const FIRST_LOG_WORDS = 64
const MOST_LOG_WORDS = 4096
/** Steps of the search for what has expired in one call. */
const EXPIRY_BUDGET = 1024
/** Victims asked for at once. More would be skipped oftener, fewer would ask oftener. */
const MOST_VICTIMS = 256
/**
 * Within a macrotask the clock is read again after so many appended words, then after twice as many as the last time if that was less
 * than a tenth of a millisecond ago, after half as many if it was more than one.
 */
const WORDS_BETWEEN_CLOCKS = 64
const FEWEST_WORDS_BETWEEN_CLOCKS = 8
const MOST_WORDS_BETWEEN_CLOCKS = 512
const SHORT_MS = 0.1
const LONG_MS = 1
/** Batches of victims are told apart by a byte. */
const MOST_BATCHES = 255

const SLOT_MASK = 0x0fffffff
const KIND_SHIFT = 28
const ADMIT = 1 << KIND_SHIFT
const ADMIT_UNTIL = 2 << KIND_SHIFT
const REMOVE = 3 << KIND_SHIFT
const ARM = 4 << KIND_SHIFT
const ADMIT_HASHED = 5 << KIND_SHIFT
const ADMIT_HASHED_UNTIL = 6 << KIND_SHIFT
/** Words of an operation, by its kind. */
const WORDS_OF_KIND = [1, 1, 2, 1, 2, 2, 3]
const MOST_WORDS = 3
const NEVER = 0xffffffff

/** The most slots that the core's lists can link, a little less than a `Map` holds. */
export const MOST_ENTRIES = 2 ** 24 - 2 ** 10

const NO_SLOTS = new Uint32Array()

/** The policies, by their number in the core. */
const POLICIES = ['lru', 's3fifo', 'tinylfu', 'auto'] as const

/** Which entry leaves when the room is needed. */
export type EvictionPolicy = (typeof POLICIES)[number]

/** What the machine has to know. */
export interface CacheCoreOptions {
  readonly policy: EvictionPolicy
  /** How many entries there will be, as far as one knows. */
  readonly max: number
  /** For what the policy leaves to chance. */
  readonly seed: number
}

/** Whether this is the name of a policy. */
export function isPolicy(name: unknown): name is EvictionPolicy {
  return (POLICIES as readonly unknown[]).includes(name)
}

/** See the top of this file. */
export class CacheCore implements Reliant {
  /** Whose time it is. */
  readonly driver: Driver
  /** Reads each log as it crosses. */
  onReplay: ((log: Uint32Array) => void) | undefined
  readonly #handle: CoreHandle<CacheHandle>
  readonly #onLost: () => void
  #log = new Uint32Array(FIRST_LOG_WORDS)
  #length = 0
  /** From this length on there may be no room for another operation. */
  #full = FIRST_LOG_WORDS - MOST_WORDS
  /** The length at which the clock has to be read again, or the log is full. */
  #pauseAt = FIRST_LOG_WORDS - MOST_WORDS
  /** Up to this length hits need no more than to be noted: {@link CacheCore.trust}. */
  #trustedTo = 0
  #relies = false
  /** How many words are appended between two readings of the clock. */
  #stride = WORDS_BETWEEN_CLOCKS
  /** After so many words of all the clock has to be read again, even if the log has crossed since. */
  #clockAt = WORDS_BETWEEN_CLOCKS
  /** How many words have crossed, and how many words of all were no hits. */
  #crossed = 0
  #others = 0
  /** The time that offsets in the log count from. */
  #base: number

  #victims: Uint32Array = NO_SLOTS
  #nextVictim = 0
  /** By slot, the batch of victims since which the log has moved the slot; such a victim is one no more. */
  #movedIn: Uint8Array = new Uint8Array(64)
  #batch = 1
  #scanned = 0

  /** `onLost` is called when a trap took the machine: the entries are forgotten, and slots are free again. */
  constructor(clock: Clock, { policy, max, seed }: CacheCoreOptions, onLost: () => void) {
    this.driver = driverOf(clock)
    this.#onLost = onLost
    this.#base = Math.floor(this.driver.now())
    const number = POLICIES.indexOf(policy)
    this.#handle = new CoreHandle(part, () => new CacheHandle(number, max, seed, this.driver.now()))
  }

  /** How many times {@link CacheCore.hit} was called, and {@link CacheCore.hitTrusted} noted one. */
  get hits(): number {
    return this.#crossed + this.#length - this.#others
  }

  /** Until the time moves or {@link CacheCore.distrust}, every entry may be served, and hits need no more than to be noted. */
  trust(): void {
    if (this.driver.stale) return
    this.#trustedTo = this.#pauseAt
    if (this.#relies) return
    this.#relies = true
    this.driver.rely(this)
  }

  /** Whether an entry may be served has to be asked again. */
  distrust(): void {
    this.#trustedTo = 0
  }

  timeMoved(): void {
    this.#relies = false
    this.#trustedTo = 0
  }

  /** The entry in `slot` was read; false, and nothing is noted, when more has to be looked at before. One comparison answers all that. */
  hitTrusted(slot: number): boolean {
    const length = this.#length
    if (length >= this.#trustedTo) return false
    this.#log[length] = slot
    this.#length = length + 1
    return true
  }

  /** The entry in `slot` was read. */
  hit(slot: number): void {
    const length = this.#length
    this.#log[length] = slot
    this.#length = length + 1
    if (length >= this.#pauseAt) this.#pause()
  }

  /** The entry in `slot` was used, other than by a hit. */
  touch(slot: number): void {
    this.#others += 1
    this.hit(slot)
  }

  /** `slot` holds a new entry, and shall be proposed at `expiresAt` on the driver's timeline, if it would not be earlier. */
  admit(slot: number, expiresAt: number): void {
    if (expiresAt === Number.POSITIVE_INFINITY) this.#append(ADMIT | slot)
    else this.#appendTimed(ADMIT_UNTIL | slot, expiresAt)
  }

  /** The same with the seeded hash of the key, which policies other than LRU need. */
  admitHashed(slot: number, expiresAt: number, hash: number): void {
    const length = this.#length
    const timed = expiresAt !== Number.POSITIVE_INFINITY
    this.#log[length] = (timed ? ADMIT_HASHED_UNTIL : ADMIT_HASHED) | slot
    if (timed) this.#log[length + 1] = this.#offset(expiresAt)
    this.#log[length + (timed ? 2 : 1)] = hash
    this.#appended(timed ? 3 : 2)
  }

  /** The entry in `slot` is gone. The slot may be used again at once: the log keeps the order. */
  remove(slot: number): void {
    this.#append(REMOVE | slot)
  }

  /** `slot` shall be proposed at `expiresAt`, if it would not be earlier. */
  arm(slot: number, expiresAt: number): void {
    this.#appendTimed(ARM | slot, expiresAt)
  }

  /**
   * The slot whose entry has to leave next, or -1 when there is none. Policies other than LRU set a few victims aside at a time;
   * one that is used before its turn comes is taken back in, so what remains of a batch is passed over when the log crosses.
   */
  victim(): number {
    for (;;) {
      this.#scan()
      while (this.#nextVictim < this.#victims.length) {
        const slot = this.#victims[this.#nextVictim] as number
        this.#nextVictim += 1
        if ((this.#movedIn[slot] ?? 0) !== this.#batch) return slot
      }
      if (!this.#drain(this.driver.stale || this.#crossed + this.#length >= this.#clockAt)) return -1
      this.#victims = this.#ask(handle => handle.victims(MOST_VICTIMS)) ?? NO_SLOTS
      if (this.#victims.length === 0) return -1
    }
  }

  /** The slots in the order in which they would leave, at most `most`. Each call looks anew. */
  order(most = MOST_ENTRIES): Uint32Array {
    if (!this.#drain()) return NO_SLOTS
    return this.#ask(handle => handle.victims(most)) ?? NO_SLOTS
  }

  /** Up to `most` slots by what they are worth to the policy, which decides nothing by that: those that leave last, or those that leave first. */
  ranked(most: number, hottest: boolean): Uint32Array {
    if (!this.#drain()) return NO_SLOTS
    return this.#ask(handle => handle.ranked(most, hottest)) ?? NO_SLOTS
  }

  /** Slots that may have expired by now, a slice of at most 1024; the machine forgets their times. */
  expired(): Uint32Array {
    if (!this.#drain()) return NO_SLOTS
    return this.#ask(handle => handle.pollExpired(this.driver.now(), EXPIRY_BUDGET)) ?? NO_SLOTS
  }

  /** When {@link CacheCore.expired} may next have something, on the driver's timeline. */
  nextExpiry(): number {
    if (!this.#drain()) return Number.POSITIVE_INFINITY
    return this.#ask(handle => handle.pollAt()) ?? Number.POSITIVE_INFINITY
  }

  /** How many words the log has. */
  get position(): number {
    return this.#length
  }

  /** Lets the log cross. */
  sync(): void {
    this.#drain()
  }

  /** How many entries the machine knows. For tests. */
  count(): number {
    this.#drain()
    return this.#ask(handle => handle.len()) ?? 0
  }

  /** Forgets every entry. */
  clear(): void {
    this.#forgetLog()
    this.#ask(handle => handle.clear(this.driver.now()))
  }

  /** Gives the machine back. */
  free(): void {
    this.#handle.free()
  }

  #append(word: number): void {
    this.#log[this.#length] = word
    this.#appended(1)
  }

  #appendTimed(word: number, at: number): void {
    this.#log[this.#length] = word
    this.#log[this.#length + 1] = this.#offset(at)
    this.#appended(2)
  }

  #appended(words: number): void {
    this.#others += words
    this.#length += words
    if (this.#length > this.#pauseAt) this.#pause()
  }

  #pause(): void {
    const passed = this.driver.readAgain()
    if (passed < 0) this.#stride = WORDS_BETWEEN_CLOCKS
    else if (passed < SHORT_MS) this.#stride = Math.min(this.#stride * 2, MOST_WORDS_BETWEEN_CLOCKS)
    else if (passed > LONG_MS) this.#stride = Math.max(this.#stride >> 1, FEWEST_WORDS_BETWEEN_CLOCKS)
    this.#clockAt = this.#crossed + this.#length + this.#stride
    if (this.#length > this.#full) this.#drain()
    else this.#setPause()
  }

  #offset(at: number): number {
    return at === Number.POSITIVE_INFINITY ? NEVER : Math.min(Math.max(0, Math.ceil(at - this.#base)), NEVER - 1)
  }

  /**
   * Brings the machine up to date. False when a trap took it, and everything with it. Victims may be wanted every few words: then the
   * clock is not read each time, and what was trusted still is.
   */
  #drain(readsClock = true): boolean {
    const length = this.#length
    if (length > 0) {
      const base = this.#base
      const isTrusted = this.#trustedTo > 0
      this.#forgetLog()
      if (isTrusted && !readsClock) this.#trustedTo = this.#pauseAt
      this.onReplay?.(this.#log.subarray(0, length))
      const replayed = this.#ask(handle => {
        handle.replay(this.#log.subarray(0, length), base)
        return true
      })
      if (length > this.#full && this.#log.length < MOST_LOG_WORDS) this.#growLog()
      if (replayed === undefined) return false
    }
    if (!readsClock) return true
    this.#base = Math.floor(this.driver.read())
    this.#clockAt = this.#crossed + this.#length + this.#stride
    this.#setPause()
    return true
  }

  #forgetLog(): void {
    this.#crossed += this.#length
    this.#length = 0
    this.#trustedTo = 0
    this.#setPause()
    this.#scanned = 0
    this.#nextVictim = 0
    this.#victims = NO_SLOTS
    if (this.#batch === MOST_BATCHES) this.#movedIn.fill(0)
    this.#batch = (this.#batch % MOST_BATCHES) + 1
  }

  #setPause(): void {
    this.#pauseAt = Math.min(this.#clockAt - this.#crossed, this.#full)
  }

  /** Marks the slots that the log has moved since the last look. */
  #scan(): void {
    const log = this.#log
    const end = this.#length
    const batch = this.#batch
    let movedIn: Uint8Array = this.#movedIn
    let at = this.#scanned
    while (at < end) {
      const word = log[at] as number
      const slot = word & SLOT_MASK
      if (slot >= movedIn.length) movedIn = this.#growMarks(slot)
      if (word < ADMIT_UNTIL) {
        movedIn[slot] = batch
        at += 1
      } else {
        const kind = word >>> KIND_SHIFT
        // Another time of expiry does not change the order.
        if (kind !== 4) movedIn[slot] = batch
        at += WORDS_OF_KIND[kind] as number
      }
    }
    this.#scanned = at
  }

  #growLog(): void {
    const words = Math.min(this.#log.length * 4, MOST_LOG_WORDS)
    this.#log = new Uint32Array(words)
    this.#full = words - MOST_WORDS
    this.#setPause()
  }

  #growMarks(slot: number): Uint8Array {
    const grown = new Uint8Array(2 ** Math.ceil(Math.log2(slot + 2)))
    grown.set(this.#movedIn)
    this.#movedIn = grown
    return grown
  }

  #ask<T>(action: (handle: CacheHandle) => T): T | undefined {
    return this.#handle.useOrRenew(action, () => {
      this.#forgetLog()
      this.#onLost()
    })
  }
}
