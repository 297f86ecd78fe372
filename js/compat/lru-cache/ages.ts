/** How old entries are, by slot. */

import type { Perf, Status } from './types.ts'

/** What ages go by; the owner may change it between operations. */
export interface AgeRules {
  readonly perf: Perf
  /** How many ms a reading of the clock serves. */
  readonly ttlResolution: number
}

/** A start or a TTL of zero means that the entry does not age. */
export class Ages {
  readonly #rules: AgeRules
  readonly #starts: number[] = []
  readonly #ttls: number[] = []
  /** The latest reading, while it serves; 0 when it does not. */
  #reading = 0

  constructor(rules: AgeRules) {
    this.#rules = rules
  }

  /** How long the entry lives in all. */
  ttl(slot: number): number {
    return this.#ttls[slot] ?? 0
  }

  /** Since when it lives. */
  start(slot: number): number {
    return this.#starts[slot] ?? 0
  }

  /** The entry lives for `ttl` from `start`. */
  begin(slot: number, ttl: number, start: number = this.#rules.perf.now()): void {
    this.#ttls[slot] = ttl
    this.#starts[slot] = ttl === 0 ? 0 : start
  }

  /** The entry is as young as it ever was. */
  renew(slot: number): void {
    if (this.ttl(slot) !== 0) this.#starts[slot] = this.#rules.perf.now()
  }

  /** Forgets every entry. */
  clear(): void {
    this.#starts.length = 0
    this.#ttls.length = 0
  }

  /** Whether the entry has lived longer than it may. */
  isStale(slot: number): boolean {
    const ttl = this.#ttls[slot]
    const start = this.#starts[slot]
    return !!ttl && !!start && this.#now() - start > ttl
  }

  /** What is left of its life in ms, negative when it is stale; `Infinity` when it does not age. */
  remaining(slot: number): number {
    const ttl = this.#ttls[slot]
    const start = this.#starts[slot]
    return !ttl || !start ? Number.POSITIVE_INFINITY : ttl - (this.#now() - start)
  }

  /** Writes the age into `status`. */
  describe<K, V, FC>(slot: number, status: Status<K, V, FC>): void {
    const ttl = this.#ttls[slot]
    const start = this.#starts[slot]
    if (!ttl || !start) return
    const now = this.#now()
    status.ttl = ttl
    status.start = start
    status.now = now
    status.remainingTTL = ttl - (now - start)
  }

  #now(): number {
    if (this.#reading !== 0) return this.#reading
    const now = this.#rules.perf.now()
    const { ttlResolution } = this.#rules
    if (ttlResolution > 0) {
      this.#reading = now
      // The global of the moment, as in lru-cache: tests replace it after both were loaded.
      const timer: unknown = setTimeout(() => {
        this.#reading = 0
      }, ttlResolution)
      if (typeof timer === 'object') (timer as { unref?(): void }).unref?.()
    }
    return now
  }
}
