/** The attempt of a request that is under way, with those beside it; and what all of them took. */

import type { AttemptWatch } from './attempt.ts'
import type { Hangup } from './hangup.ts'
import type { Hedges } from './hedging.ts'

/** See the top of this file. */
export class CurrentAttempt {
  /** Milliseconds in each part of all attempts. */
  readonly laps = { connect: 0, firstByte: 0, body: 0 }
  /** Attempts beside it, where such are wanted and do no harm. */
  readonly #hedges: Hedges | undefined
  #hangup: Hangup | undefined
  #watch: AttemptWatch | undefined

  constructor(hedges: Hedges | undefined) {
    this.#hedges = hedges
  }

  /** Another sets out. To be said before it does: an abort from within the transport ends those beside it, too. */
  begin(hangup: Hangup, watch: AttemptWatch): void {
    this.goOn(hangup, watch)
    this.#hedges?.begin()
  }

  /** One goes on. Without a watch, what it takes is not added up. */
  goOn(hangup: Hangup, watch: AttemptWatch | undefined): void {
    this.#hangup = hangup
    this.#watch = watch
  }

  /** It may be over, and may go on: until that is known there is none. */
  release(): void {
    this.#hangup = undefined
    this.#watch = undefined
  }

  /** Whether it is the one that this hangup breaks off. */
  is(hangup: Hangup): boolean {
    return this.#hangup === hangup
  }

  /** It has brought a good answer: others are to take as long. */
  answered(): void {
    this.#hedges?.answered()
  }

  /** Nothing beside it is waited for any more. */
  goAlone(): void {
    this.#hedges?.end()
  }

  /** One beside it was faster, and goes on in its place. */
  replace(hangup: Hangup, watch?: AttemptWatch): void {
    const beaten = this.#hangup
    this.addUp()
    this.goOn(hangup, watch)
    // First, for the place of the one that goes on is another's as soon as it is given back.
    beaten?.abort(new DOMException('another attempt was faster', 'AbortError'))
    this.#hedges?.end(hangup)
  }

  /** So many decoded bytes of its body have come. Throws when that is too many. */
  received(bytes: number, announced: number | undefined): void {
    this.#watch?.received(bytes, announced)
  }

  /** It is over, and so is what is beside it. */
  end(): Hangup | undefined {
    const hangup = this.#hangup
    this.#hangup = undefined
    this.#hedges?.end()
    this.addUp()
    return hangup
  }

  /** Breaks it off, if there is one. */
  breakOff(why: string): void {
    this.end()?.abort(new DOMException(why, 'AbortError'))
  }

  /** Adds what it took until now; what it takes from now on does not count. */
  addUp(): void {
    this.#watch?.addTo(this.laps)
    this.#watch = undefined
  }
}
