/** Reads how often something may happen. */

import { InvalidArgumentError } from '../errors.ts'
import { durationMs, durationOrZeroMs, optionsObject, wholeNumber } from '../options.ts'
import type { RateLimit } from './types.ts'

/** A rate, checked and complete; times are milliseconds. */
export interface ResolvedRate {
  readonly tokens: number
  readonly interval: number
  readonly burst: number
  readonly maxWait: number
}

/** What the core can count. */
const MOST_TOKENS = 2 ** 32 - 1
/** The core counts what is in the bucket in 64 bits, and a token as the microseconds of the interval. */
const MOST_UNITS = 2 ** 63

/** Reads a rate. `prefix` stands before the names of its options in errors. */
export function readRate(given: RateLimit, prefix = ''): ResolvedRate {
  const options: Partial<RateLimit> = optionsObject(given, prefix.slice(0, -1) || 'options')
  const tokens = tokenCount(options.tokensPerInterval, `${prefix}tokensPerInterval`)
  const interval = durationMs(options.interval, `${prefix}interval`)
  const burst = tokenCount(options.burst ?? tokens, `${prefix}burst`)
  if (interval < 0.001 || interval * 1000 * burst >= MOST_UNITS)
    throw new InvalidArgumentError(`${prefix}interval`, 'from 1 µs to 2^63 µs / burst', options.interval)
  return { tokens, interval, burst, maxWait: durationOrZeroMs(options.maxWait ?? Number.POSITIVE_INFINITY, `${prefix}maxWait`) }
}

function tokenCount(value: unknown, name: string): number {
  const count = wholeNumber(value, name)
  if (count > MOST_TOKENS) throw new InvalidArgumentError(name, `a whole number from 1 to ${MOST_TOKENS}`, value)
  return count
}
