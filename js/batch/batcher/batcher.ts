/** `createBatcher`: many small loads become few large ones. */

import { AbortWatch } from '../../abort-watch.ts'
import { afterPromises } from '../../after-promises.ts'
import { Alarm, type Driver } from '../../core/driver.ts'
import { ClosedError, InvalidArgumentError, QueueFullError, type ShelflifeError, TimeoutError, thrownBy } from '../../errors.ts'
import { wholeNumber } from '../../options.ts'
import { BatchResultError } from '../errors.ts'
import { Backlog } from './backlog.ts'
import { type Flight, Flights, type FlightsHost } from './flights.ts'
import { Known } from './known.ts'
import { Caller, Load, STAYS } from './load.ts'
import { countedBytes, type ResolvedBatcher, resolveBatcher, signalOf } from './options.ts'
import type { Batcher, BatcherOptions, BatcherStats, Loaded, LoadMany } from './types.ts'

/**
 * Gathers keys that are asked for one by one and loads them together, each key once; the vocabulary is that of DataLoader.
 *
 * ```ts
 * const users = createBatcher(async (ids: number[], { signal }) => {
 *   const rows = await db.query('select * from users where id = any($1)', [ids], { signal })
 *   return new Map(rows.map(row => [row.id, row]))
 * }, { maxBatchSize: 100 })
 * const [ada, grace] = await Promise.all([users.load(1), users.load(2)])   // one query
 * ```
 *
 * Values are remembered, bounded in number; failures are not. Throws `ERR_INVALID_ARGUMENT`.
 */
export function createBatcher<K, V, I = K>(loadMany: LoadMany<K, V>, options?: BatcherOptions<K, I>): Batcher<K, V> {
  if (typeof loadMany !== 'function') throw new InvalidArgumentError('loadMany', 'a function', loadMany)
  return new GatheringBatcher(loadMany, resolveBatcher(options))
}

class GatheringBatcher<K, V, I> implements Batcher<K, V>, FlightsHost<K, V, I> {
  readonly #options: ResolvedBatcher<K, I>
  readonly #driver: Driver
  readonly #known: Known<K, V, I>
  #maxBatchSize: number
  readonly #aborts = new AbortWatch()
  readonly #window = new Alarm(() => this.#ripen(), { holds: true })
  readonly #counts = { loads: 0, hits: 0, coalesced: 0, batches: 0, failed: 0 }
  readonly #flights: Flights<K, V, I>
  readonly #backlog = new Backlog<K, V, I>()
  /** Halves of batches that threw; they go before the queue. */
  readonly #parts: Load<K, V, I>[][] = []
  /** Whether what waits has waited long enough. */
  #ripe = false
  #ripens = false
  #dispatching = false
  #closed = false
  readonly #idle: (() => void)[] = []

  constructor(loadMany: LoadMany<K, V>, options: ResolvedBatcher<K, I>) {
    this.#options = options
    this.#driver = options.driver
    this.#known = new Known(options.cached)
    this.#maxBatchSize = options.maxBatchSize
    this.#flights = new Flights(loadMany, options, this)
  }

  get maxBatchSize(): number {
    return this.#maxBatchSize
  }

