/** Entries that have left and whose owner has not been told yet. */

import type { DisposeReason } from './types.ts'

/**
 * Collects departures during a change and reports them after it, so that a callback always meets a consistent cache.
 * What a callback itself makes depart is reported after it.
 */
export class Departures<K, V> {
  readonly #dispose: (value: V, key: K, reason: DisposeReason) => void
  #waiting: { value: V; key: K; reason: DisposeReason }[] = []
  #reporting = false

  constructor(dispose: (value: V, key: K, reason: DisposeReason) => void) {
    this.#dispose = dispose
  }

  /** Notes that an entry has left. */
  note(value: V, key: K, reason: DisposeReason): void {
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
          this.#dispose(value, key, reason)
        } catch (error) {
          failure ??= { error }
        }
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
