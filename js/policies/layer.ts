/** What all policies are made of: layers, each around the next, and the function in the middle. */

import { type Abortable, AbortWatch } from '../abort-watch.ts'
import type { Clock } from '../clock.ts'
import { type Driver, driverOf } from '../core/driver.ts'
import { InvalidArgumentError } from '../errors.ts'
import { clockOption, optionsObject } from '../options.ts'
import { Context } from './context.ts'
import type { CallContext, ExecuteOptions, Policy } from './types.ts'

/** Runs what lies further in, once or several times or not at all. */
export type Next<T> = (context: Context) => Promise<T>

/** Something that a call would meet. */
export interface Hurdle {
  /** The name of the function that made the policy. */
  readonly policy: string
  readonly effect: 'refuse' | 'wait'
  readonly reason: string
  /** For how long, in milliseconds, where that is known; `Infinity`: until somebody ends it. */
  readonly ms?: number
}

/** One layer. It must not throw, but reject. What it has nothing to say to is missing. */
export interface Layer {
  /** The name of the function that made it. */
  readonly policy: string
  run<T>(context: Context, next: Next<T>): Promise<T>
  stats?(): object
  /** What a call of this key would meet. */
  explain?(key: string): Hurdle | readonly Hurdle[] | undefined
  isolate?(key: string): () => void
  reset?(key: string): void
  toJSON?(): unknown
  restore?(saved: unknown): void
  /** Throws where `restore` would. */
  check?(saved: unknown): void
}

/** A policy: layers that are executed. */
export abstract class Layered implements Policy, Layer {
  abstract readonly policy: string
  protected readonly driver: Driver
  readonly #aborts = new AbortWatch()

  constructor(clock?: Clock) {
    this.driver = driverOf(clockOption(clock))
  }

  /** Whose time it is. */
  get clock(): Clock {
    return this.driver.clock
  }

  abstract run<T>(context: Context, next: Next<T>): Promise<T>

  check?(saved: unknown): void

  execute<T>(fn: (context: CallContext) => T | PromiseLike<T>, options?: ExecuteOptions): Promise<T> {
    try {
      if (typeof fn !== 'function') throw new InvalidArgumentError('fn', 'a function', fn)
      if (options === undefined) return this.run(new Context(this.driver, {}), context => called(fn, context))
      return this.#execute(fn, optionsObject(options, 'options'))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #execute<T>(fn: (context: CallContext) => T | PromiseLike<T>, { signal, key = '', priority = 0 }: ExecuteOptions): Promise<T> {
    if (typeof key !== 'string') throw new InvalidArgumentError('key', 'a string', key)
    if (typeof priority !== 'number' || Number.isNaN(priority)) throw new InvalidArgumentError('priority', 'a number', priority)
    if (signal === undefined) return this.run(new Context(this.driver, { key, priority }), context => called(fn, context))
    if (typeof signal.throwIfAborted !== 'function') throw new InvalidArgumentError('signal', 'an AbortSignal', signal)
    signal.throwIfAborted()
    const context = new Context(this.driver, { key, priority, canEnd: true })
    this.#aborts.add(signal, context)
    return this.run(context, inner => called(fn, inner)).finally(() => this.#aborts.remove(signal, context))
  }
}

/** Calls a user's function. Where the call may end early it answers at once when it does, whatever the function makes of its signal. */
export function called<T>(fn: (context: CallContext) => T | PromiseLike<T>, context: Context): Promise<T> {
  if (!context.canEnd) {
    try {
      return Promise.resolve(fn(context))
    } catch (error) {
      return Promise.reject(error)
    }
  }
  const { ended } = context
  if (ended !== undefined) return Promise.reject(ended.reason)
  return new Promise((resolve, reject) => {
    const race = new Race(reject)
    context.watch(race)
    // Not `Promise.resolve`: a function that is no promise answers as soon.
    let answer: T | PromiseLike<T>
    try {
      answer = fn(context)
    } catch (error) {
      context.leave()
      reject(error)
      return
    }
    if (!isThenable(answer)) {
      context.leave()
      resolve(answer)
      return
    }
    answer.then(
      value => {
        context.leave()
        resolve(value)
      },
      error => {
        context.leave()
        reject(error)
      },
    )
  })
}

class Race implements Abortable {
  readonly aborted: (reason: unknown) => void

  constructor(reject: (reason: unknown) => void) {
    this.aborted = reject
  }
}

function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | undefined)?.then === 'function'
}
