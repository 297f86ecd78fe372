/** What a batcher knows by key: loads under way, and those whose values it remembers. */

import type { Load } from './load.ts'

/** So many are looked at when there is one too many: loads under way are passed over, and a call costs the same however many there are. */
const LOOKED_AT = 4

/** See the top of this file. What is remembered beyond `max` is forgotten, the oldest first. */
export class Known<K, V, I> {
  readonly #loads = new Map<I, Load<K, V, I>>()
  readonly #max: number
  #settled = 0
  /** Another one after each `clear`: whether a load is known is asked without looking for it. */
  #age = 0

  constructor(max: number) {
    this.#max = max
  }

  /** How many values are remembered. */
  get settled(): number {
    return this.#settled
  }

  get(id: I): Load<K, V, I> | undefined {
    return this.#loads.get(id)
  }

  /** Knows a load under way, in the place of another. */
  add(load: Load<K, V, I>): void {
    load.known = this.#age
    this.#loads.set(load.id, load)
  }

  /** A load that was under way has its value: remembers it, if it is still known. */
  keep(load: Load<K, V, I>): void {
    if (load.known !== this.#age) return
    if (this.#max === 0) {
      this.#loads.delete(load.id)
      return
    }
    this.#settled += 1
    if (this.#settled > this.#max) this.#makeRoom()
  }

  /** Forgets this load, if it is still known. */
  drop(load: Load<K, V, I>): void {
    if (load.known === this.#age) this.forget(load.id)
  }

  /** Forgets a key. */
  forget(id: I): void {
    const load = this.#loads.get(id)
    if (load === undefined) return
    load.known = -1
    this.#loads.delete(id)
    if (load.state === 'settled') this.#settled -= 1
  }

  /** Forgets everything. */
  clear(): void {
    this.#age += 1
    this.#loads.clear()
    this.#settled = 0
  }

  #makeRoom(): void {
    const loads = this.#loads.values()
    for (let looked = 0; looked < LOOKED_AT; looked += 1) {
      const load = loads.next().value as Load<K, V, I>
      this.#loads.delete(load.id)
      if (load.state === 'settled') {
        load.known = -1
        this.#settled -= 1
        if (this.#settled <= this.#max) return
      } else this.#loads.set(load.id, load)
    }
  }
}
