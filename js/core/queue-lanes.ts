/** What shares a limit per key, as long as it has turns. */

/** One of them. */
export interface QueueLane {
  readonly key: string
  /** Its name in the core, or -1. */
  id: number
  turns: number
}

/** See the top of this file. */
export class QueueLanes {
  readonly #lanes = new Map<string, QueueLane>()
  /** Most turns have the key of the one before. */
  #latest: QueueLane | undefined

  of(key: string): QueueLane {
    if (this.#latest?.key === key) return this.#latest
    let lane = this.#lanes.get(key)
    if (lane === undefined) {
      lane = { key, id: -1, turns: 0 }
      this.#lanes.set(key, lane)
    }
    this.#latest = lane
    return lane
  }

  /** There is one more turn of this key. */
  join(key: string): QueueLane {
    const lane = this.of(key)
    lane.turns += 1
    return lane
  }

  /** There is one less. */
  leave(key: string): void {
    const lane = this.of(key)
    lane.turns -= 1
    if (lane.turns > 0) return
    this.#lanes.delete(key)
    this.#latest = undefined
  }
}
