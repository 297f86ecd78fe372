/** The lanes of a schedule, by key. One lives here as long as in the core: while it has tasks, or is held. */

/** See the top of this file. */
export interface Lane {
  /** Its name in the core. */
  id: number
  tasks: number
  /** Until when it is held, on the driver's timeline. */
  held: number
}

/** So many lanes are kept without asking whether they are needed; beyond that, each new one asks so many others. */
const LANES_KEPT = 1000
const LANES_ASKED = 4

/** See the top of this file. */
export class ScheduleLanes {
  readonly #lanes = new Map<string, Lane>()

  get(key: string): Lane | undefined {
    return this.#lanes.get(key)
  }

  /** A new one with a task. Those that were held and have none are found when others come: a few each time. */
  add(key: string, id: number, now: number): void {
    const lanes = this.#lanes.entries()
    for (let at = Math.min(LANES_ASKED, this.#lanes.size - LANES_KEPT); at > 0; at -= 1) {
      const [other, lane] = lanes.next().value as [string, Lane]
      this.#lanes.delete(other)
      if (lane.tasks > 0 || lane.held > now) this.#lanes.set(other, lane)
    }
    this.#lanes.set(key, { id, tasks: 1, held: 0 })
  }

  /** A task has ended. */
  leave(key: string): void {
    const lane = this.#lanes.get(key)
    if (lane === undefined) return
    lane.tasks -= 1
    if (lane.tasks === 0 && lane.held === 0) this.#lanes.delete(key)
  }

  clear(): void {
    this.#lanes.clear()
  }
}
