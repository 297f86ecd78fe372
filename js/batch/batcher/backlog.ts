/** Keys that wait to be loaded, in the order in which they were asked for. */

import type { Load } from './load.ts'

/** So many that are sent may stay in front before they are taken out. */
const MOST_PASSED = 1024

/** See the top of this file. Those that nobody wants any more stay in it, and are passed over. */
export class Backlog<K, V, I> {
  /** How many wait, and the bytes of their keys. */
  waiting = 0
  bytes = 0
  #loads: Load<K, V, I>[] = []
  /** Where the first of them stands. */
  #head = 0

  push(load: Load<K, V, I>): void {
    this.#loads.push(load)
    this.waiting += 1
    this.bytes += load.bytes
  }

  /** Nobody wants this one any more, which waits. */
  leave(load: Load<K, V, I>): void {
    load.state = 'gone'
    this.waiting -= 1
    this.bytes -= load.bytes
  }

  /** The first that waits. */
  first(): Load<K, V, I> | undefined {
    this.#dropPassed()
    return this.#loads.find(isWaiting)
  }

  /** Takes the next ones, so many and of so many bytes at most; a key that has more goes alone. */
  take(most: number, mostBytes: number): Load<K, V, I>[] {
    const taken: Load<K, V, I>[] = []
    let bytes = 0
    for (; this.#head < this.#loads.length && taken.length < most; this.#head += 1) {
      const load = this.#loads[this.#head] as Load<K, V, I>
      if (load.state !== 'waiting') continue
      if (taken.length > 0 && bytes + load.bytes > mostBytes) break
      bytes += load.bytes
      load.state = 'sent'
      taken.push(load)
    }
    if (this.#head >= MOST_PASSED && this.#head * 2 >= this.#loads.length) this.#dropPassed()
    this.waiting -= taken.length
    this.bytes -= bytes
    return taken
  }

  /** Empties it, and returns those that wait. */
  clear(): Load<K, V, I>[] {
    const left = this.waiting === 0 ? [] : this.#loads.filter(isWaiting)
    this.#loads = []
    this.#head = 0
    this.waiting = 0
    this.bytes = 0
    return left
  }

  #dropPassed(): void {
    this.#loads = this.#loads.slice(this.#head)
    this.#head = 0
  }
}

function isWaiting({ state }: { readonly state: string }): boolean {
  return state === 'waiting'
}
