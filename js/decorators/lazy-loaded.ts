/** A result that is made once for each object. */

import { type Lazy, type LazyOptions, lazy } from '../cache/lazy.ts'
import { type Method, nameOf } from './method.ts'

/**
 * Calls a method or getter without arguments once for each object, and gives every caller the same promise's value; as a
 * plain wrapper, it calls a function once. A failure is not kept. With `ttl` the value is made anew after so long.
 *
 * ```ts
 * class Users {
 *   \@lazyLoaded() async connection() { return connect(this.url) }
 * }
 * const connection = lazyLoaded({ ttl: '1h' })(connect)
 * ```
 */
export function lazyLoaded(options: LazyOptions = {}) {
  return <This, T>(
    fn: Method<This, [], T | Promise<T>>,
    context?: ClassMethodDecoratorContext | ClassGetterDecoratorContext,
  ): Method<This, [], Promise<T>> => {
    nameOf(fn, context, ['method', 'getter'])
    const ofObjects = new WeakMap<object, Lazy<T>>()
    let own: Lazy<T> | undefined
    return function () {
      if ((typeof this !== 'object' && typeof this !== 'function') || this === null) {
        own ??= lazy(() => fn.call(this), options)
        return own.get()
      }
      let one = ofObjects.get(this)
      if (one === undefined) {
        // The map must not keep the object by way of the function.
        const object = new WeakRef(this)
        one = lazy(() => fn.call(object.deref() as This), options)
        ofObjects.set(this, one)
      }
      return one.get()
    }
  }
}
