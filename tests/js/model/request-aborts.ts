/**
 * Requests that are aborted at any moment, by chance, on a clock that stands still between: each ends at once with the reason, and leaves no place, no
 * listener, no waiter, no timer and no request under way behind. At the end every place is free, once.
 */

import { type Cache, createCache } from '../../../js/cache/cache.ts'
import { createFetch } from '../../../js/http/fetch.ts'
import type { Fetch, FetchOptions } from '../../../js/http/types.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'
import { MapStore } from '../cache/map-store.ts'
import { FakeOrigin } from './fake-origin.ts'
import { Seeded } from './random.ts'

/** Where a request was when it was aborted. */
const PHASES = ['hook', 'cache', 'queue', 'rate', 'connect', 'head', 'body', 'backoff', 'hedge', 'joined', 'over'] as const
type Phase = (typeof PHASES)[number]

/** How many were aborted in each phase, and how requests ended. */
export type AbortsSeen = Record<Phase | 'requests' | 'answered' | 'failed', number>

const CALLS = 240

/** One call that is under way. */
interface Call {
  readonly url: string
  readonly signal: AbortSignal | undefined
  end: { value?: unknown; error?: unknown } | undefined
  isHooked: boolean
}

/** Sessions from `seed` on until `count` requests were aborted. Throws at the first that goes wrong. */
export async function checkRequestAborts(count: number, seed: number): Promise<AbortsSeen> {
  const seen = Object.fromEntries([...PHASES, 'requests', 'answered', 'failed'].map(name => [name, 0])) as AbortsSeen
  const aborted = () => PHASES.reduce((sum, phase) => sum + (phase === 'over' ? 0 : seen[phase]), 0)
  for (let session = seed; aborted() < count; session += 1) {
    try {
      await new Session(session, seen).run()
    } catch (error) {
      throw new Error(`session ${session}: ${error instanceof Error ? error.message : error}`, { cause: error })
    }
  }
  return seen
}

class Session {
  readonly #random: Seeded
  readonly #clock = new ManualClock()
  readonly #origin: FakeOrigin
  readonly #seen: AbortsSeen
  readonly #cache: Cache<never> | undefined
  readonly #fetch: Fetch
  readonly #options: FetchOptions
  readonly #listening = new Set<object>()
  readonly #calls = new Set<Call>()
  readonly #controllers = new Map<AbortController, Call[]>()
  #beginning: Call | undefined

