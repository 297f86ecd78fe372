/** What `getOrSetMany` makes of the answers for its keys, and what it rejects with when some have a value and others failed. */

import { ShelflifeError } from '../errors.ts'

/** Some keys could not be loaded, and nothing stale could stand in for them. The others have been kept, and are here. */
export class PartialLoadError<V = unknown> extends ShelflifeError {
  override readonly name: string = 'PartialLoadError'
  /** The values in the order of the keys; `undefined` for those that failed. */
  readonly values: readonly (V | undefined)[]
  /** Why each of the others failed. */
  readonly errors: ReadonlyMap<string, unknown>

  constructor(values: readonly (V | undefined)[], errors: ReadonlyMap<string, unknown>) {
    super('ERR_PARTIAL_LOAD', `${errors.size} keys could not be loaded, the first of them ${JSON.stringify(errors.keys().next().value)}`, {
      cause: errors.values().next().value,
    })
    this.values = values
    this.errors = errors
  }
}

/** The values of `keys`, in their order. Throws the common failure of all of them, or a {@link PartialLoadError} when only some failed. */
export function inOrder<V>(keys: readonly string[], answers: ReadonlyMap<string, PromiseSettledResult<V | undefined>>): (V | undefined)[] {
  const errors = new Map<string, unknown>()
  const values = keys.map(key => {
    const answer = answers.get(key)
    if (answer?.status === 'fulfilled') return answer.value
    errors.set(key, answer?.reason)
    return undefined
  })
  if (errors.size === 0) return values
  const [first, ...others] = errors.values()
  if (errors.size === answers.size && others.every(error => error === first)) throw first
  throw new PartialLoadError(values, errors)
}
