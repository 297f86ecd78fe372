/** The public types of the memory governor. */

import type { Clock } from '../clock.ts'
import type { Registry } from '../metrics/registry.ts'
import type { Duration, Size } from '../options.ts'

/** Something that can give memory back: a cache, one of its namespaces, or anything else with these two. */
export interface Reclaimable {
  /** Bytes that it accounts for now; 0 when it does not know. */
  accountedBytes(): number
  /** Gives back a share, 0 to 1, of what it holds, the least valuable first; 0 means only what is useless anyway. The bytes freed, as accounted. */
  trim(share: number): { bytes: number }
}

/** Which memory is scarce. `'heap'`: V8's heap against its limit. `'container'`: the control group (1 or 2) that has least left, all its processes counted. `'accounted'`: what is accounted for, against `limit`. */
export type MemoryKind = 'heap' | 'container' | 'accounted'

/** One kind of memory: how much is used of how much, in bytes. */
export interface MemoryReading {
  readonly kind: MemoryKind
  readonly used: number
  readonly limit: number
}

/** What the governor did in one step. */
export interface PressureEvent {
  /** The scarcest memory when the step began. */
  readonly kind: MemoryKind
  /** Used of limit, 0 to 1 and above. */
  readonly ratio: number
  /** The share that everything registered was asked for: 0 is what has expired, then 0.1, 0.25, 0.5. */
  readonly share: number
  /** Bytes freed, as accounted for; the heap follows at the next collection. */
  readonly freedBytes: number
}

/** Options of {@link createMemoryGovernor}. */
export interface MemoryGovernorOptions {
  /** What gives memory back; more can be registered later. Default: nothing. */
  reclaim?: readonly Reclaimable[]
  /** Most bytes that everything registered may account for. Default: no such limit; required where the runtime tells no other. */
  limit?: Size
  /** From this share of a limit on, memory is reclaimed. Default: 0.8. */
  high?: number
  /** Until this share of the limit is reached. Default: 0.7. */
  low?: number
  /** How often memory is measured. Default: 5 s. */
  interval?: Duration
  /** Called after each step. What it throws in the timer is reported: `process.on('warning')`, in browsers an `error` event. */
  onPressure?: (event: PressureEvent) => void
  /** Where memory is read; for tests. Default: the runtime. */
  read?: () => readonly MemoryReading[]
  clock?: Clock
  metrics?: Registry
  /** The label `governor` in metrics; of one name, the highest pressure is told. Default: `'memory'`. */
  name?: string
}

/** What a governor can say of itself. */
export interface MemoryGovernorStats {
  /** Whether memory has come above `high`, and not below `low` since. */
  readonly pressured: boolean
  /** The kinds of memory that are watched, as read last. */
  readonly readings: readonly MemoryReading[]
  /** The scarcest memory's share of its limit. */
  readonly ratio: number
  /** How often caches were asked to give something back. */
  readonly steps: number
  /** What they gave back, by their own count. */
  readonly freedBytes: number
}
