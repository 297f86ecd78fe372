/** `createBatcher`: many small loads become few large ones. */

import { AbortWatch } from '../../abort-watch.ts'
import { afterPromises } from '../../after-promises.ts'
import { Alarm, type Driver } from '../../core/driver.ts'
import { ClosedError, InvalidArgumentError, QueueFullError, type ShelflifeError, TimeoutError, thrownBy } from '../../errors.ts'
import { LateSignal } from '../../late-signal.ts'
import { wholeNumber } from '../../options.ts'
import { BatchResultError } from '../errors.ts'
import { Known } from './known.ts'
import { Caller, Load, type Sent, STAYS } from './load.ts'
import { type ResolvedBatcher, resolveBatcher } from './options.ts'
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

/** So many that are sent may stay in front of the queue before they are taken out. */
const MOST_PASSED = 1024

interface Flight<K, V, I> extends Sent {
  readonly loads: readonly Load<K, V, I>[]
  readonly late: LateSignal
  readonly begunAt: number
  readonly alarm: Alarm | undefined
}

class GatheringBatcher<K, V, I> implements Batcher<K, V> {
  readonly #loadMany: LoadMany<K, V>
  readonly #options: ResolvedBatcher<K, I>
  readonly #driver: Driver
  readonly #known: Known<K, V, I>
  #maxBatchSize: number
  readonly #aborts = new AbortWatch()
  readonly #window = new Alarm(() => this.#ripen(), { holds: true })
  readonly #counts = { loads: 0, hits: 0, coalesced: 0, batches: 0, failed: 0 }
  readonly #flights = new Set<Flight<K, V, I>>()
  /** What waits, in order; those that are gone are passed over. */
  #queue: Load<K, V, I>[] = []
  /** Where the first of them stands. */
  #head = 0
  #waiting = 0
  #bytes = 0
  /** Halves of batches that threw; they go before the queue. */
  readonly #parts: Load<K, V, I>[][] = []
  /** Whether what waits has waited long enough. */
  #ripe = false
  #ripens = false
  #dispatching = false
  #closed = false
  readonly #idle: (() => void)[] = []

  constructor(loadMany: LoadMany<K, V>, options: ResolvedBatcher<K, I>) {
    this.#loadMany = loadMany
    this.#options = options
    this.#driver = options.driver
    this.#known = new Known(options.cached)
    this.#maxBatchSize = options.maxBatchSize
  }

  get maxBatchSize(): number {
    return this.#maxBatchSize
  }

