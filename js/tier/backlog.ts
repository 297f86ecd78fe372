/**
 * The writes of a tier that wait for its log: how many may, who is held up meanwhile, and when they leave.
 *
 * What nobody waits for gathers, for a while or until it is enough for a round. A queue that is full holds up those who write, and one that
 * is far beyond that takes nothing more in.
 */

import type { ShelflifeError } from '../errors.ts'
import { nextTask } from '../next-task.ts'
import type { Offered, Persist } from '../stores/tier.ts'
import type { TierCore } from './core.ts'
import { onLeaving } from './leaving.ts'
import { Waiters } from './waiters.ts'
import { type Pending, WriteQueue, writeOf } from './write-queue.ts'
import { type RoundsHost, WriteRounds } from './write-rounds.ts'

/** Writes that nobody waits for may gather this long, or until they are this many or this large. */
const GATHER_MS = 100
const GATHER_WRITES = 2048
const GATHER_BYTES = 256 * 1024
/** After so many writes the event loop is given a turn, while a round is under way. */
const TURN_WRITES = 512
/** Above this a write waits for the queue to empty; at {@link REFUSE} times as much it is refused, at twice that even its name. */
const FULL_WRITES = 16_384
const FULL_BYTES = 8 * 1024 * 1024
const REFUSE = 4
/** The tier. */
export interface BacklogHost extends RoundsHost {
  /** Whether the log has yet to be opened. */
  readonly isClosed: boolean
  open(): Promise<void>
}

/** See the top of this file. */
export class Backlog {
  readonly queue = new WriteQueue()
  readonly #host: BacklogHost
  readonly #waiters = new Waiters()
  readonly #rounds: WriteRounds
  /** Writes since the event loop was given a turn. */
  #ungiven = 0
  #stopLeaving: (() => void) | undefined

  /** A round takes no more than `maxBytes`, unless one value does. */
  constructor(host: BacklogHost, core: TierCore, maxBytes: number) {
    this.#host = host
    this.#rounds = new WriteRounds(host, this.queue, core, maxBytes)
  }

  /** Whether a write has to wait. */
  get isFull(): boolean {
    return this.#isFull(1)
  }

  /** Whether nothing more is taken in. */
  get isOverfull(): boolean {
    return this.#isFull(REFUSE)
  }

  /** Queues one write for which nobody waits. */
  offer(write: Pending): Offered {
    this.queue.push(write)
    this.#queued(1)
    return this.#owesTurn ? this.#turn() : true
  }

  /** Queues the writes. Resolves as `persist` says, or, when only queued, once there is room for more. */
  put(writes: readonly Pending[], persist: Persist): Promise<void> | undefined {
    let first = Number.POSITIVE_INFINITY
    let last = 0
    for (const write of writes) {
      const ticket = this.queue.push(write)
      first = Math.min(first, ticket)
      last = Math.max(last, ticket)
    }
    if (persist !== 'memory') {
      this.#mindLeaving()
      return this.#stored(first, last)
    }
    this.#queued(writes.length)
    const { size, bytes } = this.queue
    // When half of it has left, the medium still has enough to do while the queue fills again.
    if (size > FULL_WRITES || bytes > FULL_BYTES) return this.#stored(first, last - (size >> 1)).catch(() => {})
    return this.#owesTurn ? this.#turn() : undefined
  }

  /**
   * Does not take the writes in: what they were to replace goes, of as many as their names may be remembered. Gives the others, which
   * nothing that waits here concerns.
   */
  refuse(writes: readonly Pending[]): readonly Pending[] {
    return writes.filter(({ key, durable }) => {
      if (this.#isFull(REFUSE * 2) && !this.#host.isClosed && this.queue.get(key) === undefined) return true
      this.queue.push(writeOf(key, undefined, 0, 0, durable))
      return false
    })
  }

  /** Resolves when all that waits now has been stored. */
  drained(): Promise<void> {
    return this.#stored(0, this.queue.ticket)
  }

  /** The log may be written to. */
  resume(): void {
    if (!this.queue.isEmpty) this.#schedule(0)
  }

  /** Lets those go whose writes have left the queue. */
  settle(): void {
    if (this.queue.size === 0) this.#stay()
    this.#waiters.settle(this.queue.oldest)
  }

  /** Forgets all that waits: it is out of date. */
  forget(): void {
    this.queue.clear()
    this.settle()
  }

  /** Gives up what would be written next, up to `most` bytes. */
  giveUpHead(most: number, reason: unknown): readonly Pending[] {
    const batch = this.queue.take(most)
    this.queue.done()
    this.#waiters.reject(reason, batch.at(-1)?.ticket ?? 0)
    this.settle()
    return batch
  }

  /** Gives up all that waits. */
  giveUp(reason: ShelflifeError): readonly Pending[] {
    const dropped = this.queue.clear()
    this.#stay()
    this.#waiters.reject(reason)
    return dropped
  }

  /** See {@link WriteRounds}. */
  tidyNow(): Promise<void> {
    return this.#rounds.tidyNow()
  }

  stop(): void {
    this.#rounds.stop()
  }

  #isFull(times: number): boolean {
    return this.queue.size >= FULL_WRITES * times || this.queue.bytes >= FULL_BYTES * times
  }

  #turn(): Promise<void> {
    this.#ungiven = 0
    return nextTask()
  }

  /** So many writes have been queued that nobody waits for. */
  #queued(count: number): void {
    this.#mindLeaving()
    this.#ungiven += count
    if (!this.#rounds.arePumping) this.#schedule(this.queue.size >= GATHER_WRITES || this.queue.bytes >= GATHER_BYTES ? 0 : GATHER_MS)
  }

  /** Whoever sets one entry after another, each awaited, would keep the medium's answers waiting until the queue is full. */
  get #owesTurn(): boolean {
    return this.#ungiven >= TURN_WRITES && this.#rounds.arePumping
  }

  /** Resolves when those places of the queue are in the medium. */
  #stored(first: number, last: number): Promise<void> {
    const stored = this.#waiters.wait(first, last)
    this.#schedule(0)
    return stored
  }

  #schedule(wait: number): void {
    if (this.#host.isClosed) void this.#host.open()
    else this.#rounds.schedule(wait)
  }

  #mindLeaving(): void {
    this.#stopLeaving ??= onLeaving(() => this.#rounds.pump())
  }

  /** Nothing is queued: whether the page is left is of no interest. */
  #stay(): void {
    this.#stopLeaving?.()
    this.#stopLeaving = undefined
  }
}
