/** The options of circuit breakers, and how they are read. */

import type { BreakerCause, BreakerRules, BreakerState } from '../core/breaker-core.ts'
import { InvalidArgumentError } from '../errors.ts'
import { type Duration, durationMs, optionalFunction, optionsObject, ratio, wholeNumber } from '../options.ts'

/** Which calls are judged together. */
export type BreakerWindow =
  /** The last so long, give or take a tenth. */
  | { type: 'time'; duration: Duration }
  /** The last `size` calls, at most 65 536. */
  | { type: 'count'; size: number }
  /** Failures in a row: it opens at so many. */
  | { type: 'consecutive'; failures: number }

/** A change of a circuit. */
export interface CircuitChange {
  /** What the circuit stands for; the empty string where there are no keys. */
  readonly key: string
  readonly from: BreakerState
  readonly to: BreakerState
  readonly cause: BreakerCause
}

/** When circuits open, for how long, and how they close. */
export interface BreakerOptions {
  /** Which calls are judged together. Default: those of the last 30 s. */
  window?: BreakerWindow
  /** It opens when so great a part of them failed. Default: 0.5. */
  failureRatio?: number
  /** It judges no fewer calls. Default: 10, or the size of the window where that is less. */
  minimumCalls?: number
  /** A call that takes so long is slow. Default: none is. */
  slowCallDuration?: Duration
  /** It opens when so great a part of the calls were slow. Default: 1. */
  slowCallRatio?: number
  /** How long it refuses all calls at first. Default: 5 s. */
  openDuration?: Duration
  /** By what that is multiplied each time that the calls which are let through then fail. From 1. Default: 1. */
  openBackoff?: number
  /** The longest that it refuses all calls. Default: 5 min, or `openDuration`. */
  maxOpenDuration?: Duration
  /** What is let through after that. */
  halfOpen?: {
    /** So many calls. Up to 1000. Default: 1. */
    calls?: number
    /** It closes when so great a part of them succeed, and opens as soon as that cannot be. Slow ones do not. Default: 1. */
    successRatio?: number
    /** It opens again when they have not decided within this; what is heard of them later does not count. Default: 30 s. */
    maxWait?: Duration
  }
  /** Keys that have a circuit of their own; beyond that, those that were not used for longest and are not open make room. Default: 10 000. */
  maxKeys?: number
  /** Told of every change. */
  onStateChange?: (change: CircuitChange) => void
}

const FOREVER = Number.POSITIVE_INFINITY
const IDLE_MS = 600_000
const MOST_CALLS = 65_536

/** Reads the options of a breaker. `prefix` stands before their names in errors. */
export function readBreaker(given: BreakerOptions | undefined, prefix = ''): BreakerRules {
  const options: BreakerOptions = optionsObject(given, prefix.slice(0, -1) || 'options')
  const { window = { type: 'time', duration: 30_000 } } = options
  const halfOpen: NonNullable<BreakerOptions['halfOpen']> = optionsObject(options.halfOpen, `${prefix}halfOpen`)
  optionalFunction(options.onStateChange, `${prefix}onStateChange`)
  const { kind, size, duration, usual } = readWindow(window, `${prefix}window`)
  const openDuration = durationMs(options.openDuration ?? 5000, `${prefix}openDuration`)
  const openBackoff = options.openBackoff ?? 1
  if (typeof openBackoff !== 'number' || !(openBackoff >= 1 && openBackoff <= 1000))
    throw new InvalidArgumentError(`${prefix}openBackoff`, 'a number from 1 to 1000', openBackoff)
  const minimumCalls = wholeNumber(options.minimumCalls ?? usual, `${prefix}minimumCalls`)
  if (kind === 1 && minimumCalls > size)
    throw new InvalidArgumentError(`${prefix}minimumCalls`, `at most the ${size} calls of the window`, minimumCalls)
  return {
    window: kind,
    size,
    duration,
    minimumCalls: kind === 0 ? usual : Math.min(minimumCalls, 2 ** 32 - 1),
    failureRatio: positiveRatio(options.failureRatio ?? 0.5, `${prefix}failureRatio`),
    slowCallDuration: options.slowCallDuration === undefined ? FOREVER : durationMs(options.slowCallDuration, `${prefix}slowCallDuration`),
    slowCallRatio: positiveRatio(options.slowCallRatio ?? 1, `${prefix}slowCallRatio`),
    openDuration,
    openBackoff,
    maxOpenDuration: Math.max(openDuration, durationMs(options.maxOpenDuration ?? 300_000, `${prefix}maxOpenDuration`)),
    probes: atMost(wholeNumber(halfOpen.calls ?? 1, `${prefix}halfOpen.calls`), 1000, `${prefix}halfOpen.calls`),
    probeRatio: positiveRatio(halfOpen.successRatio ?? 1, `${prefix}halfOpen.successRatio`),
    maxHalfOpen: durationMs(halfOpen.maxWait ?? 30_000, `${prefix}halfOpen.maxWait`),
    idleAfter: Math.max(IDLE_MS, duration === FOREVER ? 0 : duration),
    maxKeys: atMost(wholeNumber(options.maxKeys ?? 10_000, `${prefix}maxKeys`), 2 ** 24, `${prefix}maxKeys`),
  }
}

function readWindow(window: BreakerWindow, name: string): { kind: 0 | 1 | 2; size: number; duration: number; usual: number } {
  const given = optionsObject(window, name) as Partial<Record<'duration' | 'size' | 'failures', unknown>> & { type?: unknown }
  if (given.type === 'time') return { kind: 2, size: 1, duration: durationMs(given.duration, `${name}.duration`), usual: 10 }
  if (given.type === 'count') {
    const size = atMost(wholeNumber(given.size, `${name}.size`), MOST_CALLS, `${name}.size`)
    return { kind: 1, size, duration: 0, usual: Math.min(10, size) }
  }
  if (given.type !== 'consecutive') throw new InvalidArgumentError(`${name}.type`, "'time', 'count' or 'consecutive'", given.type)
  return { kind: 0, size: 1, duration: 0, usual: atMost(wholeNumber(given.failures, `${name}.failures`), 2 ** 31, `${name}.failures`) }
}

/** With 0 it would be open whatever happens. */
function positiveRatio(value: unknown, name: string): number {
  const given = ratio(value, name)
  if (given < 0.000001) throw new InvalidArgumentError(name, 'a number from 0.000001 to 1', value)
  return given
}

function atMost(count: number, most: number, name: string): number {
  if (count > most) throw new InvalidArgumentError(name, `a whole number from 1 to ${most}`, count)
  return count
}
