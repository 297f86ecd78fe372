/** A transport that answers when the test says so, and a cache that is a Map. */

import type { ResponseCache, Transport } from '../../../js/http/types.ts'

/** One call of the transport. */
export interface Call {
  readonly url: string
  readonly init: RequestInit
  readonly signal: AbortSignal
  answer(body?: string, init?: ResponseInit): void
  fail(error: unknown): void
}

/** Calls pile up in `calls`; each rejects when its signal aborts, as fetch does. */
export function heldTransport(): { transport: Transport; calls: Call[] } {
  const calls: Call[] = []
  const transport: Transport = (url, init) =>
    new Promise((resolve, reject) => {
      const signal = init.signal as AbortSignal
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      calls.push({ url, init, signal, answer: (body = 'ok', init = {}) => resolve(new Response(body, init)), fail: reject })
    })
  return { transport, calls }
}

/** Answers each call with the next response of the list, and the last one for ever. */
export function scripted(...answers: (() => Response | Error)[]): { transport: Transport; calls: { url: string; init: RequestInit }[] } {
  const calls: { url: string; init: RequestInit }[] = []
  const transport: Transport = async (url, init) => {
    const answer = (answers[calls.length] ?? answers.at(-1))?.()
    calls.push({ url, init })
    if (answer instanceof Response) return answer
    throw answer
  }
  return { transport, calls }
}

/** The contract of a `Cache` in its simplest form: nothing is shared, nothing expires. */
export function mapCache(): ResponseCache & { map: Map<string, unknown>; ttls: (number | undefined)[] } {
  const map = new Map<string, unknown>()
  const ttls: (number | undefined)[] = []
  const set = async (key: string, value: unknown, { ttl }: { ttl?: number } = {}) => {
    ttls.push(ttl)
    map.set(key, value)
  }
  return {
    map,
    ttls,
    memory: map,
    set,
    getOrSet: async (key, loader, options) => {
      const value = map.get(key) ?? (await loader())
      if (value !== undefined && !map.has(key)) await set(key, value, options)
      return value
    },
  }
}

/** Counts the listeners of a signal. */
export function countListeners(signal: AbortSignal): () => number {
  let listeners = 0
  const { addEventListener, removeEventListener } = signal
  signal.addEventListener = (...args: Parameters<AbortSignal['addEventListener']>) => {
    listeners += 1
    addEventListener.apply(signal, args)
  }
  signal.removeEventListener = (...args: Parameters<AbortSignal['removeEventListener']>) => {
    listeners -= 1
    removeEventListener.apply(signal, args)
  }
  return () => listeners
}

/** Lets promise reactions run. */
export const settle = () => new Promise<void>(resolve => setImmediate(resolve))

/** How a promise ended. */
export async function outcome(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    value => ({ value }),
    (error: unknown) => error,
  )
}
