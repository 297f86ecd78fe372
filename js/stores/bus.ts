/**
 * How caches of several processes, machines or tabs tell each other what has changed: a {@link Bus}. What users write in `bus` describes
 * one and opens nothing.
 *
 * A message says that something is true no longer, never what is true now: whoever hears it forgets, and reads anew below. So messages
 * may come twice, late or in any order; only a lost one does harm, and a bus that may have lost some says so.
 */

import type { Invalidation, StoreContext } from './tier.ts'

/** What has changed. Keys, tags and prefixes are those of the tiers: with the path of their namespace. */
export type BusMessage =
  /** These were written or deleted. */
  | { readonly keys: readonly string[] }
  | { readonly invalidation: Invalidation }
  /** Everything was removed. */
  | { readonly all: true }

/** What opens a {@link BusConnection}: the times it must use, and whom it tells. */
export interface BusContext extends StoreContext {
  /** Another one has said so. Own messages do not come back. */
  onMessage(message: BusMessage): void
  /** Messages may have been lost that cannot be had any more: whatever was kept before may be out of date. */
  onGap(): void
}

/** Counts since the connection was made. */
export interface BusStats {
  readonly name: string
  /** Whether messages of others can be heard at the moment. */
  readonly state: 'on' | 'off' | 'closed'
  readonly reason: string | undefined
  readonly published: number
  readonly received: number
  /** Messages heard after the connection was lost, as late as that. */
  readonly recovered: number
  /** How often messages may have been lost for good: everything in memory was forgotten. */
  readonly gaps: number
  /** Changes that wait to be published. */
  readonly queued: number
  /** Failures by kind. */
  readonly errors: Readonly<Record<string, number>>
}

/** One listener and speaker on a bus. */
export interface BusConnection {
  /**
   * Tells the others, as soon as can be; what is published within a microtask goes together. Never throws: what cannot
   * be told now waits, within bounds, and beyond them becomes "everything".
   */
  publish(message: BusMessage): void
  /** Sends what waits, with a deadline, and lets go. Idempotent. */
  close(): Promise<void>
  stats(): BusStats
}

/** See the top of this file. */
export interface Bus {
  readonly name: string
  connect(context: BusContext): BusConnection
}
