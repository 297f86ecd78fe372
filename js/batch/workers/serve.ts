/** In a worker: takes batches, gives them to the handler, and says what came of it. */

import { LateSignal } from '../../late-signal.ts'
import type { BatchContext, BatchHandler } from '../types.ts'
import { type FromWorker, readMessage, type ToWorker, wrapped } from './messages.ts'
import { type Outside, outside } from './platform.ts'
import { transferablesIn, untransferred } from './transfer.ts'
import { decodeError, encodeError } from './wire-error.ts'

type Handler = BatchHandler<unknown, unknown>
type Batch = Extract<ToWorker, { kind: 'batch' }>

/**
 * Makes this worker process batches with `handler`, for whoever made it with `module: () => new Worker(…)`. Call it once, when the worker's
 * module is evaluated.
 *
 * ```ts
 * // resize.worker.js
 * import { serve } from 'shelflife/worker'
 * serve(images => images.map(resize))
 * ```
 */
export function serve<T, R>(handler: BatchHandler<T, R>): void {
  const bench = new Workbench(outside())
  bench.open(handler as Handler)
}

/** A worker whose handler is in a module that it is told of. */
export function serveModule(load: (url: string) => Promise<Record<string, unknown>>): void {
  const port = outside()
  const bench = new Workbench(port)
  port.listen(data => {
    const message = readMessage<ToWorker>(data)
    if (message?.kind !== 'module') return
    load(message.url)
      .then(module => bench.open(handlerOf(module)))
      .catch(error => bench.refuse(error))
  })
}

function handlerOf(module: Record<string, unknown>): Handler {
  for (const name of ['default', 'handler']) if (typeof module[name] === 'function') return module[name] as Handler
  throw new TypeError("the module exports no function as 'default' or as 'handler'")
}

/** See the top of this file. */
class Workbench {
  readonly #port: Outside
  readonly #running = new Map<number, LateSignal>()
  #handler: Handler | undefined

  constructor(port: Outside) {
    this.#port = port
    port.listen(data => {
      const message = readMessage<ToWorker>(data)
      if (message?.kind === 'hello' && this.#handler !== undefined) this.#say({ kind: 'ready' })
      else if (message?.kind === 'abort') this.#running.get(message.id)?.abort(decodeError(message.reason))
      else if (message?.kind === 'batch') void this.#process(message)
    })
  }

  open(handler: Handler): void {
    this.#handler = handler
    this.#say({ kind: 'ready' })
  }

  refuse(error: unknown): void {
    this.#say({ kind: 'unfit', error: encodeError(error) })
  }

  async #process({ id, items, first, indexes, attempt, transfers }: Batch): Promise<void> {
    const late = new LateSignal()
    this.#running.set(id, late)
    const context: BatchContext = {
      attempt,
      get indexes() {
        return indexes ?? Array.from({ length: items.length }, (_, at) => first + at)
      },
      get signal() {
        return late.signal
      },
    }
    try {
      this.#answer(id, await this.#handler?.(items as unknown[], context), transfers)
    } catch (error) {
      this.#say({ kind: 'threw', id, error: encodeError(error) })
    } finally {
      this.#running.delete(id)
    }
  }

  #answer(id: number, given: unknown, transfers: boolean): void {
    const list: object[] = []
    const answer = untransferred(given, list)
    if (!Array.isArray(answer)) return this.#say({ kind: 'answer', id, results: undefined, errors: [] })
    const errors: [number, ReturnType<typeof encodeError>][] = []
    const results = answer.map((result, at) => {
      if (!(result instanceof Error)) return untransferred(result, list)
      errors.push([at, encodeError(result)])
      return undefined
    })
    if (transfers) list.push(...transferablesIn(results))
    const moved = [...new Set(list)]
    try {
      this.#say({ kind: 'answer', id, results, errors }, moved)
    } catch (error) {
      // What cannot leave the thread fails its own item. Nothing has moved yet.
      if (moved.length > 0) throw error
      const left = results.map((result, at) => {
        const why = reasonToStay(result)
        if (why === undefined) return result
        errors.push([at, encodeError(why)])
        return undefined
      })
      this.#say({ kind: 'answer', id, results: left, errors })
    }
  }

  #say(message: FromWorker, list: readonly object[] = []): void {
    this.#port.post(wrapped(message), list)
  }
}

function reasonToStay(result: unknown): unknown {
  try {
    structuredClone(result)
    return undefined
  } catch (error) {
    return error
  }
}
