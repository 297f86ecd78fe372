/** Entries that have come or left, of which nobody has been told yet. */

import type { Listeners } from './listeners.ts'
import type { DisposeReason, MemoryCacheEvents } from './memory-types.ts'

type Dispose<K, V> = (value: V, key: K, reason: DisposeReason) => void

/** An entry was overwritten: the `set` of the new one tells. */
const EVENTS = {
  stored: 'set',
  evict: 'evict',
  delete: 'delete',
  expire: 'expire',
  invalidate: 'invalidate',
  oversize: 'oversize',
  set: undefined,
} as const

/**
 * Collects arrivals and departures during a change and reports them after it, so that a callback always meets a consistent cache.
 * What a callback itself makes depart is reported after it.
 */
export class Departures<K, V> {
  /** Told after the owner. */
  listeners: Listeners<MemoryCacheEvents<K, V>> | undefined
  readonly #dispose: Dispose<K, V> | undefined
  #waiting: { value: V; key: K; reason: DisposeReason | 'stored' }[] = []
  #reporting = false

  constructor(dispose: Dispose<K, V> | undefined) {
    this.#dispose = dispose
  }

  /** Notes that an entry has left, or that it was stored. */
  note(value: V, key: K, reason: DisposeReason | 'stored'): void {
    this.#waiting.push({ value, key, reason })
  }

  /** Tells the owner. Every departure is told, even when a callback throws; the first failure is thrown at the end. */
  report(): void {
    if (this.#reporting || this.#waiting.length === 0) return
    this.#reporting = true
    let failure: { error: unknown } | undefined
    while (this.#waiting.length > 0) {
      const left = this.#waiting
      this.#waiting = []
      for (const { value, key, reason } of left) {
        try {
          if (reason !== 'stored') this.#dispose?.(value, key, reason)
        } catch (error) {
          failure ??= { error }
        }
        const event = EVENTS[reason]
        if (event !== undefined) this.listeners?.emit(event, { key, value })
      }
    }
    this.#reporting = false
    if (failure !== undefined) throw failure.error
  }
}

/** Lets each of `all` report, whatever the callbacks of one of them throw; the first failure is thrown at the end. */
export function reportAll(all: Iterable<{ report(): void }>): void {
  let failure: { error: unknown } | undefined
  for (const one of all) {
    try {
      one.report()
    } catch (error) {
      failure ??= { error }
    }
  }
  if (failure !== undefined) throw failure.error
}
