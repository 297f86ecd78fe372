/**
 * One request's way through the cache: finds what is kept of it, goes over the wire as the cache's loader, and keeps what
 * comes. A loader it is so that whoever deletes the key meanwhile is not overruled by an older answer.
 */

import { type CacheUse, isVariants, type Keepsake, keepsakeOf, variantKey, verdictOn } from './caching.ts'
import type { Desk } from './desk.ts'
import type { RequestLimits } from './options.ts'
import { isStoredResponse, type StoredResponse } from './record.ts'
import type { Times } from './rfc9111/freshness.ts'
import { mayStandIn, type Verdict } from './rfc9111/reuse.ts'
import { compareHead, updated } from './rfc9111/validation.ts'
import type { KeepOptions, ResponseCache } from './types.ts'

/** What a passage asks of its exchange. */
export interface PassageHost {
  readonly ended: boolean
  /** Goes over the wire. */
  send(): void
  /** Answers with what came over the wire, if it has come. */
  deliverAnswer(): boolean
  /** Answers with what the cache has. */
  found(record: StoredResponse, verdict: Exclude<Verdict, 'validate'>): void
  /** The cache does not have it, and nothing may be sent. */
  absent(): void
  /** Whether the request is in the hands of the cache. */
  waitForCache(on: boolean): void
}

/** A request wants its own answer, or one that is fresh; it loads at once, and for itself. */
const itself = () => ({ staleWhileRevalidate: 0, staleIfError: 0, refreshAhead: 1, softTimeout: Number.POSITIVE_INFINITY, negativeTtl: 0 })
/** Names of variants change their minds now and then; more often than this is not worth following. */
const MOST_HOPS = 4
/** What tells variants apart is to be known as long as one of them may be there. */
const VARIANTS_TTL_MS = 86_400_000

type Options = ReturnType<typeof itself> & KeepOptions & { forceFresh?: boolean }
type LoadContext = Parameters<Parameters<ResponseCache['getOrSet']>[1]>[0]

/** All that a loader knows of its request. The cache remembers loaders, and is not to remember answers with them. */
interface Turn {
  load: ((context: LoadContext) => Promise<unknown>) | undefined
}

/** See the top of this file. */
export class Passage {
  readonly #use: CacheUse
  readonly #cache: ResponseCache
  readonly #desk: Desk
  readonly #limits: RequestLimits
  readonly #host: PassageHost
  /** What the cache has and must not be given before its origin was asked. */
  #former: StoredResponse | undefined
  /** The cache itself found it too old. */
  #isExpired = false
  #key: string
  /** What tells variants apart, where there are some. */
  #vary: readonly string[] = []
  /** Tells the cache what to keep, while it waits for that. */
  #load: ((value: unknown) => void) | undefined
  readonly #turn: Turn = { load: context => this.#loaded(context) }
  /** The cache reads how to keep something when it stores: only the answer says it. */
  #options: Options = itself()

  constructor(use: CacheUse, cache: ResponseCache, desk: Desk, limits: RequestLimits, host: PassageHost) {
    this.#use = use
    this.#cache = cache
    this.#desk = desk
    this.#limits = limits
    this.#host = host
    this.#key = use.key
  }

  /** What the origin may be asked about. */
  get former(): StoredResponse | undefined {
    return this.#former
  }

