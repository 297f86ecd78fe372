/** What leaves a memory cache because its time is over: a slice at a time, so that nothing else waits long. */

import type { CacheCore } from '../core/cache-core.ts'
import { reapSlice } from './doomed.ts'
import type { Doubts } from './doubts.ts'
import type { Entries } from './entries.ts'
import type { ExpiryAlarm } from './expiry.ts'
import type { Lives } from './lives.ts'

const NEVER = Number.POSITIVE_INFINITY

/** See the top of this file. */
export class Sweeping<K, V> {
  readonly #entries: Entries<K, V>
  readonly #doubts: Doubts<K, V>
  readonly #core: CacheCore
  readonly #lives: Lives
  readonly #alarm: ExpiryAlarm

  constructor(entries: Entries<K, V>, doubts: Doubts<K, V>, core: CacheCore, lives: Lives, alarm: ExpiryAlarm) {
    this.#entries = entries
    this.#doubts = doubts
    this.#core = core
    this.#lives = lives
    this.#alarm = alarm
  }

  /** A slice of what was given up. */
  reap(): void {
    if (this.#doubts.hasTies) reapSlice(this.#entries)
    else if (this.#doubts.looksTwice) this.#doubts.doomed(false)
  }

  /** Whether room was made without a living entry paying for it. */
  madeRoom(): boolean {
    if (this.#doubts.hasDoomed) {
      this.reap()
      return true
    }
    if (this.#alarm.next === NEVER || this.#alarm.next > this.#lives.now()) return false
    const { slots } = this.#entries
    const before = slots.size
    this.#clearExpired()
    return slots.size < before || this.#alarm.next <= this.#lives.now()
  }

  /** What the alarm does. */
  sweep(): void {
    this.#clearExpired()
    this.reap()
    this.#alarm.swept(this.#lives.now(), this.#doubts.hasDoomed)
    this.#entries.report()
  }

  /** Removes a slice of what has expired, at most 1024 entries. */
  #clearExpired(): void {
    const entries = this.#entries
    const lives = this.#lives
    const proposed = this.#core.expired()
    const now = lives.now()
    for (const slot of proposed) {
      const end = lives.end(slot)
      if (entries.table.values[slot] !== undefined) {
        if (end > now) {
          if (end !== NEVER) this.#core.arm(slot, end)
          continue
        }
        entries.counts.expirations += 1
        entries.remove(slot, 'expire')
      }
      // The wheel has forgotten the slot.
      lives.forget(slot)
    }
    this.#alarm.cleared(this.#core.nextExpiry())
  }
}
