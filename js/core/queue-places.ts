/**
 * Which turn is at which place in the core, and what it is called there: the core uses a place again, under another name, as soon as it is done with a
 * turn, which may not have heard of that yet.
 */

import { NOWHERE, type Turn } from './turn.ts'

/** See the top of this file. */
export class QueuePlaces {
  #turns: (Turn | undefined)[] = []
  #names: number[] = []
  /** Whose place another has before they have heard that they are over. */
  readonly #displaced = new Map<number, Turn>()

  /** Gives a turn the place that its name says. */
  file(turn: Turn, name: number): void {
    const place = name >>> 0
    const other = this.#turns[place]
    if (other !== undefined) this.#displaced.set(this.#names[place] as number, other)
    this.#turns[place] = turn
    this.#names[place] = name
    turn.place = place
  }

  /** Who is called so. */
  named(name: number): Turn | undefined {
    const place = name >>> 0
    return this.#names[place] === name ? this.#turns[place] : this.#displaced.get(name)
  }

  /** What the core calls a turn; `undefined` when it knows it no more. */
  nameOf(turn: Turn): number | undefined {
    return this.#turns[turn.place] === turn ? this.#names[turn.place] : undefined
  }

  /** Takes a turn off its place, if it has one. */
  forget(turn: Turn): void {
    const { place } = turn
    if (place >= 0) {
      if (this.#turns[place] === turn) this.#turns[place] = undefined
      else for (const [name, other] of this.#displaced) if (other === turn) this.#displaced.delete(name)
    }
    turn.place = NOWHERE
  }

  /** All that have a place, or had one. */
  all(): Turn[] {
    return [...this.#displaced.values(), ...this.#turns].filter(turn => turn !== undefined)
  }

  /** The core has forgotten all of them. */
  clear(): void {
    this.#turns = []
    this.#names = []
  }
}
