/**
 * How caches of several processes or machines tell each other what has changed: a {@link Bus}. What users write in `bus` describes one
 * and opens nothing.
 *
 * A change says that something is true no longer, never what is true now: whoever hears of it forgets, and reads anew below. So changes
 * may come twice, late or in any order; only a lost one does harm, and a bus that may have lost some says that all has changed.
 */

import type { Store, StoreChange, StoreContext } from './tier.ts'

/** See the top of this file. `busOf` of `bus-tier.ts` makes one out of what connects. */
export interface Bus {
  readonly name: string
  /** `store`, shared: what this process changes in it others hear of, once it is there, and their changes are told to `onChange`. Without a store, one that keeps nothing. */
  share(store?: Store): Store
}

/** Counts since the connection was made. */
export interface BusStats {
  readonly name: string
  /** Whether changes by others can be heard at the moment. */
  readonly state: 'on' | 'off' | 'closed'
  readonly reason: string | undefined
  /** Messages; each tells of one change or many. */
  readonly published: number
  readonly received: number
  /** Those of them that came after the connection had been lost, as late as that. */
  readonly recovered: number
  /** How often messages may have been lost for good, so that everything was forgotten. */
  readonly gaps: number
  /** Changes that wait to be published. */
  readonly queued: number
  /** Failures by kind. */
  readonly errors: Readonly<Record<string, number>>
}

/** What opens a {@link BusConnection}: the times it must use, and whom it tells. */
export interface BusContext extends StoreContext {
  /** Somebody else has said so; own changes do not come back. `{ all: true }` also where something may have been lost. */
  readonly onChange: (change: StoreChange) => void
}

/** One listener and speaker on a bus. */
export interface BusConnection {
  /** Resolves when it hears, or could not begin to within seconds; it goes on trying. */
  open(): Promise<void>
  /**
   * Tells the others, as soon as can be; what is published within a microtask goes together. Never throws: what cannot
   * be told now waits, within bounds, and beyond them becomes "all".
   */
  publish(change: StoreChange): void
  /** Sends what waits, with a deadline, and lets go. Idempotent. */
  close(): Promise<void>
  stats(): BusStats
}
