/**
 * Tells the others on a bus over Redis what has changed: all that gathers meanwhile in one message, one message at a time, and each with
 * its number, so that who hears them notices when one is missing.
 */

import type { TierCore } from '../../tier/core.ts'
import type { BusContext } from '../bus.ts'
import { Changes } from '../changes.ts'
import type { StoreChange } from '../tier.ts'
import { appending, type Channel, type Message } from './bus-message.ts'
import type { Connect } from './client.ts'
import { type LineOptions, RedisLine } from './line.ts'

/** After a refusal, such as want of memory, it is tried again so much later. */
const RETRY_MS = 250

/** Who speaks where. */
export interface SpeakerOptions extends Channel {
  readonly speak: Connect
  readonly line: LineOptions
}

/** See the top of this file. */
export class BusSpeaker {
  /** What tells its messages from those of others. */
  readonly name = crypto.randomUUID()
  /** Messages that are there. */
  published = 0
  readonly #options: SpeakerOptions
  readonly #core: TierCore
  readonly #line: RedisLine
  readonly #outgoing = new Changes()
  #number = 0
  /** The message under way, which goes again as it is when nobody knows whether it arrived. */
  #leaving: { readonly number: number; readonly changes: readonly StoreChange[] } | undefined
  #speaking: Promise<void> | undefined
  #isScheduled = false

  constructor(options: SpeakerOptions, context: BusContext, count: (kind: string) => void) {
    this.#options = options
    this.#core = context.core
    this.#line = new RedisLine(options.speak, context, options.line, { count, onUp: () => this.#schedule() })
  }

  /** Changes that nobody has been told of. */
  get queued(): number {
    return this.#outgoing.size + (this.#leaving?.changes.length ?? 0)
  }

  open(): Promise<void> {
    return this.#line.open()
  }

  tell(change: StoreChange): void {
    this.#outgoing.add(change)
    this.#schedule()
  }

  /** Resolves when all is told, or cannot be. */
  async drain(): Promise<void> {
    while (this.#line.isUp && this.queued > 0) await this.#speak()
  }

  close(): void {
    this.#line.close()
  }

  #schedule(): void {
    if (this.#isScheduled || this.#speaking !== undefined) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      void this.#speak()
    })
  }

  #speak(): Promise<void> {
    this.#speaking ??= this.#tellAll()
    return this.#speaking
  }

  async #tellAll(): Promise<void> {
    try {
      await this.#line.open()
      while (this.#line.isUp && (this.#leaving !== undefined || this.#outgoing.size > 0)) {
        this.#leaving ??= { number: this.#number + 1, changes: this.#outgoing.take() }
        this.#number = this.#leaving.number
        const message: Message = [this.name, this.#leaving.number, this.#leaving.changes]
        try {
          await this.#line.call([appending(this.#options, message)])
        } catch {
          // The line has counted it. It goes on when the line is up again, or, after a refusal, a while later.
          if (this.#line.isUp) await respite(this.#core)
          continue
        }
        this.published += 1
        this.#leaving = undefined
      }
    } finally {
      this.#speaking = undefined
    }
  }
}

/** A while after a refusal, for which no process is kept alive. */
export function respite({ driver, Alarm }: TierCore): Promise<void> {
  return new Promise(resolve => driver.set(new Alarm(() => resolve()), driver.now() + RETRY_MS))
}
