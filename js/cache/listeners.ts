/** Who listens to what happens in a cache. */

import { InvalidArgumentError } from '../errors.ts'
import { report } from '../report.ts'

/** Listeners by the name of an event. What one of them throws, or rejects with, harms neither the cache nor the others. */
export class Listeners<Events> {
  readonly #of: Record<string, ((event: never) => unknown)[]>

  constructor(names: readonly (keyof Events & string)[]) {
    this.#of = Object.fromEntries(names.map(name => [name, []]))
  }

  /** Adds a listener, at the end; the result takes it away. */
  on<Name extends keyof Events & string>(name: Name, listener: (event: Events[Name]) => unknown): () => void {
    const listening = Object.hasOwn(this.#of, name) ? this.#of[name] : undefined
    if (listening === undefined) throw new InvalidArgumentError('event', `one of ${Object.keys(this.#of).join(', ')}`, name)
    if (typeof listener !== 'function') throw new InvalidArgumentError('listener', 'a function', listener)
    // Of its own, so that a function that was added twice is taken away once.
    const own = (event: Events[Name]) => listener(event)
    this.#of[name] = [...listening, own]
    return () => {
      this.#of[name] = (this.#of[name] ?? []).filter(other => other !== own)
    }
  }

  /** Whether somebody listens. */
  has(name: keyof Events & string): boolean {
    return (this.#of[name]?.length ?? 0) > 0
  }

  /** Tells those who listened when it was called. */
  emit<Name extends keyof Events & string>(name: Name, event: Events[Name]): void {
    for (const listener of this.#of[name] ?? []) {
      try {
        const result = listener(event as never)
        if (result instanceof Promise) result.catch(failed)
      } catch (error) {
        failed(error)
      }
    }
  }
}

function failed(error: unknown): void {
  report(error, 'a listener of a cache threw')
}
