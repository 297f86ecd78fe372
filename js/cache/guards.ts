/** Entries that somebody has to be asked about before they are given to a reader, since their source may have changed. */

import { InvalidArgumentError } from '../errors.ts'
import { durationOrZeroMs, optionalFunction } from '../options.ts'
import type { ValidatedEntry, Version } from './types.ts'

/** What is known of one such entry. */
export class Guard<K, V> {
  readonly version: Version | undefined
  /** Answers at once; `undefined` where the owner of the cache asks, who may wait for the answer. */
  readonly validate: ((entry: ValidatedEntry<K, V>) => unknown) | undefined
  readonly intervalMs: number
  /** Until then the last answer holds, on the driver's timeline. */
  askAt = 0

  constructor(version: Version | undefined, validate: ((entry: ValidatedEntry<K, V>) => unknown) | undefined, intervalMs: number) {
    this.version = version
    this.validate = validate
    this.intervalMs = intervalMs
  }

  /** The answer about `value`. What the hook itself reads of the key meanwhile, it gets as it is. */
  ask(key: K, value: V, now: () => number): boolean {
    this.askAt = Number.POSITIVE_INFINITY
    let answer: unknown
    try {
      answer = this.validate?.({ key, value, version: this.version })
    } finally {
      this.askAt = 0
    }
    if (typeof answer !== 'boolean') throw new InvalidArgumentError('validate', 'a function that answers true or false', answer)
    this.passed(now())
    return answer
  }

  /** The entry was found right at `now`. */
  passed(now: number): void {
    this.askAt = now + this.intervalMs
  }
}

/** Checks what users say about asking. Throws `ERR_INVALID_ARGUMENT` for anything that cannot be meant. */
export function checkValidation({ validate, version }: { readonly validate?: unknown; readonly version?: unknown }): void {
  optionalFunction(validate, 'validate')
  if (version !== undefined && typeof version !== 'string' && !Number.isFinite(version))
    throw new InvalidArgumentError('version', 'a string or a finite number', version)
}

/** How long an answer holds, in milliseconds. */
export function validateIntervalMs(validateInterval: unknown): number {
  return validateInterval === undefined ? 0 : durationOrZeroMs(validateInterval, 'validateInterval')
}
