/** The namespaces of a cache, by name. */

import { InvalidArgumentError } from '../errors.ts'
import { optionsObject } from '../options.ts'

/** See the top of this file. */
export class Namespaces<Cache> {
  readonly #open = new Map<string, { readonly cache: Cache; readonly options: object }>()

  /** The namespace `name`, made when it is not there. Asked for again it must be with the same options or with none. */
  open(name: string, given: object | undefined, make: () => Cache): Cache {
    if (typeof name !== 'string' || name === '') throw new InvalidArgumentError('name', 'a string that is not empty', name)
    const options = optionsObject(given, 'options')
    const known = this.#open.get(name)
    if (known !== undefined) {
      if (given !== undefined && !sameOptions(options, known.options))
        throw new InvalidArgumentError('options', `those with which the namespace '${name}' was made, or left out`, options)
      return known.cache
    }
    const cache = make()
    this.#open.set(name, { cache, options: { ...options } })
    return cache
  }

  /** `cache` is closed. */
  forget(closed: Cache): void {
    for (const [name, { cache }] of this.#open) if (cache === closed) this.#open.delete(name)
  }

  *[Symbol.iterator](): IterableIterator<Cache> {
    for (const { cache } of [...this.#open.values()]) yield cache
  }
}

function sameOptions(some: object, others: object): boolean {
  const [one, other] = [some, others].map(options => new Map(Object.entries(options)))
  return [...(one ?? []), ...(other ?? [])].every(([name]) => Object.is(one?.get(name), other?.get(name)))
}
