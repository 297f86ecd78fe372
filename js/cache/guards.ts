/** Entries that somebody has to be asked about before they are given to a reader, since their source may have changed. */

import { InvalidArgumentError } from '../errors.ts'
import { durationOrZeroMs, optionalFunction } from '../options.ts'
import type { ValidatedEntry, Version } from './memory-types.ts'

/** A hook: whether an entry is still right. */
export type Validate<K, V> = (entry: ValidatedEntry<K, V>) => boolean | Promise<boolean>

/** What is known of one such entry. */
export class Guard<K, V> {
  readonly version: Version | undefined
  readonly validate: Validate<K, V>
  readonly intervalMs: number
  /** Whether the owner of the cache asks, who may wait for the answer. */
  readonly isOwners: boolean
  /** Until then the last answer holds, on the driver's timeline. */
  askAt = 0
  /** The answer that the owner waits for. */
  asking: Promise<boolean> | undefined

  constructor(
    version: Version | undefined,
    validate: Validate<K, V>,
    { intervalMs, isOwners = false }: { intervalMs: number; isOwners?: boolean },
  ) {
    this.version = version
    this.validate = validate
    this.intervalMs = intervalMs
    this.isOwners = isOwners
  }

  /** The answer about `value`. What the hook itself reads of the key meanwhile, it gets as it is. */
  ask(key: K, value: V, now: () => number): boolean {
    this.askAt = Number.POSITIVE_INFINITY
    let answer: unknown
    try {
      answer = this.validate({ key, value, version: this.version })
    } finally {
      this.askAt = 0
    }
    this.passed(now())
    return verdict(answer)
  }

  /** The same for the owner; who asks meanwhile gets the same answer. */
  askOwner(key: K, value: V): Promise<boolean> {
    this.asking ??= askAbout({ key, value, version: this.version }, this.validate).finally(() => {
      this.asking = undefined
    })
    return this.asking
  }

  /** The entry was found right at `now`. */
  passed(now: number): void {
    // Readings of the clock differ a little: without an interval, none may count.
    this.askAt = this.intervalMs === 0 ? 0 : now + this.intervalMs
  }
}

/** What a hook answers that may take its time. */
export async function askAbout<K, V>(entry: ValidatedEntry<K, V>, validate: Validate<K, V>): Promise<boolean> {
  return verdict(await validate(entry))
}

function verdict(answer: unknown): boolean {
  if (typeof answer !== 'boolean') throw new InvalidArgumentError('validate', 'a function that answers true or false', answer)
  return answer
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
