/** Who is told of what happens to the hosts of a client. */

import { InvalidArgumentError } from '../errors.ts'
import { report } from '../report.ts'
import type { FetchEvents } from './types.ts'

type Listener<Name extends keyof FetchEvents> = (event: FetchEvents[Name]) => void

/** See the top of this file. */
export class ClientEvents {
  readonly #listeners: { [Name in keyof FetchEvents]: Set<Listener<Name>> } = { circuit: new Set(), concurrency: new Set() }

  /** Tells `listener`; the result takes it away. */
  on<Name extends keyof FetchEvents>(event: Name, listener: Listener<Name>): () => void {
    const listeners = Object.hasOwn(this.#listeners, event) ? this.#listeners[event] : undefined
    if (listeners === undefined) throw new InvalidArgumentError('event', "'circuit' or 'concurrency'", event)
    if (typeof listener !== 'function') throw new InvalidArgumentError('listener', 'a function', listener)
    const own = (told: FetchEvents[Name]) => listener(told)
    listeners.add(own)
    return () => void listeners.delete(own)
  }

  /** Tells everyone. What a listener throws disturbs nobody. */
  tell<Name extends keyof FetchEvents>(event: Name, told: FetchEvents[Name]): void {
    for (const listener of [...this.#listeners[event]]) {
      try {
        listener(told)
      } catch (error) {
        report(error, 'a listener of a fetch client threw')
      }
    }
  }
}