  set maxBatchSize(size: number) {
    this.#maxBatchSize = wholeNumber(size, 'maxBatchSize', { infinite: true })
    if (this.#waiting >= size) this.#ripenSoon()
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
    if (this.#waiting > 0) this.#ripen()
    if (this.#isIdle) return Promise.resolve()
    return new Promise(resolve => void this.#idle.push(resolve))
  }

  stats(): BatcherStats {
    return { ...this.#counts, waiting: this.#waiting, running: this.#flights.size, cached: this.#known.settled }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    const error = new ClosedError('the batcher')
    const unsent = [...this.#queue.filter(load => load.state === 'waiting'), ...this.#parts.flat()]
    const flights = [...this.#flights]
    this.#clearQueue()
    this.#waiting = 0
    this.#parts.length = 0
    for (const load of unsent) this.#reject(load, error)
    for (const flight of flights) {
      if (!this.#land(flight)) continue
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
    if (this.#waiting >= maxQueue) throw new QueueFullError(maxQueue, 'keys')
    const load = new Load<K, V, I>(key, id, maxWait === 0 ? 0 : this.#driver.now())
    if (maxBytes !== Number.POSITIVE_INFINITY) {
      load.bytes = countedBytes(sizeOf(key))
      this.#bytes += load.bytes
    }
    this.#counts.loads += 1
    this.#known.add(load)
    this.#queue.push(load)
    this.#waiting += 1
    if (this.#ripe || this.#ripens) return load
    if (maxWait === 0 || this.#waiting >= this.#maxBatchSize || this.#bytes >= maxBytes) this.#ripenSoon()
    else if (this.#waiting === 1) this.#driver.set(this.#window, load.at + maxWait)
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
    if (load.state === 'waiting') {
      load.state = 'gone'
      this.#waiting -= 1
      this.#bytes -= load.bytes
      if (this.#waiting === 0) this.#clearQueue()
      return
    }
    const flight = load.sentWith as Flight<K, V, I>
    flight.wanted -= 1
    if (flight.wanted === 0 && this.#flights.has(flight))
      flight.late.abort(new DOMException('nobody waits for these keys any more', 'AbortError'))
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
    this.#ripe = this.#waiting > 0
    this.#dispatch()
  }

  /** Sends what is due, as far as `concurrency` allows. */
  #dispatch(): void {
    if (this.#dispatching || this.#closed) return
    this.#dispatching = true
    const { concurrency } = this.#options
    while (this.#flights.size < concurrency) {
      const loads = this.#takePart() ?? (this.#isDue ? this.#take() : undefined)
      if (loads === undefined) break
      this.#send(loads)
    }
    this.#dispatching = false
    if (this.#waiting === 0) this.#clearQueue()
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

  get #isDue(): boolean {
    const { maxBytes } = this.#options
    return this.#waiting > 0 && (this.#ripe || this.#waiting >= this.#maxBatchSize || this.#bytes >= maxBytes)
  }

  /** The window of those that are left begins with the first of them. */
  #awaitFirst(): void {
    this.#dropPassed()
    const first = this.#queue.find(load => load.state === 'waiting')
    if (first !== undefined) this.#driver.set(this.#window, first.at + this.#options.maxWait)
  }

  #dropPassed(): void {
    this.#queue = this.#queue.slice(this.#head)
    this.#head = 0
  }

  #clearQueue(): void {
    this.#queue = []
    this.#head = 0
    this.#ripe = false
    this.#driver.set(this.#window, Number.POSITIVE_INFINITY)
  }

  /** The next batch off the queue. */
  #take(): Load<K, V, I>[] {
    const { maxBytes } = this.#options
    const loads: Load<K, V, I>[] = []
    let bytes = 0
    for (; this.#head < this.#queue.length && loads.length < this.#maxBatchSize; this.#head += 1) {
      const load = this.#queue[this.#head] as Load<K, V, I>
      if (load.state !== 'waiting') continue
      if (loads.length > 0 && bytes + load.bytes > maxBytes) break
      bytes += load.bytes
      load.state = 'sent'
      loads.push(load)
    }
    if (this.#head >= MOST_PASSED && this.#head * 2 >= this.#queue.length) this.#dropPassed()
    this.#waiting -= loads.length
    this.#bytes -= bytes
    return loads
  }

  #send(loads: Load<K, V, I>[]): void {
    const { timeout, meters } = this.#options
    const late = new LateSignal()
    const timed = timeout !== Number.POSITIVE_INFINITY
    const begunAt = timed || meters !== undefined ? this.#driver.now() : 0
    const alarm = timed ? new Alarm(() => this.#expired(flight), { holds: true }) : undefined
    const flight: Flight<K, V, I> = { loads, late, begunAt, alarm, wanted: loads.length }
    this.#flights.add(flight)
    this.#counts.batches += 1
    if (alarm !== undefined) this.#driver.set(alarm, begunAt + timeout)
    const keys = new Array<K>(loads.length)
    for (let at = 0; at < loads.length; at += 1) {
      const load = loads[at] as Load<K, V, I>
      load.sentWith = flight
      keys[at] = load.key
    }
    let answer: Loaded<K, V> | PromiseLike<Loaded<K, V>>
    try {
      answer = this.#loadMany(keys, late)
      // Here, too, since what looks like a promise may be anything.
      if (typeof (answer as PromiseLike<unknown> | undefined)?.then === 'function') {
        Promise.resolve(answer).then(
          loaded => this.#answered(flight, loaded),
          error => this.#threw(flight, thrownBy('the function of the batcher', error)),
        )
        return
      }
    } catch (error) {
      this.#threw(flight, thrownBy('the function of the batcher', error))
      return
    }
    this.#answered(flight, answer as Loaded<K, V>)
  }

  #answered(flight: Flight<K, V, I>, loaded: Loaded<K, V>): void {
    const { loads } = flight
    const byKey = loaded instanceof Map ? (loaded as ReadonlyMap<K, V | Error>) : undefined
    if (byKey === undefined && !(Array.isArray(loaded) && loaded.length === loads.length))
      return this.#failed(flight, new BatchResultError(loads.length, loaded))
    if (!this.#land(flight)) return
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

  #threw(flight: Flight<K, V, I>, error: ShelflifeError): void {
    const { loads } = flight
    if (!this.#options.isolate || loads.length === 1) return this.#failed(flight, error)
    if (!this.#land(flight)) return
    const wanted = loads.filter(isWanted)
    const half = Math.ceil(wanted.length / 2)
    for (const part of [wanted.slice(half), wanted.slice(0, half)]) if (part.length > 0) this.#parts.push(part)
    this.#dispatch()
  }

  #expired(flight: Flight<K, V, I>): void {
    const error = new TimeoutError('loader', this.#options.timeout)
    this.#failed(flight, error)
    flight.late.abort(error)
  }

  #failed(flight: Flight<K, V, I>, error: ShelflifeError): void {
    if (!this.#land(flight)) return
    for (const load of flight.loads) this.#reject(load, error)
    this.#options.meters?.items('failed', flight.loads.length)
    this.#dispatch()
  }

  /** Takes a flight off the list. False when it was settled before: its time had passed, or the batcher is closed. */
  #land(flight: Flight<K, V, I>): boolean {
    if (!this.#flights.delete(flight)) return false
    if (flight.alarm !== undefined) this.#driver.set(flight.alarm, Number.POSITIVE_INFINITY)
    const { meters } = this.#options
    meters?.call(flight.loads.length, (this.#driver.now() - flight.begunAt) / 1000)
    return true
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
    return this.#waiting === 0 && this.#flights.size === 0 && this.#parts.length === 0
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

/** `sizeOf` is a user's: what is no number would end all limits on bytes. */
function countedBytes(bytes: unknown): number {
  if (typeof bytes !== 'number' || !(bytes >= 0))
    throw new InvalidArgumentError('sizeOf', 'a function that returns a number of bytes', bytes)
  return bytes
}

function signalOf(options: { signal?: AbortSignal | undefined }): AbortSignal | undefined {
  if (typeof options !== 'object' || options === null) throw new InvalidArgumentError('options', 'an object of options', options)
  const { signal } = options
  if (signal === undefined) return undefined
  if (typeof signal?.throwIfAborted !== 'function') throw new InvalidArgumentError('signal', 'an AbortSignal', signal)
  signal.throwIfAborted()
  return signal
}
