/** The options of limits that move, and how they are read. */

import type { AdaptiveConfig, LimitReason } from '../core/schedule-types.ts'
import { InvalidArgumentError } from '../errors.ts'
import { type Duration, durationMs, wholeNumber } from '../options.ts'

/** The limit has moved. */
export interface LimitChange {
  readonly from: number
  readonly to: number
  /**
   * `'overload'`: a call was refused or took too long. `'unhealthy-latency'`: longer than `maxHealthyLatency`. `'queueing'`: calls wait where they are sent.
   * `'headroom'`: they do not. `'unused'`: much less is in use. `'probe'`: for a few calls, to measure how long they take when nobody waits; `'probed'`: that is known.
   */
  readonly reason: LimitReason
}

/** Between what a limit lies, and how it moves. */
export interface AdaptiveOptions {
  /** `'gradient'`: by latency and refusals; `'aimd'`: by refusals alone. Default: `'gradient'`. */
  algorithm?: 'gradient' | 'aimd'
  /** The least limit. Default: 1. */
  min?: number
  /** The greatest. Default: 200. */
  max?: number
  /** The first. Default: 10, within the two. */
  initial?: number
  /** Calls that take longer lower the limit, whatever is usual. Default: no such time. */
  maxHealthyLatency?: Duration
  /** The limit is at most so many times what is in use. Default: 5. */
  maxLimitFactor?: number
}

/** Reads the options of a limit that moves. `prefix` stands before their names in errors. */
export function readAdaptive(options: AdaptiveOptions, prefix = ''): AdaptiveConfig {
  const { algorithm = 'gradient' } = options
  if (algorithm !== 'gradient' && algorithm !== 'aimd')
    throw new InvalidArgumentError(`${prefix}algorithm`, "'gradient' or 'aimd'", algorithm)
  const min = wholeNumber(options.min ?? 1, `${prefix}min`)
  const max = wholeNumber(options.max ?? Math.max(200, min), `${prefix}max`)
  if (max < min || max > 1_000_000) throw new InvalidArgumentError(`${prefix}max`, `a whole number from ${min} to 1000000`, max)
  return {
    aimd: algorithm === 'aimd',
    min,
    max,
    initial: Math.min(max, Math.max(min, wholeNumber(options.initial ?? 10, `${prefix}initial`))),
    maxHealthyLatency: durationMs(options.maxHealthyLatency ?? Number.POSITIVE_INFINITY, `${prefix}maxHealthyLatency`),
    maxLimitFactor: wholeNumber(options.maxLimitFactor ?? 5, `${prefix}maxLimitFactor`),
  }
}
