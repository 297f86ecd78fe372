/** Makes stale entries leave by themselves: the core's wheel knows when, and one timer serves all of them. */

import { Alarm } from '../../core/driver.ts'
import type { Residents } from './residents.ts'

const NEVER = Number.POSITIVE_INFINITY

/** See the top of this file. Its own time is the machine's; whether an entry is stale is for the owner to say. */
export class Purge {
  readonly #residents: Residents<unknown, unknown>
  /** Deletes what is in a slot if that is stale, or else says after how many ms to ask again. */
  readonly #judge: (slot: number) => number | undefined
  /** Its owner stays while something is to leave, which others may wait to be told of. */
  readonly #alarm = new Alarm(() => this.#ring())
  readonly #due: number[] = []
  /** By slot, the serial number of the expectation: of two that are due together, the older goes first. */
  readonly #turns: number[] = []
  #turn = 0
  #earliest = NEVER

  constructor(residents: Residents<unknown, unknown>, judge: (slot: number) => number | undefined) {
    this.#residents = residents
    this.#judge = judge
  }

  /** What is in `slot` is stale in `ttl` ms; 0 means never. */
  expect(slot: number, ttl: number): void {
    const { core } = this.#residents
    const due = ttl > 0 && ttl !== NEVER ? core.driver.now() + ttl + 1 : NEVER
    this.#due[slot] = due
    this.#turn += 1
    this.#turns[slot] = this.#turn
    core.arm(slot, due)
    if (due >= this.#earliest) return
    this.#earliest = due
    core.driver.set(this.#alarm, due)
  }

  #ring(): void {
    const { core } = this.#residents
    const now = core.driver.now()
    const due: { slot: number; at: number; turn: number }[] = []
    for (let slots = core.expired(); slots.length > 0; slots = core.expired()) {
      for (const slot of slots) due.push({ slot, at: this.#due[slot] ?? NEVER, turn: this.#turns[slot] ?? 0 })
    }
    due.sort((a, b) => a.at - b.at || a.turn - b.turn)
    for (const { slot, at, turn } of due) {
      // Whoever is told of one departure may have changed the others.
      if (!this.#residents.has(slot) || this.#turns[slot] !== turn) continue
      if (at > now) core.arm(slot, at)
      else {
        const again = this.#judge(slot)
        if (again !== undefined) this.expect(slot, again)
      }
    }
    this.#listenAgain()
  }

  #listenAgain(): void {
    const { core } = this.#residents
    if (this.#residents.recover()) for (const [slot, at] of this.#due.entries()) core.arm(slot, at ?? NEVER)
    this.#earliest = core.nextExpiry()
    core.driver.set(this.#alarm, this.#earliest)
  }
}
