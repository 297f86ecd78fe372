/** `createPool`: expensive things that are lent and given back. */

import { AbortWatch } from '../abort-watch.ts'
import { Alarm, type Driver } from '../core/driver.ts'
import { ClosedError, InvalidArgumentError, QueueFullError, TimeoutError } from '../errors.ts'
import type { WaitReport } from '../metrics/wait-report.ts'
import { optionalFunction, optionsObject, wholeNumber } from '../options.ts'
import { report } from '../report.ts'
import { Maker, type Member } from './maker.ts'
import { poolReport } from './metrics.ts'
import { type ResolvedPool, resolvePool } from './options.ts'
import type { Lease, Pool, PoolOptions, PoolStats } from './types.ts'
import { Waiter } from './waiter.ts'

/**
 * Keeps up to `max` resources that are expensive to make, such as connections, and lends each to one caller at a time.
 *
 * ```ts
 * const pool = createPool({
 *   create: () => new Database('app.db'),
 *   prepare: db => ({ byId: db.prepare('select * from users where id = ?') }),
 *   destroy: db => db.close(),
 *   max: 4,
 * })
 * const user = await pool.use((db, { byId }) => byId.get(7))
 * ```
 *
 * Callers are served in the order in which they came; a resource that comes back goes to the first of them, whom no newcomer passes. Of idle ones the
 * one that came back last is lent first, so that the others can go. Throws `ERR_INVALID_ARGUMENT`.
 */
export function createPool<T, S = undefined>(options: PoolOptions<T, S>): Pool<T, S> {
  return new LendingPool(resolvePool(options))
}

class LendingPool<T, S> implements Pool<T, S> {
  readonly #options: ResolvedPool<T, S>
  readonly #driver: Driver
  readonly #aborts = new AbortWatch()
  readonly #counts = { created: 0, destroyed: 0, acquired: 0, failures: 0 }
  /** The one that came back last is last. */
  readonly #idle: Member<T, S>[] = []
  readonly #waiters = new Set<Waiter<Member<T, S>>>()
  readonly #maker: Maker<T, S>
  readonly #tidy = new Alarm(() => this.#reap())
  readonly #report: WaitReport | undefined
  #lent = 0
  #checking = 0
  #closed = false
  readonly #atRest: (() => void)[] = []

  constructor(options: ResolvedPool<T, S>) {
    this.#options = options
    this.#driver = options.driver
    this.#maker = new Maker(options, this.#counts)
    const now = () => this.#driver.now()
    this.#report = options.metrics && poolReport(options.metrics, options.name, () => this.stats(), now)
  }

  async acquire(options?: { signal?: AbortSignal | undefined }): Promise<Lease<T, S>> {
    const { signal }: { signal?: AbortSignal | undefined } = optionsObject(options, 'options')
    return this.#lease(await this.#member(signal))
  }

  async use<R>(
    work: (resource: T, state: S) => R | PromiseLike<R>,
    options?: { signal?: AbortSignal | undefined; isBroken?: (error: unknown) => boolean },
  ): Promise<R> {
    if (typeof work !== 'function') throw new InvalidArgumentError('work', 'a function', work)
    const { signal, isBroken }: NonNullable<typeof options> = optionsObject(options, 'options')
    optionalFunction(isBroken, 'isBroken')
    const member = await this.#member(signal)
    try {
      const result = await work(member.value, member.state)
      this.#back(member, false)
      return result
    } catch (error) {
      this.#back(member, isBroken !== undefined && saysBroken(isBroken, error))
      throw error
    }
  }