  /** Looks the request up, and sends it when nothing answers it. */
  async enter(): Promise<void> {
    let forceFresh = false
    for (let hop = 0; hop < MOST_HOPS; hop += 1) {
      const found = await this.#ask(forceFresh)
      if (this.#host.ended || this.#host.deliverAnswer()) return
      if (isVariants(found) && this.#load === undefined) {
        this.#vary = found.vary
        this.#key = variantKey(this.#use, found.vary)
        forceFresh = false
        continue
      }
      if (isStoredResponse(found)) {
        const verdict = verdictOn(found, this.#use, this.#desk.clock.wall())
        if (verdict !== 'validate') return this.#host.found(found, verdict)
        this.#former = found
        if (!forceFresh && this.#load === undefined && !this.#onlyLooks) {
          forceFresh = true
          continue
        }
      }
      break
    }
    // The cache gave its load up, having a deadline of its own or being closed. The request is on the wire all the same.
    if (this.#load !== undefined) this.#load = () => this.#host.deliverAnswer()
    else if (this.#use.mode === 'only-if-cached') this.#host.absent()
    else this.#host.send()
  }

  /** Whether what the cache has may stand in for a failure. */
  standIn(): StoredResponse | undefined {
    const kept = this.#former
    if (kept?.freshness === undefined) return undefined
    const { freshness } = kept
    // Then nobody knows for how long it has been too old: not longer than it is kept for that.
    if (this.#isExpired && freshness.lifetime === Number.POSITIVE_INFINITY && freshness.staleIfError === 0) return undefined
    return mayStandIn(freshness, this.#use.asked, this.#desk.clock.wall()) && this.#use.mode !== 'no-cache' ? kept : undefined
  }

  /** Its origin has another, or speaks of one that is not here. */
  forget(): void {
    this.#former = undefined
  }

  /** Keeps what came over the wire, as far as that may be. Whether the cache, which waits for it, goes on from here. */
  keep(record: StoredResponse, times: Times, mayKeep: boolean): boolean | Promise<boolean> {
    if (this.#use.method === 'HEAD') return this.#keepHead(record, times, mayKeep)
    const keepsake = mayKeep ? keepsakeOf(this.#use, record, times, this.#limits, this.#desk.keeping) : undefined
    const isWaiting = this.#load !== undefined
    if (isWaiting) this.#host.waitForCache(true)
    if (keepsake === undefined) {
      // What is kept is out of date, then, and must not stand in for a failure later.
      if (mayKeep && this.#former !== undefined && record.status < 500) this.#desk.spoiled(this.#cache.delete?.(this.#key))
      this.leave()
      return isWaiting
    }
    const vary = keepsake.vary.length === 0 ? [] : [...new Set([...this.#vary, ...keepsake.vary])].sort()
    const key = variantKey(this.#use, vary)
    const writes: Promise<unknown>[] = []
    // The variant comes before its sign: whoever sees that finds it.
    if (!isWaiting || key !== this.#key)
      writes.push(this.#cache.set(key, keepsake.record as never, { ...itself(), ...optionsOf(keepsake) }))
    const sign = { ...optionsOf(keepsake), ...(keepsake.ttl !== undefined && { ttl: Math.max(keepsake.ttl, VARIANTS_TTL_MS) }) }
    if (vary.length > 0 && (!isWaiting || this.#key !== this.#use.key))
      writes.push(this.#cache.set(this.#use.key, { vary } as never, { ...itself(), ...sign }))
    const stored = Promise.all(writes).catch(() => {
      this.#desk.counts.cacheFailures += 1
    })
    if (!isWaiting) return stored.then(() => false)
    if (key === this.#key) this.#hand(keepsake.record, optionsOf(keepsake))
    else if (vary.length > 0 && this.#key === this.#use.key) this.#hand({ vary }, sign)
    else this.leave()
    return true
  }

  /** The answer to a HEAD is not kept. Where it is that of what is kept for GET, its fields are, and that is as new as they are. */
  #keepHead(head: StoredResponse, times: Times, mayKeep: boolean): boolean | Promise<boolean> {
    const former = this.#former
    if (!mayKeep || former === undefined || compareHead(head, former) !== 'same' || !this.#isStillKept(former)) return false
    const { freshness, ...rest } = former
    const use = { ...this.#use, method: 'GET' as const }
    const record = { ...rest, headers: updated(former.headers, head.headers) }
    const keepsake = keepsakeOf(use, record, times, this.#limits, this.#desk.keeping)
    if (keepsake === undefined) {
      this.#desk.spoiled(this.#cache.delete?.(this.#key))
      return false
    }
    const stored = this.#cache.set(this.#key, keepsake.record as never, { ...itself(), ...optionsOf(keepsake) })
    return stored
      .catch(() => {
        this.#desk.counts.cacheFailures += 1
      })
      .then(() => false)
  }

  /** Whether nobody has deleted it meanwhile, or put another in its place. */
  #isStillKept({ freshness }: StoredResponse): boolean {
    const { memory } = this.#cache
    const now = memory.peek === undefined ? memory.get(this.#key) : memory.peek(this.#key)
    return isStoredResponse(now) && now.freshness?.born === freshness?.born
  }

  /** Gives back the turn of its load, if it has one. */
  leave(): void {
    this.#load?.(undefined)
  }

  /** The request has ended. */
  end(): void {
    this.#turn.load = undefined
    this.leave()
  }

  /** Only looks whether something is there. */
  get #onlyLooks(): boolean {
    return this.#use.mode === 'only-if-cached' || this.#use.method === 'HEAD'
  }

  async #ask(forceFresh: boolean): Promise<unknown> {
    this.#options = forceFresh ? { ...itself(), forceFresh } : itself()
    try {
      const finding = this.#cache.getOrSet(this.#key, loaderOf(this.#turn), this.#options)
      if (this.#load === undefined) this.#host.waitForCache(true)
      return await finding
    } catch {
      if (!this.#host.ended) this.#desk.counts.cacheFailures += 1
      return undefined
    }
  }

  /**
   * The loader. The cache may take its time to call it: by then nobody may wait any more. What must not be kept says
   * nothing about what the cache has, so it is skipped.
   */
  #loaded(context: LoadContext): Promise<unknown> {
    if (this.#onlyLooks) return Promise.resolve(context?.skip())
    if (isStoredResponse(context?.stale) && this.#former === undefined) {
      this.#former = context.stale
      this.#isExpired = true
    }
    this.#host.waitForCache(false)
    return new Promise(resolve => {
      this.#load = value => resolve(value ?? context?.skip())
      this.#host.send()
    })
  }

  #hand(value: unknown, options: KeepOptions): void {
    Object.assign(this.#options, options)
    this.#load?.(value)
  }
}

function loaderOf(turn: Turn): (context: LoadContext) => Promise<never> {
  return context => (turn.load?.(context) ?? Promise.resolve(context?.skip())) as Promise<never>
}

function optionsOf({ ttl, retention, memoryOnly }: Keepsake): KeepOptions {
  return {
    ...(ttl !== undefined && { ttl }),
    ...(retention > 0 && { staleIfError: retention }),
    ...(memoryOnly && { skipTierWrite: true }),
  }
}
