/** As many attempts at the same time as are good for each key: found out by how long they take, and by what is refused. */

import { CoreHandle } from './door.ts'
import type { Driver } from './driver.ts'
import { AdaptiveHandle, part } from './parts/schedule.ts'
import { REASONS } from './schedule-numbers.ts'
import type { AdaptiveConfig, LimitReason, Load } from './schedule-types.ts'

/** Told when the limit of a key has moved. Must not throw. */
export type OnKeyLimit = (key: string, from: number, to: number, reason: LimitReason) => void

/** Keys whose limit is known; of those that nothing is under way to, the ones not used for longest make room. */
const MOST_KEYS = 1000

interface Known {
  readonly core: CoreHandle<AdaptiveHandle>
  limit: number
  running: number
}

/** See the top of this file. After a trap of the core the limit of a key begins anew. */
export class KeyLimits {
  onChange: OnKeyLimit | undefined
  readonly #config: AdaptiveConfig
  readonly #driver: Driver
  readonly #keys = new Map<string, Known>()
  /** When attempts began, by the token of their task. */
  readonly #began = new Map<number, { readonly key: string; readonly at: number }>()

  constructor(config: AdaptiveConfig, driver: Driver) {
    this.#config = config
    this.#driver = driver
  }

  /** How many attempts of `key` may run at once. */
  of(key: string): number {
    return this.#keys.get(key)?.limit ?? this.#config.initial
  }

  /** By key, as far as they are known. */
  all(): Map<string, number> {
    return new Map(Array.from(this.#keys, ([key, { limit }]) => [key, limit]))
  }

  /** An attempt of the task begins. */
  began(key: string, token: number): void {
    this.#began.set(token, { key, at: this.#driver.now() })
    this.#known(key).running += 1
  }

  /** The attempt of the task is over, if one ran. Whether the limit of its key has moved. */
  over(token: number, load: Load): boolean {
    const began = this.#began.get(token)
    if (began === undefined) return false
    this.#began.delete(token)
    const known = this.#known(began.key)
    const inflight = known.running
    known.running -= 1
    if (load === 'ignored') return false
    const now = this.#driver.now()
    const reason = known.core.useOrRenew(core => core.record(now - began.at, inflight, load === 'served' ? 0 : 1, now)) ?? -1
    const from = known.limit
    known.limit = known.core.useOrRenew(core => core.limit) ?? this.#config.initial
    if (known.limit === from) return false
    this.onChange?.(began.key, from, known.limit, REASONS[reason] ?? 'overload')
    return true
  }

  /** Nothing is under way any more. */
  clear(): void {
    this.#began.clear()
    for (const known of this.#keys.values()) known.running = 0
  }

  /** Gives the core back. */
  close(): void {
    for (const { core } of this.#keys.values()) core.free()
    this.#keys.clear()
    this.#began.clear()
  }

  #known(key: string): Known {
    let known = this.#keys.get(key)
    if (known === undefined) {
      const core = new CoreHandle(part, () => new AdaptiveHandle(this.#config, this.#driver.now()))
      known = { core, limit: this.#config.initial, running: 0 }
      this.#keys.set(key, known)
      if (this.#keys.size > MOST_KEYS) this.#makeRoom()
    }
    return known
  }

  #makeRoom(): void {
    let looked = 0
    for (const [key, { core, running }] of this.#keys) {
      if (running === 0) {
        core.free()
        this.#keys.delete(key)
        return
      }
      looked += 1
      if (looked === 16) return
    }
  }
}