  async warmUp(count = Math.max(1, this.#options.min)): Promise<void> {
    if (this.#closed) throw new ClosedError('the pool')
    const wanted = Math.min(wholeNumber(count, 'count'), this.#options.max) - this.#size
    await Promise.all(Array.from({ length: Math.max(0, wanted) }, () => this.#make().finally(() => this.#goOn())))
  }

  stats(): PoolStats {
    const idle = this.#idle.length
    const lent = this.#lent
    return { size: idle + lent + this.#checking, idle, lent, creating: this.#maker.making, waiting: this.#waiters.size, ...this.#counts }
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true
      const error = new ClosedError('the pool')
      this.#driver.set(this.#tidy, Number.POSITIVE_INFINITY)
      for (const waiter of this.#waiters) this.#dismiss(waiter)?.reject(error)
      this.#maker.abort(error)
      for (const member of this.#idle.splice(0)) this.#destroy(member)
    }
    if (this.#lent + this.#maker.making + this.#checking > 0) await new Promise<void>(resolve => void this.#atRest.push(resolve))
    this.#report?.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Resources that are there or on their way. */
  get #size(): number {
    return this.#idle.length + this.#lent + this.#checking + this.#maker.making
  }

  #member(signal: AbortSignal | undefined): Promise<Member<T, S>> {
    if (this.#closed) return Promise.reject(new ClosedError('the pool'))
    if (signal !== undefined && typeof signal?.throwIfAborted !== 'function')
      return Promise.reject(new InvalidArgumentError('signal', 'an AbortSignal', signal))
    if (signal?.aborted) return Promise.reject(signal.reason)
    const { maxQueue, max, acquireTimeout } = this.#options
    if (this.#waiters.size >= maxQueue + max - this.#lent) return Promise.reject(new QueueFullError(maxQueue, 'callers'))
    const waiter = new Waiter<Member<T, S>>(signal, this.#driver, {
      expired: () => this.#dismiss(waiter)?.reject(new TimeoutError('queue', acquireTimeout)),
      aborted: reason => this.#dismiss(waiter)?.reject(reason),
    })
    this.#waiters.add(waiter)
    if (signal !== undefined) this.#aborts.add(signal, waiter)
    waiter.wait(acquireTimeout)
    this.#serve()
    return waiter.promise
  }

  /** Serves those that wait with what is idle, and makes more for the others, as far as that is allowed. */
  #serve(): void {
    if (this.#closed) return
    let served = this.#checking + this.#maker.making
    while (this.#idle.length > 0 && this.#waiters.size > this.#checking) {
      const member = this.#idle.pop() as Member<T, S>
      if (this.#isWorn(member)) this.#destroy(member)
      else if (this.#options.validate === undefined) this.#lend(member)
      else {
        void this.#check(member)
        served += 1
      }
    }
    for (; this.#waiters.size > served && this.#size < this.#options.max; served += 1) void this.#grow()
  }

  async #check(member: Member<T, S>): Promise<void> {
    this.#checking += 1
    const isGood = await this.#maker.isGood(member)
    this.#checking -= 1
    if (isGood) this.#settle(member)
    else this.#destroy(member)
    this.#goOn()
  }

  /** One more, for whoever is first when it is there. When it cannot be made, the first is told. */
  async #grow(): Promise<void> {
    try {
      await this.#make()
    } catch (error) {
      const [first] = this.#waiters
      if (first !== undefined) this.#dismiss(first)?.reject(error)
    }
    this.#goOn()
  }

  #make(): Promise<void> {
    return this.#maker.make(member => this.#settle(member))
  }

  /** A resource is free: it goes to whoever is first, or is idle. */
  #settle(member: Member<T, S>): void {
    if (this.#closed) this.#destroy(member)
    else if (this.#waiters.size > 0) this.#lend(member)
    else this.#keep(member)
  }

  #keep(member: Member<T, S>): void {
    member.idleSince = this.#driver.now()
    this.#idle.push(member)
    this.#plan()
  }

  #lend(member: Member<T, S>): void {
    const [first] = this.#waiters
    const waiter = first && this.#dismiss(first)
    if (waiter === undefined) return this.#keep(member)
    member.uses += 1
    this.#lent += 1
    this.#counts.acquired += 1
    this.#report?.waited(waiter.since)
    waiter.resolve(member)
  }

  #back(member: Member<T, S>, broken: boolean): void {
    this.#lent -= 1
    if (broken || this.#closed || this.#isWorn(member)) this.#destroy(member)
    else this.#keep(member)
    this.#goOn()
  }

  #lease(member: Member<T, S>): Lease<T, S> {
    let out = true
    const back = (broken: boolean) => {
      if (!out) return
      out = false
      this.#back(member, broken)
    }
    const { value, state } = member
    return { value, state, release: () => back(false), discard: () => back(true), [Symbol.dispose]: () => back(false) }
  }

  #isWorn(member: Member<T, S>): boolean {
    const { maxUses, maxLifetime } = this.#options
    return member.uses >= maxUses || (maxLifetime !== Number.POSITIVE_INFINITY && this.#driver.now() - member.bornAt >= maxLifetime)
  }

  #destroy(member: Member<T, S>): void {
    this.#counts.destroyed += 1
    this.#maker.end(member.value)
  }

  /** Lets go of what was idle for too long; the first came back first. */
  #reap(): void {
    const { idleTimeout, min } = this.#options
    const now = this.#driver.now()
    while (this.#size > min && this.#idle[0] !== undefined && now - this.#idle[0].idleSince >= idleTimeout)
      this.#destroy(this.#idle.shift() as Member<T, S>)
    this.#plan()
  }

  #plan(): void {
    const { idleTimeout, min } = this.#options
    const [first] = this.#idle
    const due = first === undefined || this.#size <= min ? Number.POSITIVE_INFINITY : first.idleSince + idleTimeout
    this.#driver.set(this.#tidy, due)
  }

  /** Takes a caller out of line; `undefined` when he is not in it any more. */
  #dismiss(waiter: Waiter<Member<T, S>>): Waiter<Member<T, S>> | undefined {
    if (!this.#waiters.delete(waiter)) return undefined
    if (waiter.signal !== undefined) this.#aborts.remove(waiter.signal, waiter)
    waiter.rest()
    return waiter
  }

  /** Somebody may have counted on what has come back, or has not come about. */
  #goOn(): void {
    this.#serve()
    if (!this.#closed || this.#lent + this.#maker.making + this.#checking > 0) return
    for (const resolve of this.#atRest.splice(0)) resolve()
  }
}

/** Where nobody can say whether a resource is broken, it is taken for that. */
function saysBroken(isBroken: (error: unknown) => boolean, error: unknown): boolean {
  try {
    return isBroken(error) === true
  } catch (thrown) {
    report(thrown, 'isBroken threw')
    return true
  }
}
