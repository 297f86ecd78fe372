/** What one call of a loader is told, and what it said beside its value. */

import { InvalidArgumentError, ShelflifeError } from '../errors.ts'
import { optionsObject } from '../options.ts'
import type { Marked } from '../stores/barriers.ts'
import type { Former } from './former.ts'
import type { LoadedOptions, LoaderContext, Validators } from './loading-types.ts'
import { joined, readMarks, texts } from './marks.ts'

/** See {@link LoaderContext}. The cache reads the rest when the loader has answered. */
export class LoadContext<V> implements LoaderContext<V> {
  readonly key: string
  readonly #flight: { readonly signal: AbortSignal }
  readonly #former: Former<V> | undefined
  #options: LoadedOptions = {}
  #tags: readonly string[] | undefined
  #skipped = false
  #same = false
  #validators: Validators | undefined

  constructor(key: string, flight: { readonly signal: AbortSignal }, former: Former<V> | undefined) {
    this.key = key
    this.#flight = flight
    this.#former = former
  }

  get signal(): AbortSignal {
    return this.#flight.signal
  }

  get stale(): V | undefined {
    return this.#former?.value
  }

  get etag(): string | undefined {
    return this.#former?.etag
  }

  get lastModified(): string | undefined {
    return this.#former?.lastModified
  }

  // Functions of their own, so that a loader may take them out of the context.
  readonly setOptions = (options: LoadedOptions): void => {
    this.#options = { ...this.#options, ...optionsObject(options, 'options') }
  }

  readonly setTags = (tags: readonly string[]): void => {
    this.#tags = [...(this.#tags ?? []), ...texts(tags, 'tags')]
  }

  readonly skip = (): undefined => {
    this.#skipped = true
  }

  readonly fail = (error: unknown): never => {
    throw typeof error === 'string' ? new Error(error) : error
  }

  readonly notModified = (): V => {
    if (this.#former === undefined) throw new ShelflifeError('ERR_INVALID_ARGUMENT', `there is no stale value of ${this.key} to keep`)
    this.#same = true
    return this.#former.value
  }

  readonly modified = (value: V, validators: Validators = {}): V => {
    const { etag, lastModified } = optionsObject(validators, 'validators') as Validators
    for (const [name, one] of Object.entries({ etag, lastModified }))
      if (one !== undefined && typeof one !== 'string') throw new InvalidArgumentError(name, 'a string', one)
    this.#validators = { ...(etag !== undefined && { etag }), ...(lastModified !== undefined && { lastModified }) }
    return value
  }

  /** Whether nothing shall be kept. */
  get skipped(): boolean {
    return this.#skipped
  }

  /** What the loader wants to be different. */
  get options(): LoadedOptions {
    return this.#options
  }

  /** What the value is given up with: what the loader said, beside what the caller did; what the stale value had, when that stays. */
  marks(given: Marked | undefined): Marked {
    const { tags = given?.tags, dependsOn = given?.dependsOn } = this.#options
    const said = joined(readMarks({ tags, dependsOn }), { tags: this.#tags })
    return this.#same && this.#former !== undefined ? joined(said, this.#former) : said
  }

  /** What to compare the value by the next time; that of the stale value when it is still right. */
  get validators(): Validators | undefined {
    if (this.#validators !== undefined || !this.#same || this.#former === undefined) return this.#validators
    const { etag, lastModified } = this.#former
    return etag === undefined && lastModified === undefined
      ? undefined
      : { ...(etag !== undefined && { etag }), ...(lastModified !== undefined && { lastModified }) }
  }
}
