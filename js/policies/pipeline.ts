/** `pipeline`: several policies around one call. */

import { InvalidArgumentError } from '../errors.ts'
import type { Context } from './context.ts'
import { type Layer, Layered, type Next } from './layer.ts'
import type { Policy } from './types.ts'

/**
 * Puts policies around each other, the first outermost: `pipeline(retry(), circuitBreaker(), timeout('2s'))` gives each attempt 2 s, the
 * breaker sees each attempt, and all is tried again. One deadline and one signal go through all of them.
 *
 * ```ts
 * const call = pipeline(timeout('30s'), retry({ maxRetries: 3 }), circuitBreaker(), bulkhead({ concurrency: 10 }), timeout('5s'))
 * const user = await call.execute(({ signal }) => load(1, signal), { signal, key: 'users' })
 * ```
 */
export function pipeline(...policies: readonly Policy[]): Policy {
  for (const policy of policies)
    if (typeof (policy as Partial<Policy & Layer> | undefined)?.run !== 'function')
      throw new InvalidArgumentError('policies', 'policies of this package', policy)
  return new Pipeline(policies as unknown as readonly Layer[])
}

class Pipeline extends Layered {
  readonly #layers: readonly Layer[]

  constructor(layers: readonly Layer[]) {
    super(layers.find(layer => layer instanceof Layered)?.clock)
    this.#layers = layers
  }

  run<T>(context: Context, next: Next<T>): Promise<T> {
    let inner = next
    for (let at = this.#layers.length - 1; at >= 0; at -= 1) {
      const layer = this.#layers[at] as Layer
      const further = inner
      inner = within => layer.run(within, further)
    }
    return inner(context)
  }
}
