/** One call of a loader of many keys, seen from each key as a loader of its own. */

import { InvalidArgumentError } from '../errors.ts'
import type { LoadedMany, LoaderContext, ManyLoader } from './loading-types.ts'

interface Wanted<V> {
  readonly context: LoaderContext<V>
  readonly resolve: (value: V | undefined) => void
  readonly reject: (error: unknown) => void
}

/** The part of one key in a batch. */
export interface Ticket<V> {
  /** The loader of the key. Called again, to refresh the key, it is a batch of its own. */
  readonly load: (context: LoaderContext<V>) => Promise<V | undefined>
  /** The key does not have to be loaded. Does nothing once it is being loaded. */
  readonly spare: () => void
}

/** Waits until it is known of each key with a ticket whether it has to be loaded, and calls the loader once for those that have to be. */
export class BatchLoader<V> {
  readonly #loadMissing: ManyLoader<V>
  #open = 0
  #wanted: Wanted<V>[] = []

  constructor(loadMissing: ManyLoader<V>) {
    this.#loadMissing = loadMissing
  }

  /** For one more key. All tickets have to be made before the first is used. */
  ticket(): Ticket<V> {
    this.#open += 1
    let isOpen = true
    const close = () => {
      if (!isOpen) return
      isOpen = false
      this.#open -= 1
      this.#depart()
    }
    return {
      load: context =>
        new Promise((resolve, reject) => {
          const wanted = { context, resolve, reject }
          if (isOpen) {
            this.#wanted.push(wanted)
            close()
          } else void this.#call([wanted])
        }),
      spare: close,
    }
  }

  #depart(): void {
    if (this.#open > 0 || this.#wanted.length === 0) return
    const wanted = this.#wanted
    this.#wanted = []
    void this.#call(wanted)
  }

  async #call(wanted: readonly Wanted<V>[]): Promise<void> {
    try {
      const keys = wanted.map(({ context }) => context.key)
      const stale = new Map<string, V>()
      for (const { context } of wanted) if (context.stale !== undefined) stale.set(context.key, context.stale)
      let signal: AbortSignal | undefined
      const answers = await this.#loadMissing(keys, {
        get signal() {
          signal ??= allAborted(wanted.map(({ context }) => context.signal))
          return signal
        },
        stale,
      })
      const pick = reader(answers, keys.length)
      for (const [at, { context, resolve, reject }] of wanted.entries()) {
        const value = pick(context.key, at)
        if (value instanceof Error) reject(value)
        else resolve(value)
      }
    } catch (error) {
      for (const { reject } of wanted) reject(error)
    }
  }
}

/** How to find the value of a key in an answer. Only what the answer itself holds counts, whatever the key is called. */
function reader<V>(answers: LoadedMany<V>, count: number): (key: string, at: number) => V | Error | undefined {
  if (answers instanceof Map) return key => answers.get(key)
  if (Array.isArray(answers)) {
    if (answers.length !== count)
      throw new InvalidArgumentError('loadMissing', `a function that answers ${count} keys with ${count} values`, answers.length)
    return (_, at) => answers[at]
  }
  if (typeof answers !== 'object' || answers === null) {
    throw new InvalidArgumentError('loadMissing', 'a function that answers with a Map, an array or an object', answers)
  }
  const record = answers as Readonly<Record<string, V | Error | undefined>>
  return key => (Object.hasOwn(record, key) ? record[key] : undefined)
}

/** Aborts when all of `signals` have, with the reason of the last. */
function allAborted(signals: readonly AbortSignal[]): AbortSignal {
  const controller = new AbortController()
  let left = signals.length
  for (const signal of signals) {
    const count = () => {
      left -= 1
      if (left === 0) controller.abort(signal.reason)
    }
    if (signal.aborted) count()
    else signal.addEventListener('abort', count, { once: true })
  }
  return controller.signal
}
