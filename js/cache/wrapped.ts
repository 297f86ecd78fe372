/** Functions that are answered from a cache. */

import { InvalidArgumentError } from '../errors.ts'
import { optionsObject } from '../options.ts'
import type { GetOrSetOptions, SureLoader } from './loading-types.ts'
import type { WrapOptions } from './types.ts'

interface Answering<V> {
  getOrSet(key: string, loader: SureLoader<V>, options?: GetOrSetOptions): Promise<V>
}

/** `fn`, answered from `cache`. Where values are stored, its calls need keys that outlive its name. */
export function wrapped<V, A extends readonly unknown[]>(
  cache: Answering<V>,
  fn: (...args: A) => V | Promise<V>,
  options: WrapOptions<A>,
  isStored: boolean,
): (...args: A) => Promise<V> {
  if (typeof fn !== 'function') throw new InvalidArgumentError('fn', 'a function', fn)
  const { key, ...load }: WrapOptions<A> = optionsObject(options, 'options')
  if (key === undefined && fn.name === '') throw new InvalidArgumentError('key', 'given for a function without a name', key)
  if (key === undefined && isStored) {
    throw new InvalidArgumentError('key', 'given where values are stored: names of functions change, in minified code at every build', key)
  }
  const keyOf = key ?? ((...args: A) => `${fn.name}:${argumentsText(args)}`)
  return (...args) => cache.getOrSet(keyOf(...args), () => fn(...args), load)
}

/** Arguments as text, if text can tell them apart. */
function argumentsText(args: readonly unknown[]): string {
  for (const one of args) {
    const plain = one === null || typeof one === 'string' || typeof one === 'boolean' || (typeof one === 'number' && Number.isFinite(one))
    if (!plain)
      throw new InvalidArgumentError(
        'key',
        'given for a function whose arguments are not all strings, finite numbers, booleans or null',
        one,
      )
  }
  return JSON.stringify(args)
}
