/** `createFetch`: a `fetch` that queues, retries, shares, keeps and counts. */

import { ClosedError } from '../errors.ts'
import { isVariants, variantKey, verdictOn } from './caching.ts'
import { circuitOf } from './circuits.ts'
import { Desk } from './desk.ts'
import { explain } from './explain.ts'
import { ask, type Changed, shown } from './hooks.ts'
import { givenUp } from './invalidation.ts'
import { type ResolvedOptions, resolveOptions } from './options.ts'
import { isStoredResponse, type StoredResponse, toJson, toRecord, toResponse } from './record.ts'
import { draft, readRequest, type WireRequest } from './request.ts'
import type { Fetch, FetchEvents, FetchInit, FetchOptions, RequestOutlook } from './types.ts'
import type { Delivery } from './waiters.ts'

type Input = string | URL | Request

/**
 * Makes a client that is called like `fetch`. Limits hold for all calls of one client: at most `concurrency` requests on the
 * wire, `perHost` to one host, a deadline per attempt and one over everything, a largest body, retries with jitter.
 * Identical requests at the same time share one; with a `cache`, GET responses are kept there.
 *
 * ```ts
 * const fetch = createFetch({ cache: createCache({ max: 10_000, ttl: '5m' }), perHost: 4, totalTimeout: '20s' })
 * const response = await fetch('https://example.com/cities/2950159')   // a standard Response
 * const city = await fetch.json<City>('https://example.com/cities/2950159')
 * ```
 *
 * Rejects with `signal.reason` on abort, and otherwise with a `ShelflifeError`: `ERR_TIMEOUT`, `ERR_NETWORK`,
 * `ERR_RESPONSE_TOO_LARGE`, `ERR_QUEUE_FULL`, `ERR_CLOSED`, `ERR_INVALID_ARGUMENT`, `ERR_CORE_TRAPPED`.
 */
export function createFetch(options?: FetchOptions): Fetch {
  const client = new Client(resolveOptions(options))
  const call = (input: Input, init?: FetchInit) => client.fetch(input, init)
  return Object.assign(call, {
    json: <T>(input: Input, init?: FetchInit) => client.json(input, init) as Promise<T>,
    stream: (input: Input, init?: FetchInit) => client.stream(input, init),
    invalidate: (url: Input) => client.invalidate(url),
    stats: () => client.desk.stats(),
    hosts: () => client.desk.hosts(),
    explain: (input: Input, init?: FetchInit) => client.explain(input, init),
    circuit: (host: string) => circuitOf(host, client.desk, client.hasCircuits),
    on: <Name extends keyof FetchEvents>(event: Name, listener: (event: FetchEvents[Name]) => void) =>
      client.desk.events.on(event, listener),
    close: () => client.close(),
    [Symbol.asyncDispose]: () => client.close(),
  })
}

class Client {
  readonly desk: Desk
  readonly hasCircuits: boolean
  readonly #options: ResolvedOptions
  /** Without default headers. */
  readonly #bare: ResolvedOptions

  constructor(options: ResolvedOptions) {
    this.#options = options
    this.#bare = { ...options, headers: undefined }
    this.desk = new Desk(options)
    this.hasCircuits = options.schedule.breaker !== undefined
  }

  fetch(input: Input, init: FetchInit | undefined): Promise<Response> {
    if (this.#options.hooks.beforeRequest.length > 0)
      return this.#hooked(
        input,
        init,
        (...call) => this.#fetch(...call),
        answer => answer,
      )
    return this.#fetch(input, init, this.#options)
  }

  json(input: Input, init: FetchInit | undefined): Promise<unknown> {
    if (this.#options.hooks.beforeRequest.length > 0)
      return this.#hooked(
        input,
        init,
        (...call) => this.#json(...call),
        async answer => toJson(await toRecord(answer, answer.url), 'final'),
      )
    return this.#json(input, init, this.#options)
  }

  #fetch(input: Input, init: FetchInit | undefined, options: ResolvedOptions): Promise<Response> {
    try {
      const request = this.#admit(input, init, options)
      const record = this.#inMemory(request)
      if (record !== undefined) return Promise.resolve(toResponse(record.record, record.source, this.desk.clock.wall()))
      return this.desk.send(request).then(delivery => this.#asResponse(delivery))
    } catch (error) {
      return this.#reject(error)
    }
  }

