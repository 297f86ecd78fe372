/** One key on its way: who waits for it, and the promise they share. */

import type { Abortable, AbortWatch } from '../../abort-watch.ts'

/** What settles the promise that is being made: one function takes it for all, since one for each would cost a third of a load. */
const taken = { resolve: nothing as (value: unknown) => void, reject: nothing as (error: unknown) => void }

function take(resolve: (value: unknown) => void, reject: (error: unknown) => void): void {
  taken.resolve = resolve
  taken.reject = reject
}

/** What a batch that is sent must know of those who wait for it. */
export interface Sent {
  /** How many of its loads somebody waits for. */
  wanted: number
}

/** More than there can be. A small integer: `Infinity` would take memory of its own in every load. */
export const STAYS = 2 ** 30

/** See the top of this file. */
export class Load<K, V, I> {
  readonly key: K
  readonly id: I
  readonly promise: Promise<V>
  #resolve: (value: V) => void
  #reject: (error: unknown) => void
  /** `'gone'`: it failed, or all who wanted it gave up before it was sent. */
  state: 'waiting' | 'sent' | 'settled' | 'gone' = 'waiting'
  /** On the driver's timeline: since when it waits, later until when its value serves. */
  at: number
  /** Of the key, where batches are limited in bytes. */
  bytes = 0
  /** Of which age it is known; -1 when it is not. */
  known = -1
  /** Callers who may yet give up; {@link STAYS} once there is one who cannot. */
  callers = 0
  /** The batch it was sent with last, until its value comes. */
  sentWith: Sent | undefined = undefined

  constructor(key: K, id: I, at: number) {
    this.key = key
    this.id = id
    this.at = at
    this.promise = new Promise<unknown>(take) as Promise<V>
    this.#resolve = taken.resolve
    this.#reject = taken.reject
  }

  /** Its value came. What settles the promise is let go of: the load may be remembered for long. */
  resolve(value: V): void {
    this.state = 'settled'
    this.#resolve(value)
    this.#resolve = nothing
    this.#reject = nothing
    this.sentWith = undefined
  }

  /** It failed. */
  reject(error: unknown): void {
    this.state = 'gone'
    this.#reject(error)
  }
}

function nothing(): void {}

/** A caller who may give up. */
export class Caller<V> implements Abortable {
  readonly promise: Promise<V>
  readonly #onLeave: () => void
  #settle: { readonly resolve: (value: V) => void; readonly reject: (error: unknown) => void } | undefined
  readonly #rest: () => void

  /** `onLeave` is called when he gives up before the load ends. The signal must not be aborted yet. */
  constructor(load: Promise<V>, signal: AbortSignal, aborts: AbortWatch, onLeave: () => void) {
    this.#onLeave = onLeave
    this.#rest = () => aborts.remove(signal, this)
    aborts.add(signal, this)
    this.promise = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    load.then(
      value => this.#end()?.resolve(value),
      error => this.#end()?.reject(error),
    )
  }

  aborted(reason: unknown): void {
    const settle = this.#end()
    if (settle === undefined) return
    settle.reject(reason)
    this.#onLeave()
  }

  #end(): { readonly resolve: (value: V) => void; readonly reject: (error: unknown) => void } | undefined {
    const settle = this.#settle
    if (settle !== undefined) this.#rest()
    this.#settle = undefined
    return settle
  }
}
