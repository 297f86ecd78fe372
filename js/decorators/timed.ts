/** How long calls take. */

import { InvalidArgumentError } from '../errors.ts'
import { type Method, nameOf } from './method.ts'

/** What takes the time of calls: a timer of a registry, or one of its series. */
export interface CallTimer {
  time<R>(fn: () => R): R
}

/**
 * Records in `timer` how long each call takes, of a method or, as a plain wrapper, of a function; also of calls that
 * throw or reject. Returns what they return.
 *
 * ```ts
 * const queries = registry.timer({ name: 'query_duration_seconds' })
 * class Users {
 *   \@timed(queries) async load(id: number) { … }
 * }
 * const load = timed(queries)(fetchUser)
 * ```
 */
export function timed(timer: CallTimer) {
  if (typeof timer?.time !== 'function') throw new InvalidArgumentError('timer', 'a timer of a registry', timer)
  return <This, A extends unknown[], R>(fn: Method<This, A, R>, context?: ClassMethodDecoratorContext): Method<This, A, R> => {
    nameOf(fn, context)
    return function (...args) {
      return timer.time(() => fn.apply(this, args))
    }
  }
}
