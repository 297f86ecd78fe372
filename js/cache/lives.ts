/** Until when entries may be served, by slot, on the driver's timeline. */

import type { Driver } from '../core/driver.ts'
import { Column } from './column.ts'

const NEVER = Number.POSITIVE_INFINITY
/** Slots that there is room for at first. */
export const FIRST_SLOTS = 16

/** See the top of this file. */
export class Lives {
  readonly #driver: Driver
  /** By how much a use prolongs a life. */
  readonly #idleMs: number
  #freshUntil = usual(FIRST_SLOTS)
  /** For how long after that an entry is kept, for those who take it stale. */
  readonly #staleFor = new Column(0)
  /** With an idle time: the end of the time to live, which use does not move. */
  readonly #ttlEnd = new Column(NEVER)

  constructor(driver: Driver, idleMs: number) {
    this.#driver = driver
    this.#idleMs = idleMs
  }

  now(): number {
    const driver = this.#driver
    return driver.stale ? driver.read() : driver.recent
  }

  /** For how many slots there is room. */
  get room(): number {
    return this.#freshUntil.length
  }

  /** Whether one end is like the other: nothing is kept stale, and no use prolongs anything. */
  get areSimple(): boolean {
    return this.#idleMs === NEVER && !this.#staleFor.isUsed
  }

  freshUntil(slot: number): number {
    return this.#freshUntil[slot] as number
  }

  staleFor(slot: number): number {
    return this.#staleFor.get(slot)
  }

  /** The end of the time to live, which is later than that of freshness where an entry may idle too long. */
  livesUntil(slot: number): number {
    return this.#idleMs === NEVER ? this.freshUntil(slot) : this.#ttlEnd.get(slot)
  }

  /**
   * Until when the entry in `slot` may be served at all. It stays when the entry leaves: it tells when the wheel proposes the slot at the
   * latest, and is `Infinity` where the wheel does not.
   */
  end(slot: number): number {
    return (this.#freshUntil[slot] as number) + this.#staleFor.get(slot)
  }

  isFresh(slot: number): boolean {
    const until = this.#freshUntil[slot] as number
    return until === NEVER || until > this.now()
  }

  /** Whether not even who takes stale values gets the entry. */
  isGone(slot: number): boolean {
    const until = this.#freshUntil[slot] as number
    return until !== NEVER && until + this.#staleFor.get(slot) <= this.now()
  }

  begin(slot: number, until: number): void {
    this.#freshUntil[slot] = until
  }

  keepStale(slot: number, ms: number): void {
    this.#staleFor.set(slot, ms)
  }

  /** With an idle time: a life that has begun ends before `end` if it idles too long. When it may end, kept stale included. */
  idle(slot: number, end: number): number {
    if (this.#idleMs === NEVER) return end
    const until = this.#freshUntil[slot] as number
    const idleUntil = Math.min(until, this.now() + this.#idleMs)
    this.#ttlEnd.set(slot, until)
    this.#freshUntil[slot] = idleUntil
    return idleUntil + (end - until || 0)
  }

  /** The entry was used: it stays fresh for another idle time, up to the end of its time to live. */
  prolong(slot: number): void {
    if (this.#idleMs === NEVER) return
    const until = Math.min(this.now() + this.#idleMs, this.#ttlEnd.get(slot))
    if (until > (this.#freshUntil[slot] as number)) this.#freshUntil[slot] = until
  }

  /** The entry is fresh no longer, whatever its time to live was. */
  age(slot: number, now: number): void {
    this.#freshUntil[slot] = now
    this.#ttlEnd.set(slot, now)
  }

  /** The wheel proposes `slot` no more. */
  forget(slot: number): void {
    this.#freshUntil[slot] = NEVER
  }

  /** Makes room for so many slots. */
  grow(room: number): void {
    const grown = usual(room)
    grown.set(this.#freshUntil)
    this.#freshUntil = grown
  }

  clear(): void {
    this.#freshUntil = usual(FIRST_SLOTS)
    this.#staleFor.clear()
    this.#ttlEnd.clear()
  }
}

function usual(room: number): Float64Array {
  return new Float64Array(room).fill(NEVER)
}
