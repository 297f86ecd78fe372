/** What all decorators here have in common: each is a function from a function to a function. */

import { InvalidArgumentError } from '../errors.ts'

/** A function or a method: anything with a `this`, arguments and a result. */
export type Method<This, A extends unknown[], R> = (this: This, ...args: A) => R

/** The name of what is decorated. Throws `ERR_INVALID_ARGUMENT` where it is neither a function nor one of the `kinds`. */
export function nameOf(
  fn: { readonly name: string },
  context: DecoratorContext | undefined,
  kinds: readonly DecoratorContext['kind'][] = ['method'],
): string {
  // Decorators of the older kind are given a key there.
  if (context !== undefined && typeof context !== 'object')
    throw new InvalidArgumentError('what is decorated', 'decorated by standard decorators, without experimentalDecorators', fn)
  if (typeof fn !== 'function' || (context !== undefined && !kinds.includes(context.kind)))
    throw new InvalidArgumentError('what is decorated', `a function or a ${kinds.join(' or ')}`, context?.kind ?? fn)
  return context === undefined ? fn.name : String(context.name)
}
