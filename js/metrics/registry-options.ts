/** Options of registries. */

import type { Clock } from '../clock.ts'
import type { Duration, Size } from '../options.ts'
import type { LabelValue } from './labels.ts'

/** Options of {@link createRegistry}. */
export interface RegistryOptions {
  /** Written before every name. Default: none. */
  prefix?: string
  /** Labels that every series gets. Default: none. */
  defaultLabels?: Readonly<Record<string, LabelValue>>
  /** Series of one metric; all beyond it are one `overflow` series. Default: 2000. */
  maxSeries?: number
  /**
   * A series with labels that nobody has used for so long leaves: it is told no more, and makes room for another. Each snapshot, text and dump looks who was
   * used since the one before. Whoever holds one and uses it again brings it back with the number it had; one that nobody holds begins at zero. What has no labels stays.
   * Default: `Infinity`, never.
   */
  maxIdle?: Duration
  /** What timers and windows read. Default: the system's. */
  clock?: Clock
  /** Whether histograms and timers keep samples by time from the beginning; otherwise a series' windows begin when first asked for. Default: false. */
  windows?: boolean
  /** The longest window; at least 15 minutes are kept, at most a week. Default: 15 minutes. */
  retention?: Duration
  /** Bytes that samples kept for windows may take; beyond them windows reach less far back, and say so. Default: 16 MB. */
  maxWindowSize?: Size
  /** What takes a timer as long is listed in `slowOps`; `Infinity`: nothing. Default: 100 ms. */
  slowThreshold?: Duration
  /** Slow operations that are kept. Default: 100. */
  slowLogSize?: number
}

/** Options of {@link Registry.snapshot}. */
export interface SnapshotOptions {
  /** Windows that every series of histograms, timers and summaries is told for, beside all its samples: `['1m', '15m']`. Default: none. */
  windows?: readonly Duration[]
}
