/** Reads the options of a queue. */

import type { Clock } from '../clock.ts'
import { MOST, type TurnsConfig } from '../core/turns.ts'
import { InvalidArgumentError } from '../errors.ts'
import { readRate } from '../limits/rate.ts'
import type { Registry } from '../metrics/registry.ts'
import { clockOption, type Duration, durationMs, metricsOption, optionsObject, wholeNumber } from '../options.ts'
import type { QueueOptions } from './types.ts'

/** Options, checked and complete; times are milliseconds. */
export interface ResolvedQueue {
  readonly limits: TurnsConfig
  /** How long a task may run. */
  readonly timeout: number | undefined
  readonly autoStart: boolean
  readonly name: string
  readonly metrics: Registry | undefined
  readonly clock: Clock
}

const NEVER = Number.POSITIVE_INFINITY

/** See the top of this file. Throws `InvalidArgumentError`. */
export function resolveQueue(options: QueueOptions | undefined): ResolvedQueue {
  const given = optionsObject(options, 'options') as QueueOptions
  const { overflow = 'reject', autoStart = true, name = 'default', aging, rateLimit } = given
  if (overflow !== 'reject' && overflow !== 'drop-oldest' && overflow !== 'wait')
    throw new InvalidArgumentError('overflow', "'reject', 'drop-oldest' or 'wait'", overflow)
  if (typeof autoStart !== 'boolean') throw new InvalidArgumentError('autoStart', 'true or false', autoStart)
  if (typeof name !== 'string') throw new InvalidArgumentError('name', 'a string', name)
  return {
    limits: {
      concurrency: countOf(given.concurrency ?? NEVER, 'concurrency', 1),
      perLane: countOf(given.perKey ?? NEVER, 'perKey', 1),
      maxQueue: countOf(given.maxQueue ?? 100_000, 'maxQueue', 0),
      overflow,
      aging: aging === undefined ? NEVER : durationMs(aging, 'aging'),
      rateLimit: rateLimit && readRate(rateLimit, 'rateLimit.'),
      adaptive: undefined,
    },
    timeout: timeoutOf(given.timeout),
    autoStart,
    name,
    metrics: metricsOption(given.metrics),
    clock: clockOption(given.clock),
  }
}

/** A deadline in milliseconds; one that never comes is none. */
export function timeoutOf(given: Duration | undefined): number | undefined {
  const ms = given === undefined ? NEVER : durationMs(given, 'timeout')
  return ms === NEVER ? undefined : ms
}

/** A count; more than the core can count means no limit. */
export function countOf(value: unknown, name: string, min: number): number {
  return Math.min(wholeNumber(value, name, { min, infinite: true }), MOST)
}