  constructor(seed: number, seen: AbortsSeen) {
    this.#random = new Seeded(seed)
    this.#seen = seen
    this.#origin = new FakeOrigin(this.#clock, this.#random)
    const isOneOf = (n: number) => this.#random.below(n) === 0
    if (isOneOf(2)) {
      const store = new MapStore()
      store.before = () => this.#pause(8)
      this.#cache = createCache<never>({ store, clock: this.#clock })
    }
    const concurrency = 1 + this.#random.below(8)
    const perHost = 1 + this.#random.below(concurrency)
    this.#origin.limits = { all: concurrency, perHost }
    this.#options = {
      ...{ clock: this.#clock, fetch: this.#origin.transport, seed, concurrency, perHost, maxQueue: 60, timeout: 60, totalTimeout: 400 },
      ...(this.#cache !== undefined && { cache: this.#cache }),
      ...(isOneOf(3) && { rateLimit: { tokensPerInterval: 4, interval: 20, burst: 1 + this.#random.below(6), maxWait: 200 } }),
      ...(isOneOf(2) && { hedge: { delay: this.#random.below(15), budget: { ratio: 1, minPerSecond: 1000 } } }),
      ...(isOneOf(3) && { idleTimeout: 20 }),
      ...(isOneOf(4) && { circuitBreaker: { window: { type: 'consecutive' as const, failures: 4 }, openDuration: 30 } }),
      ...(isOneOf(3) && {
        hooks: { beforeRequest: [() => this.#hook()], afterResponse: [() => this.#pause(4)], beforeRetry: [() => this.#pause(4)] },
      }),
      retry: { maxRetries: 3, initialDelay: 5, maxDelay: 60 },
      dedupe: !isOneOf(4),
    }
    this.#fetch = createFetch(this.#options)
    this.#origin.begun = ({ url }) => {
      // Even from within the transport.
      if (isOneOf(60)) this.#abort(call => call.url === url)
    }
  }

  async run(): Promise<void> {
    const pace = 2 + this.#random.below(40)
    for (let n = 0; n < CALLS; n += 1) {
      this.#call()
      if (this.#random.below(3) > 0) await this.#abortSome()
      if (this.#random.below(2) === 0) this.#clock.advance(this.#random.below(pace))
      if (this.#random.below(2) === 0) await turn()
    }
    await this.#over()
    // Whoever joined a request that is not under way any more would wait for ever.
    for (let n = 0; n < 10; n += 1) this.#call()
    await this.#over()
    this.#leavesNothing()
    await this.#hasEveryPlaceOnce()
    await this.#close()
  }

  #call(): void {
    const shared = [...this.#controllers.keys()].filter(({ signal }) => !signal.aborted)
    const kind = this.#random.below(10)
    const controller = kind === 0 ? undefined : kind === 1 && shared.length > 0 ? this.#random.pick(shared) : new AbortController()
    if (controller !== undefined && !this.#controllers.has(controller)) {
      this.#controllers.set(controller, [])
      this.#count(controller.signal)
    }
    const url = `http://host${this.#random.below(3)}.test/${this.#random.below(30)}`
    const call: Call = { url, signal: controller?.signal, end: undefined, isHooked: false }
    if (controller !== undefined) this.#controllers.get(controller)?.push(call)
    this.#calls.add(call)
    this.#seen.requests += 1
    this.#beginning = call
    const init = controller === undefined ? {} : { signal: controller.signal }
    const response = this.#random.below(4) === 0 ? this.#fetch.stream(url, init) : this.#fetch(url, init)
    this.#beginning = undefined
    const settle = (end: NonNullable<Call['end']>) => {
      if (call.end !== undefined) throw new Error(`${url} ended twice`)
      call.end = end
      this.#calls.delete(call)
      this.#seen['value' in end ? 'answered' : 'failed'] += 1
    }
    response
      .then(answer => answer.arrayBuffer())
      .then(
        value => settle({ value }),
        error => settle({ error }),
      )
  }

  async #abortSome(): Promise<void> {
    // What has been answered by now is answered.
    await turn()
    const { reason, told } = this.#abort(() => this.#random.below(4) === 0)
    if (told.length === 0) return
    for (let turns = 0; turns < 60 && told.some(({ end }) => end === undefined); turns += 1) await Promise.resolve()
    for (const { url, end } of told) {
      if (end === undefined) throw new Error(`${url} did not end with its abort`)
      if (end.error !== reason) throw new Error(`${url} ended with ${JSON.stringify(end)} and not with the reason of the abort`)
    }
    this.#holdsNoMore()
  }

  /** What nobody wants any more has no place, neither on the wire nor in line. Not later, by a deadline: now. */
  #holdsNoMore(): void {
    const { inflight, queued, sleeping } = this.#fetch.stats()
    const attempts = this.#origin.live().length
    // An attempt before which a hook is asked has its place already.
    if (this.#options.hooks === undefined && inflight > attempts) throw new Error(`${inflight} places are taken by ${attempts} attempts`)
    if (queued + sleeping > this.#calls.size) throw new Error(`${queued} in line and ${sleeping} asleep for ${this.#calls.size} calls`)
  }

  /** Aborts the first controller one of whose calls is as wanted. Those of its calls that were under way. */
  #abort(wanted: (call: Call) => boolean): { reason: Error; told: Call[] } {
    const reason = new Error('given up')
    for (const [controller, calls] of this.#controllers) {
      const told = calls.filter(({ end }) => end === undefined)
      if (controller.signal.aborted || !calls.some(wanted)) continue
      if (told.length === 0) this.#seen.over += 1
      for (const call of told) this.#seen[this.#phaseOf(call)] += 1
      controller.abort(reason)
      this.#controllers.delete(controller)
      return { reason, told: told.filter(({ end }) => end === undefined) }
    }
    return { reason, told: [] }
  }

  #phaseOf({ url, isHooked }: Call): Phase {
    if (isHooked) return 'hook'
    const attempts = this.#origin.live(url)
    const { queued, sleeping, inflight } = this.#fetch.stats()
    if (attempts.length > 1) return 'hedge'
    const [attempt] = attempts
    if (attempt !== undefined && attempt.stage !== 'over') {
      const callers = [...this.#calls].filter(call => call.url === url)
      return callers.length > 1 ? 'joined' : attempt.stage
    }
    if (queued === 0) return sleeping > 0 ? 'backoff' : 'cache'
    const isFull = inflight >= (this.#options.concurrency as number)
    return this.#options.rateLimit === undefined || isFull ? 'queue' : 'rate'
  }

  /** Counts the listeners of a signal; one that is taken off must have been there. */
  #count(signal: AbortSignal): void {
    const { addEventListener, removeEventListener } = signal
    signal.addEventListener = (...given: Parameters<AbortSignal['addEventListener']>) => {
      if (this.#listening.has(given[1])) throw new Error('a listener was added twice')
      this.#listening.add(given[1])
      addEventListener.apply(signal, given)
    }
    signal.removeEventListener = (...given: Parameters<AbortSignal['removeEventListener']>) => {
      if (!this.#listening.delete(given[1])) throw new Error('a listener was taken off twice')
      removeEventListener.apply(signal, given)
    }
  }

  async #hook(): Promise<void> {
    const call = this.#beginning
    if (call !== undefined) call.isHooked = true
    await this.#pause(6)
    if (call !== undefined) call.isHooked = false
  }

  /** Up to so many milliseconds. */
  #pause(most: number): Promise<void> {
    return new Promise(resolve => this.#clock.timer(this.#clock.monotonic() + this.#random.below(most), resolve))
  }

  /** Until every call has ended, and the origin with those whom nobody waits for. */
  async #over(): Promise<void> {
    for (let turns = 0; turns < 200 && (this.#calls.size > 0 || this.#origin.attempts.size > 0 || turns < 10); turns += 1) {
      this.#clock.advance(20)
      await turn()
    }
  }

  #leavesNothing(): void {
    for (const what of this.#origin.wrong) throw new Error(what)
    const { inflight, queued, sleeping, requests, hits, stale, revalidated, answered, misses, coalesced, failures } = this.#fetch.stats()
    const left = {
      calls: this.#calls.size,
      attempts: this.#origin.live().length,
      inflight,
      queued,
      sleeping,
      listeners: this.#listening.size,
    }
    const loads = this.#cache?.pending() ?? { loads: 0, leases: 0 }
    for (const [what, count] of Object.entries({ ...left, ...loads })) if (count !== 0) throw new Error(`${count} ${what} left`)
    // What a stream was given up for after its head is a failure of a call that was answered.
    const failed = Object.values(failures).reduce((sum, count) => sum + count, 0)
    const answers = hits + stale + revalidated + answered + misses + coalesced
    if (answers + failed < requests) throw new Error(`of ${requests} requests ${answers} were answered and ${failed} failed`)
    if (failures.ERR_CLOSED !== undefined) throw new Error('something was closed')
  }

  /** As many as there are places begin at once, and not one more; each request is one of its own. */
  async #hasEveryPlaceOnce(): Promise<void> {
    const { concurrency = 0 } = this.#options
    this.#origin.isHolding = true
    const probes = Array.from({ length: concurrency + 1 }, (_, n) =>
      this.#fetch(`http://probe${n}.test/`, { timeout: 100_000, totalTimeout: 100_000 }).then(
        () => undefined,
        () => undefined,
      ),
    )
    for (let turns = 0; turns < 20; turns += 1) {
      this.#clock.advance(20)
      await turn()
    }
    const hosts = new Set(this.#origin.live().map(({ host }) => host))
    if (hosts.size !== concurrency) throw new Error(`${hosts.size} of ${concurrency} places are free`)
    this.#origin.release()
    await this.#over()
    for (let turns = 0; turns < 200; turns += 1) {
      this.#clock.advance(50)
      await turn()
      if (this.#origin.attempts.size === 0 && this.#fetch.stats().inflight === 0 && turns > 10) break
    }
    await Promise.all(probes)
  }

  async #close(): Promise<void> {
    await this.#cache?.close()
    this.#clock.advance(1000)
    await turn()
    if (this.#clock.timers !== 0) throw new Error(`${this.#clock.timers} timers left`)
    await this.#fetch.close()
  }
}

function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
