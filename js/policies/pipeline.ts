/** `pipeline`: several policies around one call. */

import { InvalidArgumentError } from '../errors.ts'
import type { SavedCircuits } from './circuit-breaker.ts'
import type { Context } from './context.ts'
import { type Hurdle, type Layer, Layered, type Next } from './layer.ts'
import type { Policy } from './types.ts'

/** What {@link Pipeline.stats} gives; a copy. */
export interface PipelineStats {
  /** Calls since it was made. */
  calls: number
  /** Of these, those that have not ended. */
  running: number
  succeeded: number
  /** By whatever: an error of the function, a refusal, a deadline, an abort. */
  failed: number
  /** What the policies tell of themselves, outermost first; those that count nothing are missing. */
  policies: { readonly policy: string; readonly stats: object }[]
}

/** What {@link Pipeline.toJSON} gives. */
export interface SavedPipeline {
  readonly version: 1
  /** Of each policy, outermost first; null where there is nothing to save. */
  readonly policies: readonly (SavedCircuits | SavedPipeline | null)[]
}

/** Made by {@link pipeline}. */
export interface Pipeline extends Policy {
  stats(): PipelineStats
  /** What would delay or refuse a call of this key now, outermost first; empty when nothing would. Changes nothing. */
  explain(key?: string): Hurdle[]
  /** Refuses all calls of a key, in each circuit breaker, until the result is called, or disposed of. Throws `ERR_INVALID_ARGUMENT` when there is none. */
  isolate(key?: string): (() => void) & Disposable
  /** Closes the circuits of a key. */
  reset(key?: string): void
  /** What its circuit breakers know, for {@link Pipeline.restore} of a pipeline of the same policies: in another process, after a restart. */
  toJSON(): SavedPipeline
  /** Takes over what was saved. Throws `ERR_INVALID_ARGUMENT`, before it changes anything. */
  restore(saved: SavedPipeline): void
}

/**
 * Puts policies around each other, the first outermost: `pipeline(retry(), circuitBreaker(), timeout('2s'))` gives each attempt 2 s, the
 * breaker sees each attempt, and all is tried again. One deadline and one signal go through all of them.
 *
 * ```ts
 * const call = pipeline(timeout('30s'), retry({ maxRetries: 3 }), circuitBreaker(), bulkhead({ concurrency: 10 }), timeout('5s'))
 * const user = await call.execute(({ signal }) => load(1, signal), { signal, key: 'users' })
 * call.explain('users')   // [{ policy: 'circuitBreaker', effect: 'refuse', reason: 'the circuit is open', ms: 4200 }]
 * ```
 */
export function pipeline(...policies: readonly Policy[]): Pipeline {
  for (const policy of policies)
    if (typeof (policy as Partial<Policy & Layer> | undefined)?.run !== 'function')
      throw new InvalidArgumentError('policies', 'policies of this package', policy)
  return new Layers(policies as unknown as readonly Layer[])
}

class Layers extends Layered implements Pipeline {
  override readonly policy = 'pipeline'
  readonly #layers: readonly Layer[]
  readonly #counts = { calls: 0, succeeded: 0, failed: 0 }

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
    this.#counts.calls += 1
    return inner(context).then(
      value => {
        this.#counts.succeeded += 1
        return value
      },
      error => {
        this.#counts.failed += 1
        throw error
      },
    )
  }

  stats(): PipelineStats {
    const { calls, succeeded, failed } = this.#counts
    const policies = this.#layers.flatMap(layer => {
      const stats = layer.stats?.()
      return stats === undefined ? [] : [{ policy: layer.policy, stats }]
    })
    return { calls, running: calls - succeeded - failed, succeeded, failed, policies }
  }

  explain(key = ''): Hurdle[] {
    return this.#layers.flatMap(layer => layer.explain?.(key) ?? [])
  }

  isolate(key = ''): (() => void) & Disposable {
    const releases = this.#layers.flatMap(layer => layer.isolate?.(key) ?? [])
    if (releases.length === 0) throw new InvalidArgumentError('policies', 'with a circuit breaker among them', undefined)
    const release = () => {
      for (const one of releases) one()
    }
    return Object.assign(release, { [Symbol.dispose]: release })
  }

  reset(key = ''): void {
    for (const layer of this.#layers) layer.reset?.(key)
  }

  toJSON(): SavedPipeline {
    return { version: 1, policies: this.#layers.map(layer => (layer.toJSON?.() as SavedCircuits | undefined) ?? null) }
  }

  restore(saved: SavedPipeline): void {
    this.check(saved)
    for (const [at, layer] of this.#layers.entries()) if (saved.policies[at] !== null) layer.restore?.(saved.policies[at])
  }

  override check(saved: unknown): void {
    const { version, policies } = (saved ?? {}) as Partial<SavedPipeline>
    if (version !== 1 || !Array.isArray(policies) || policies.length !== this.#layers.length)
      throw new InvalidArgumentError('saved', 'what toJSON of a pipeline of the same policies has given', saved)
    for (const [at, layer] of this.#layers.entries()) {
      if ((policies[at] !== null) !== (layer.restore !== undefined))
        throw new InvalidArgumentError('saved', 'of a pipeline of the same policies', saved)
      if (policies[at] !== null) layer.check?.(policies[at])
    }
  }
}