  set maxBatchSize(size: number) {
    this.#maxBatchSize = wholeNumber(size, 'maxBatchSize', { infinite: true })
    if (this.#backlog.waiting >= size) this.#ripenSoon()
  }

  load(key: K, options?: { signal?: AbortSignal | undefined }): Promise<V> {
    try {
      const signal = options === undefined ? undefined : signalOf(options)
      const load = this.#wanted(key)
      if (signal === undefined) {
        load.callers = STAYS
        return load.promise
      }
      if (load.callers < STAYS) load.callers += 1
      return new Caller(load.promise, signal, this.#aborts, () => this.#left(load)).promise
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async loadMany(keys: readonly K[], options?: { signal?: AbortSignal | undefined }): Promise<(V | Error)[]> {
    if (!Array.isArray(keys)) throw new InvalidArgumentError('keys', 'an array', keys)
    const signal = options === undefined ? undefined : signalOf(options)
    const outcomes = await Promise.all(keys.map(key => this.load(key, options).catch((error: unknown) => new Failed(error))))
    signal?.throwIfAborted()
    return outcomes.map(outcome => (outcome instanceof Failed ? asError(outcome.error) : outcome))
  }

  prime(key: K, value: V): this {
    if (value instanceof Error) throw new InvalidArgumentError('value', 'a value: failures are not remembered', value)
    const id = this.#idOf(key)
    if (this.#closed || this.#fresh(id) !== undefined) return this
    const load = new Load<K, V, I>(key, id, 0)
    load.resolve(value)
    this.#known.add(load)
    this.#remember(load)
    return this
  }

  clear(key: K): this {
    this.#known.forget(this.#idOf(key))
    return this
  }

  clearAll(): this {
    this.#known.clear()
    return this
  }

  flush(): Promise<void> {
    if (this.#backlog.waiting > 0) this.#ripen()
    if (this.#isIdle) return Promise.resolve()
    return new Promise(resolve => void this.#idle.push(resolve))
  }

  stats(): BatcherStats {
    return { ...this.#counts, waiting: this.#backlog.waiting, running: this.#flights.size, cached: this.#known.settled }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    const error = new ClosedError('the batcher')
    const unsent = [...this.#clearBacklog(), ...this.#parts.splice(0).flat()]
    const flights = this.#flights.all()
    for (const load of unsent) this.#reject(load, error)
    for (const flight of flights) {
      if (!this.#flights.land(flight)) continue
      for (const load of flight.loads) this.#reject(load, error)
      flight.late.abort(error)
    }
    this.#known.clear()
    this.#rest()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** The load of `key`: one that is remembered or under way, or a new one. */
  #wanted(key: K): Load<K, V, I> {
    if (this.#closed) throw new ClosedError('the batcher')
    const id = this.#idOf(key)
    const known = this.#fresh(id)
    if (known !== undefined) {
      this.#counts[known.state === 'settled' ? 'hits' : 'coalesced'] += 1
      this.#counts.loads += 1
      return known
    }
    const { maxQueue, maxWait, maxBytes, sizeOf } = this.#options
    if (this.#backlog.waiting >= maxQueue) throw new QueueFullError(maxQueue, 'keys')
    const load = new Load<K, V, I>(key, id, maxWait === 0 ? 0 : this.#driver.now())
    if (maxBytes !== Number.POSITIVE_INFINITY) load.bytes = countedBytes(sizeOf(key))
    this.#counts.loads += 1
    this.#known.add(load)
    const backlog = this.#backlog
    backlog.push(load)
    if (this.#ripe || this.#ripens) return load
    if (maxWait === 0 || backlog.waiting >= this.#maxBatchSize || backlog.bytes >= maxBytes) this.#ripenSoon()
    else if (backlog.waiting === 1) this.#driver.set(this.#window, load.at + maxWait)
    return load
  }

  /** What is known of a key, unless its time is over. */
  #fresh(id: I): Load<K, V, I> | undefined {
    const known = this.#known.get(id)
    if (known === undefined || this.#options.ttl === Number.POSITIVE_INFINITY || known.state !== 'settled') return known
    if (this.#driver.now() < known.at) return known
    this.#known.forget(id)
    return undefined
  }

  #idOf(key: K): I {
    if (key === undefined || key === null) throw new InvalidArgumentError('key', 'a key, not null or undefined', key)
    const { keyOf } = this.#options
    return keyOf === undefined ? (key as unknown as I) : keyOf(key)
  }

  /** A caller gave up. */
  #left(load: Load<K, V, I>): void {
    if (load.callers < STAYS) load.callers -= 1
    // It may have ended, while its callers have not been told yet.
    if (load.callers > 0 || load.state === 'settled' || load.state === 'gone') return
    this.#known.drop(load)
    if (load.state === 'sent') {
      this.#flights.left(load.sentWith as Flight<K, V, I>)
      return
    }
    this.#backlog.leave(load)
    if (this.#backlog.waiting === 0) this.#clearBacklog()
  }

  /** A batch is full: it goes with what else this turn brings. */
  #ripenSoon(): void {
    this.#ripens = true
    afterPromises(() => {
      this.#ripens = false
      if (this.#options.maxWait === 0) this.#ripen()
      else this.#dispatch()
    })
  }

  #ripen(): void {
    this.#ripe = this.#backlog.waiting > 0
    this.#dispatch()
  }

  /** Sends what is due, as far as `concurrency` allows. */
  #dispatch(): void {
    if (this.#dispatching || this.#closed) return
    this.#dispatching = true
    const { concurrency } = this.#options
    while (this.#flights.size < concurrency) {
      const loads = this.#takePart() ?? this.#takeDue()
      if (loads === undefined) break
      this.#counts.batches += 1
      this.#flights.send(loads)
    }
    this.#dispatching = false
    if (this.#backlog.waiting === 0) this.#clearBacklog()
    else if (!this.#ripe) this.#awaitFirst()
    this.#rest()
  }

  /** The next part of a batch that threw, as far as somebody waits for it still. */
  #takePart(): Load<K, V, I>[] | undefined {
    for (let part = this.#parts.pop(); part !== undefined; part = this.#parts.pop()) {
      const wanted = part.filter(isWanted)
      if (wanted.length > 0) return wanted
    }
    return undefined
  }

  /** The next batch of those that wait, if one is due. */
  #takeDue(): Load<K, V, I>[] | undefined {
    const { maxBytes } = this.#options
    const { waiting, bytes } = this.#backlog
    const isDue = waiting > 0 && (this.#ripe || waiting >= this.#maxBatchSize || bytes >= maxBytes)
    return isDue ? this.#backlog.take(this.#maxBatchSize, maxBytes) : undefined
  }

  /** The window of those that are left begins with the first of them. */
  #awaitFirst(): void {
    const first = this.#backlog.first()
    if (first !== undefined) this.#driver.set(this.#window, first.at + this.#options.maxWait)
  }

  #clearBacklog(): Load<K, V, I>[] {
    this.#ripe = false
    this.#driver.set(this.#window, Number.POSITIVE_INFINITY)
    return this.#backlog.clear()
  }

  // What becomes of a batch.

  answered(flight: Flight<K, V, I>, loaded: Loaded<K, V>): void {
    const { loads } = flight
    const byKey = loaded instanceof Map ? (loaded as ReadonlyMap<K, V | Error>) : undefined
    if (byKey === undefined && !(Array.isArray(loaded) && loaded.length === loads.length))
      return this.#failed(flight, new BatchResultError(loads.length, loaded))
    if (!this.#flights.land(flight)) return
    let failed = 0
    for (let at = 0; at < loads.length; at += 1) {
      const load = loads[at] as Load<K, V, I>
      const value = byKey === undefined ? (loaded as readonly (V | Error)[])[at] : (byKey.get(load.key) as V | Error)
      if (value instanceof Error) {
        failed += 1
        this.#reject(load, value)
      } else {
        load.resolve(value as V)
        this.#remember(load)
      }
    }
    this.#options.meters?.items('ok', loads.length - failed)
    this.#options.meters?.items('failed', failed)
    this.#dispatch()
  }

  threw(flight: Flight<K, V, I>, error: ShelflifeError): void {
    const { loads } = flight
    if (!this.#options.isolate || loads.length === 1) return this.#failed(flight, error)
    if (!this.#flights.land(flight)) return
    const wanted = loads.filter(isWanted)
    const half = Math.ceil(wanted.length / 2)
    for (const part of [wanted.slice(half), wanted.slice(0, half)]) if (part.length > 0) this.#parts.push(part)
    this.#dispatch()
  }

  expired(flight: Flight<K, V, I>): void {
    const error = new TimeoutError('loader', this.#options.timeout)
    this.#failed(flight, error)
    flight.late.abort(error)
  }

  #failed(flight: Flight<K, V, I>, error: ShelflifeError): void {
    if (!this.#flights.land(flight)) return
    for (const load of flight.loads) this.#reject(load, error)
    this.#options.meters?.items('failed', flight.loads.length)
    this.#dispatch()
  }

  #remember(load: Load<K, V, I>): void {
    const { ttl } = this.#options
    if (ttl !== Number.POSITIVE_INFINITY) load.at = this.#driver.now() + ttl
    this.#known.keep(load)
  }

  #reject(load: Load<K, V, I>, error: unknown): void {
    this.#counts.failed += 1
    this.#known.drop(load)
    load.reject(error)
  }

  get #isIdle(): boolean {
    return this.#backlog.waiting === 0 && this.#flights.size === 0 && this.#parts.length === 0
  }

  #rest(): void {
    if (this.#idle.length > 0 && this.#isIdle) for (const resolve of this.#idle.splice(0)) resolve()
  }
}

function isWanted({ callers }: { readonly callers: number }): boolean {
  return callers > 0
}

/** An outcome of `load` that was a rejection; a value may be anything. */
class Failed {
  readonly error: unknown

  constructor(error: unknown) {
    this.error = error
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : thrownBy('the function of the batcher', error)
}
