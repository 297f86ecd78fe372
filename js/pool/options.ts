/** Reads the options of a pool. */

import { type Driver, driverOf } from '../core/driver.ts'
import { InvalidArgumentError } from '../errors.ts'
import type { Registry } from '../metrics/registry.ts'
import { clockOption, durationMs, metricsOption, optionalFunction, optionsObject, wholeNumber } from '../options.ts'
import type { PoolOptions } from './types.ts'

/** Options, checked and complete; times are milliseconds. */
export interface ResolvedPool<T, S> extends Pick<PoolOptions<T, S>, 'create' | 'destroy' | 'validate' | 'prepare'> {
  readonly min: number
  readonly max: number
  readonly idleTimeout: number
  readonly maxLifetime: number
  readonly maxUses: number
  readonly acquireTimeout: number
  readonly createTimeout: number
  readonly maxQueue: number
  readonly name: string
  readonly metrics: Registry | undefined
  readonly driver: Driver
}

const NEVER = Number.POSITIVE_INFINITY

/** See the top of this file. Throws `InvalidArgumentError`. */
export function resolvePool<T, S>(options: PoolOptions<T, S>): ResolvedPool<T, S> {
  const given: Partial<PoolOptions<T, S>> = optionsObject(options, 'options')
  const { create, destroy, validate, prepare, name = 'default' } = given
  if (typeof create !== 'function') throw new InvalidArgumentError('create', 'a function', create)
  for (const [option, value] of Object.entries({ destroy, validate, prepare })) optionalFunction(value, option)
  if (typeof name !== 'string') throw new InvalidArgumentError('name', 'a string', name)
  const max = wholeNumber(given.max ?? 10, 'max')
  const min = wholeNumber(given.min ?? 0, 'min', { min: 0 })
  if (min > max) throw new InvalidArgumentError('min', `at most max, which is ${max}`, min)
  return {
    create,
    ...(destroy && { destroy }),
    ...(validate && { validate }),
    ...(prepare && { prepare }),
    min,
    max,
    idleTimeout: durationMs(given.idleTimeout ?? 30_000, 'idleTimeout'),
    maxLifetime: durationMs(given.maxLifetime ?? NEVER, 'maxLifetime'),
    maxUses: wholeNumber(given.maxUses ?? NEVER, 'maxUses', { infinite: true }),
    acquireTimeout: durationMs(given.acquireTimeout ?? 30_000, 'acquireTimeout'),
    createTimeout: durationMs(given.createTimeout ?? 30_000, 'createTimeout'),
    maxQueue: wholeNumber(given.maxQueue ?? 10_000, 'maxQueue', { min: 0, infinite: true }),
    name,
    metrics: metricsOption(given.metrics),
    driver: driverOf(clockOption(given.clock)),
  }
}
