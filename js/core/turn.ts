/** Somebody who waits for his turn, has it once, and gives it up; and lists of such. */

import type { CoreTrappedError } from '../errors.ts'
import type { Deadline, Submitted } from './schedule-types.ts'

/** Where a turn is that has no place in the core: nowhere; in a list here; on its way to the core; in no queue yet. */
export const NOWHERE = -1
export const LISTED = -2
export const SENT = -3
export const OUTSIDE = -4

/** See the top of this file. None of what it is told may throw. */
export abstract class Turn {
  /** What it shares a limit per key with. */
  readonly key: string
  /** Who comes first of those with the same key: the higher whole number, within 32 bits. */
  readonly priority: number
  /** How many places it takes; where that is more than there are, it has them alone. */
  readonly weight: number
  /** How long it may last, in milliseconds. */
  readonly timeout: number | undefined
  /** Its place in the core, or where it is instead; as the rest below, for whoever gives turns to write. */
  place = NOWHERE
  hasBegun = false
  before: Turn | undefined = undefined
  after: Turn | undefined = undefined

  constructor(key: string, priority: number, weight: number, timeout: number | undefined) {
    this.key = key
    this.priority = priority
    this.weight = weight
    this.timeout = timeout
  }

  /** How long it may wait, in milliseconds. */
  get maxWait(): number | undefined {
    return undefined
  }

  /** It begins. */
  abstract start(): void
  /** It is over: a deadline has passed, or somebody else has taken its place in the queue. */
  abstract expire(deadline: Deadline): void
  /** It waited outside, and was not let in. */
  abstract refuse(why: Submitted): void
  /** The core trapped and forgot that it waits. */
  abstract lose(error: CoreTrappedError): void
}

/** Turns in order. Joining and leaving costs the same wherever that is, and no memory. */
export class Turnline {
  length = 0
  first: Turn | undefined
  #last: Turn | undefined

  push(turn: Turn): void {
    const last = this.#last
    turn.before = last
    if (last === undefined) this.first = turn
    else last.after = turn
    this.#last = turn
    this.length += 1
  }

  unshift(turn: Turn): void {
    const { first } = this
    if (first === undefined) return this.push(turn)
    first.before = turn
    turn.after = first
    this.first = turn
    this.length += 1
  }

  /** Takes a turn out, which must be in. */
  remove(turn: Turn): void {
    const { before, after } = turn
    if (before === undefined) this.first = after
    else before.after = after
    if (after === undefined) this.#last = before
    else after.before = before
    turn.before = undefined
    turn.after = undefined
    this.length -= 1
  }

  /** Takes the first one out. */
  shift(): Turn | undefined {
    const { first } = this
    if (first !== undefined) this.remove(first)
    return first
  }

  *[Symbol.iterator](): Iterator<Turn> {
    for (let turn = this.first; turn !== undefined; ) {
      // Whoever is told of may leave.
      const { after } = turn
      yield turn
      turn = after
    }
  }
}
