/** Reads what users write in options: durations, sizes, counts. Bad input is an {@link InvalidArgumentError}. */

import { type Clock, systemClock } from './clock.ts'
import { InvalidArgumentError } from './errors.ts'

/** Milliseconds, or a number with a unit: `'500ms'`, `'30s'`, `'5m'`, `'6h'`, `'2d'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

/** Bytes, or a number with a unit of 1024: `'512b'`, `'64kb'`, `'64mb'`, `'2gb'`. */
export type Size = number | `${number}${'b' | 'kb' | 'mb' | 'gb'}`

const MILLISECONDS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const BYTES: Record<string, number> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 }

/** A positive duration in milliseconds; `Infinity` is allowed and means never. */
export function durationMs(value: unknown, name: string): number {
  const ms = measure(value, MILLISECONDS)
  if (ms === undefined || !(ms > 0))
    throw new InvalidArgumentError(name, "a positive number of milliseconds or a duration such as '5m'", value)
  return ms
}

/** A duration in milliseconds that may be zero. */
export function durationOrZeroMs(value: unknown, name: string): number {
  const ms = measure(value, MILLISECONDS)
  if (ms === undefined || !(ms >= 0))
    throw new InvalidArgumentError(name, "zero, a positive number of milliseconds or a duration such as '5m'", value)
  return ms
}

/** A positive size in bytes; `Infinity` is allowed and means no limit. */
export function sizeInBytes(value: unknown, name: string): number {
  const bytes = measure(value, BYTES)
  if (bytes === undefined || !(bytes > 0))
    throw new InvalidArgumentError(name, "a positive number of bytes or a size such as '64mb'", value)
  return bytes
}

/** A whole number from `min` up to the largest exact integer; `Infinity` only where `infinite` says so. */
export function wholeNumber(value: unknown, name: string, { min = 1, infinite = false } = {}): number {
  const fits = Number.isSafeInteger(value) && (value as number) >= min
  if (!fits && !(infinite && value === Number.POSITIVE_INFINITY)) {
    throw new InvalidArgumentError(name, `a whole number from ${min}${infinite ? ', or Infinity' : ''}`, value)
  }
  return value as number
}

/** A ratio from 0 to 1. */
export function ratio(value: unknown, name: string): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= 1)) throw new InvalidArgumentError(name, 'a number from 0 to 1', value)
  return value
}

/** A function, or `undefined`. */
export function optionalFunction(value: unknown, name: string): void {
  if (value !== undefined && typeof value !== 'function') throw new InvalidArgumentError(name, 'a function', value)
}

/** A boolean: a text such as 'no' would count as yes. */
export function flag(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean') throw new InvalidArgumentError(name, 'true or false', value)
  return value
}

/** An object that was made elsewhere and is used by these methods, or `undefined`. */
export function optionalWith<T>(value: T, name: string, expected: string, methods: readonly string[]): T {
  const given = value as Record<string, unknown> | null | undefined
  if (given !== undefined && methods.some(method => typeof given?.[method] !== 'function'))
    throw new InvalidArgumentError(name, expected, value)
  return value
}

/** The option `clock`; the machine's where none is given. */
export function clockOption(clock: Clock | undefined): Clock {
  return optionalWith(clock, 'clock', 'a Clock', ['wall', 'monotonic', 'timer']) ?? systemClock
}

/** The option `metrics`. */
export function metricsOption<R extends object | undefined>(metrics: R): R {
  return optionalWith(metrics, 'metrics', 'a registry of createRegistry', ['counter', 'gauge', 'histogram', 'timer', 'onCollect'])
}

/** A plain object of options; `undefined` counts as empty. */
export function optionsObject<T extends object>(value: T | undefined, name: string): T | Record<string, never> {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InvalidArgumentError(name, 'an object of options', value)
  return value
}

function measure(value: unknown, units: Record<string, number>): number | undefined {
  if (typeof value === 'number') return Number.isNaN(value) ? undefined : value
  if (typeof value !== 'string') return undefined
  const [, amount, unit] = /^(\d+(?:\.\d+)?)([a-z]+)$/.exec(value) ?? []
  const factor = unit === undefined || !Object.hasOwn(units, unit) ? undefined : units[unit]
  return factor === undefined ? undefined : Number(amount) * factor
}
