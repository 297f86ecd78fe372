/** `fallback`: an answer for when there is none. */

import type { Clock } from '../clock.ts'
import { optionalFunction, optionsObject } from '../options.ts'
import type { Context } from './context.ts'
import { called, Layered, type Next } from './layer.ts'
import type { CallContext, Policy } from './types.ts'

/** Options of {@link fallback}. */
export interface FallbackOptions {
  /** Which errors it answers. Default: all. */
  shouldHandle?: (error: unknown) => boolean
  /** The source of time. Default: {@link systemClock}. */
  clock?: Clock
}

/**
 * Makes a policy that answers in place of an error: with `answer`, or what `answer` as a function says. A caller who gives up gets no answer.
 *
 * ```ts
 * const call = pipeline(fallback(error => cached(error)), circuitBreaker(), timeout('2s'))
 * ```
 */
export function fallback<T>(answer: T | ((error: unknown, context: CallContext) => T | PromiseLike<T>), options?: FallbackOptions): Policy {
  return new Fallback(answer, optionsObject(options, 'options'))
}

class Fallback extends Layered {
  override readonly policy: string = 'fallback'
  readonly #answer: unknown
  readonly #shouldHandle: ((error: unknown) => boolean) | undefined

  constructor(answer: unknown, { shouldHandle, clock }: FallbackOptions) {
    super(clock)
    optionalFunction(shouldHandle, 'shouldHandle')
    this.#answer = answer
    this.#shouldHandle = shouldHandle
  }

  run<T>(context: Context, next: Next<T>): Promise<T> {
    return next(context).catch(error => {
      if (context.ended !== undefined || this.#shouldHandle?.(error) === false) throw error
      const answer = this.#answer
      return typeof answer === 'function' ? called(own => answer(error, own) as T, context) : (answer as T)
    })
  }
}
