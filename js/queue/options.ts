/** Reads the options of a queue. */

import type { Clock } from '../clock.ts'
import type { ScheduleConfig } from '../core/schedule-core.ts'
import { InvalidArgumentError } from '../errors.ts'
import { readRate } from '../limits/rate.ts'
import type { Registry } from '../metrics/registry.ts'
import { clockOption, durationMs, metricsOption, optionsObject, wholeNumber } from '../options.ts'
import type { QueueOptions } from './types.ts'

/** Options, checked and complete; times are milliseconds. */
export interface ResolvedQueue {
  readonly schedule: ScheduleConfig
  readonly timeout: number
  readonly autoStart: boolean
  readonly name: string
  readonly metrics: Registry | undefined
  readonly clock: Clock
}

/** What the core can count. */
const MOST = 2 ** 32 - 1
const NEVER = Number.POSITIVE_INFINITY

/** See the top of this file. Throws `InvalidArgumentError`. */
export function resolveQueue(options: QueueOptions | undefined): ResolvedQueue {
  const given = optionsObject(options, 'options') as QueueOptions
  const { overflow = 'reject', autoStart = true, name = 'default', aging, rateLimit } = given
  if (overflow !== 'reject' && overflow !== 'drop-oldest') throw new InvalidArgumentError('overflow', "'reject' or 'drop-oldest'", overflow)
  if (typeof autoStart !== 'boolean') throw new InvalidArgumentError('autoStart', 'true or false', autoStart)
  if (typeof name !== 'string') throw new InvalidArgumentError('name', 'a string', name)
  return {
    schedule: {
      ...{ initialDelay: 0, maxDelay: 0, decorrelated: false, maxRetryAfter: 0, seed: 0 },
      concurrency: countOf(given.concurrency ?? NEVER, 'concurrency', 1),
      perLane: countOf(given.perKey ?? NEVER, 'perKey', 1),
      maxQueue: countOf(given.maxQueue ?? 100_000, 'maxQueue', 0),
      dropOldest: overflow === 'drop-oldest',
      aging: aging === undefined ? NEVER : durationMs(aging, 'aging'),
      rateLimit: rateLimit && readRate(rateLimit, 'rateLimit.'),
    },
    timeout: durationMs(given.timeout ?? NEVER, 'timeout'),
    autoStart,
    name,
    metrics: metricsOption(given.metrics),
    clock: clockOption(given.clock),
  }
}

/** A count; more than the core can count means no limit. */
export function countOf(value: unknown, name: string, min: number): number {
  return Math.min(wholeNumber(value, name, { min, infinite: true }), MOST)
}