  #json(input: Input, init: FetchInit | undefined, options: ResolvedOptions): Promise<unknown> {
    try {
      const request = this.#admit(input, init, options)
      const record = this.#inMemory(request)
      if (record !== undefined) return Promise.resolve(toJson(record.record, 'final'))
      return this.desk.send(request).then(asJson)
    } catch (error) {
      return this.#reject(error)
    }
  }

  stream(input: Input, init: FetchInit | undefined): Promise<Response> {
    if (this.#options.hooks.beforeRequest.length > 0)
      return this.#hooked(
        input,
        init,
        (...call) => this.#stream(...call),
        answer => answer,
      )
    return this.#stream(input, init, this.#options)
  }

  #stream(input: Input, init: FetchInit | undefined, options: ResolvedOptions): Promise<Response> {
    try {
      const request = this.#admit(input, init, options)
      const known = this.#inMemory(request)
      if (known !== undefined) return Promise.resolve(toResponse(known.record, known.source, this.desk.clock.wall()))
      if (request.cache?.mode === 'only-if-cached') return this.desk.send(request).then(delivery => this.#asResponse(delivery))
      const { maxResponseSize } = this.#options.limits
      const isLimited = init?.maxResponseSize !== undefined
      // What is kept of it has the limit that other answers have.
      const limits = isLimited
        ? { ...request.limits, maxResponseSize: Math.min(maxResponseSize, request.limits.maxResponseSize) }
        : request.limits
      return this.desk.stream({ ...request, limits }, isLimited ? request.limits.maxResponseSize : Number.POSITIVE_INFINITY)
    } catch (error) {
      return this.#reject(error)
    }
  }

  explain(input: Input, init: FetchInit | undefined): RequestOutlook {
    // Without a limit, a body that is a stream is not touched.
    const request = readRequest(input, init, { ...this.#options, maxRequestSize: Number.POSITIVE_INFINITY })
    return explain(request, this.desk, this.#options.schedule.rateLimit?.maxWait)
  }

  async invalidate(what: Input): Promise<void> {
    if (this.desk.closed) throw new ClosedError('the fetch client')
    const meant = givenUp(what, this.#options.base)
    this.desk.outdate(url => meant.matches(url))
    if (this.desk.cache !== undefined) await meant.from(this.desk.cache)
  }

  close(): Promise<void> {
    this.desk.close()
    return Promise.resolve()
  }

  /** Lets the hooks have the call first. What they leave of it is a call like others. */
  async #hooked<T>(
    input: Input,
    given: FetchInit | undefined,
    call: (input: Input, init: FetchInit, options: ResolvedOptions) => Promise<T>,
    answered: (response: Response) => T | Promise<T>,
  ): Promise<T> {
    let changed: Changed
    let init: FetchInit
    try {
      if (this.desk.closed) throw new ClosedError('the fetch client')
      const { before, init: own, restored } = draft(input, given, this.#options)
      own.signal?.throwIfAborted()
      changed = await this.#abortable(ask(this.#options.hooks.beforeRequest, shown(before), {}), own.signal)
      init = restored(changed.request)
    } catch (error) {
      this.desk.counts.requests += 1
      return this.#reject(error)
    }
    // The defaults have been seen, and perhaps taken away.
    if (changed.response === undefined) return call(changed.request.url, init, this.#bare)
    this.desk.counts.requests += 1
    this.desk.counts.answered += 1
    return answered(changed.response)
  }

  #abortable<T>(promise: Promise<T>, signal: AbortSignal | null | undefined): Promise<T> {
    if (signal === undefined || signal === null) return promise
    return new Promise((resolve, reject) => {
      const waiter = { aborted: reject }
      const leave = () => this.desk.aborts.remove(signal, waiter)
      waiter.aborted = reason => {
        leave()
        reject(reason)
      }
      this.desk.aborts.add(signal, waiter)
      promise.then(resolve, reject).finally(leave)
    })
  }

  #admit(input: Input, init: FetchInit | undefined, options: ResolvedOptions): WireRequest {
    this.desk.counts.requests += 1
    if (this.desk.closed) throw new ClosedError('the fetch client')
    const request = readRequest(input, init, options)
    if (request.signal?.aborted === true) throw request.signal.reason
    return request
  }

  /** What memory has and may give as it is. */
  #inMemory(request: WireRequest): { readonly record: StoredResponse; readonly source: 'hit' | 'stale' } | undefined {
    const { cache: use } = request
    if (use === undefined || use.mode === 'reload' || use.method === 'HEAD') return undefined
    let found = this.#remembered(use.key)
    if (isVariants(found)) found = this.#remembered(variantKey(use, found.vary))
    if (!isStoredResponse(found)) return undefined
    const verdict = verdictOn(found, use, this.desk.clock.wall())
    if (verdict === 'validate') return undefined
    if (verdict === 'while-revalidating') this.desk.refresh(request)
    const source = verdict === 'fresh' ? 'hit' : 'stale'
    if (source === 'hit') this.desk.counts.hits += 1
    else this.desk.counts.stale += 1
    return { record: found, source }
  }

  /** Asked first whether it is there: the cache counts a miss when its loader is asked, and once is enough. */
  #remembered(key: string): unknown {
    const memory = this.desk.cache?.memory
    return memory?.has(key) === true ? memory.get(key) : undefined
  }

  #asResponse({ record, source }: Delivery): Response {
    return toResponse(record, source, this.desk.clock.wall())
  }

  /** Whatever was thrown before a request set out. */
  #reject(error: unknown): Promise<never> {
    this.desk.failed(error)
    return Promise.reject(error)
  }
}

function asJson({ record, ending, trace }: Delivery): unknown {
  return toJson(record, ending, trace)
}
