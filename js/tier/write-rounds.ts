/**
 * Empties a write queue into a log, in rounds, one at a time. A round that fails is tried again, after waits that grow. Between rounds,
 * or when there is nothing else to do, the log is compacted.
 */

import type { Alarm } from '../core/driver.ts'
import { nextTask } from '../next-task.ts'
import type { TierCore } from './core.ts'
import { pause } from './deadlines.ts'
import type { TierLog } from './tier-log.ts'
import type { WriteQueue } from './write-queue.ts'

/** A round that fails is tried again so often, after waits that grow. */
const RETRIES = 3
const RETRY_MS = 100
/** What was written without looking for something to compact: so many rounds or bytes, then it is time, whoever waits. */
const UNTIDY_ROUNDS = 256
const UNTIDY_BYTES = 1024 * 1024
/** While sets follow each other, each awaited, it is looked so often whether there is time for that. */
const TIDY_MS = 50
/** Compactions one after another, at most. */
const COMPACTIONS = 16

/** Whose queue that is. */
export interface RoundsHost {
  /** Whether the log may be written to now. */
  readonly isOn: boolean
  readonly log: TierLog
  /** Whether the head of the queue has to wait for something else. */
  readonly isHeld: boolean
  /** So many writes have left the queue; `isSeen`: a read of the log would find them. */
  written(count: number, isSeen: boolean): void
  /** The head of the queue could not be written, again and again. */
  failed(failure: unknown): void
}

/** See the top of this file. */
export class WriteRounds {
  readonly #host: RoundsHost
  readonly #queue: WriteQueue
  readonly #core: TierCore
  readonly #maxBytes: number
  readonly #gather: Alarm
  readonly #tidying: Alarm
  #isPumping = false
  /** Whether the next round begins with the next microtask. */
  #isDue = false
  /** Rounds and bytes that were written since somebody looked for something to compact. */
  #untidy = { rounds: 0, bytes: 0 }
  #isTidying = false

  /** A round takes no more than `maxBytes`, unless one value does. */
  constructor(host: RoundsHost, queue: WriteQueue, core: TierCore, maxBytes: number) {
    this.#host = host
    this.#queue = queue
    this.#core = core
    this.#maxBytes = maxBytes
    // What has been set is written before the process ends by itself, whether somebody awaits it or not.
    this.#gather = new core.Alarm(() => this.pump(), { holds: true })
    this.#tidying = new core.Alarm(() => this.#tidyLater())
  }

  get arePumping(): boolean {
    return this.#isPumping
  }

  /** The next round begins after `wait` milliseconds, unless one is under way. */
  schedule(wait: number): void {
    if (this.#isPumping || this.#isDue) return
    const { driver } = this.#core
    if (wait === 0) {
      this.#isDue = true
      // A microtask later, all that is set in this task leaves together.
      queueMicrotask(() => {
        this.#isDue = false
        this.pump()
      })
    } else if (this.#gather.index < 0) driver.set(this.#gather, driver.now() + wait)
  }

  pump(): void {
    if (this.#isPumping || !this.#host.isOn) return
    this.#isPumping = true
    this.#core.driver.set(this.#gather, Number.POSITIVE_INFINITY)
    void this.#empty().finally(() => {
      this.#isPumping = false
      if (!this.#queue.isEmpty) this.schedule(0)
      else if (this.#untidy.rounds > 0) void this.#tidySoon()
    })
  }

  /** Compacts what was left for later. */
  async tidyNow(): Promise<void> {
    if (this.#untidy.rounds > 0) await this.#host.log.inTurn(() => this.#tidy(() => this.#queue.isEmpty))
  }

  /** Nothing is waited for any more. */
  stop(): void {
    for (const alarm of [this.#gather, this.#tidying]) this.#core.driver.set(alarm, Number.POSITIVE_INFINITY)
  }

  /** Compacts in a task of its own: whoever sets one entry after another, each awaited, does not wait for that. */
  async #tidySoon(): Promise<void> {
    if (this.#isTidying || this.#tidying.index >= 0) return
    this.#isTidying = true
    await nextTask()
    this.#isTidying = false
    this.#tidyLater()
  }

  #tidyLater(): void {
    const { driver } = this.#core
    if (!this.#host.isOn) return
    if (this.#isPumping) driver.set(this.#tidying, driver.now() + TIDY_MS)
    else void this.#host.log.inTurn(() => this.#tidy(() => this.#queue.isEmpty))
  }

  /** Compacts, and again as long as that was of use and `mayGoOn`: one compaction takes as much as makes one segment. Only in turn. */
  async #tidy(mayGoOn: () => boolean): Promise<void> {
    this.#untidy = { rounds: 0, bytes: 0 }
    const { log } = this.#host
    const { counts } = log
    let before = -1
    for (let times = 0; times < COMPACTIONS && before < counts.compactions && this.#host.isOn && mayGoOn(); times += 1) {
      before = counts.compactions
      await log.compact().catch(() => log.count('compaction'))
    }
  }

  async #empty(): Promise<void> {
    let failures = 0
    while (!this.#queue.isEmpty && this.#host.isOn) {
      const { log } = this.#host
      const failure = await log.inTurn(() => this.#round())
      if (failure === undefined) failures = 0
      else if (failures >= RETRIES || log.isFinal(failure)) this.#host.failed(failure)
      else {
        failures += 1
        await pause(this.#core, RETRY_MS * 4 ** (failures - 1))
      }
    }
  }

  /** Writes the head of the queue. Gives the reason when it cannot. */
  async #round(): Promise<unknown> {
    if (this.#host.isHeld) return undefined
    const { log } = this.#host
    const batch = this.#queue.take(Math.min(log.roundBytes, this.#maxBytes))
    if (batch.length === 0) return undefined
    const { epoch } = log
    const bytes = batch.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0)
    try {
      await log.append(batch, batch.some(({ durable }) => durable) ? 'durable' : 'stored')
    } catch (error) {
      log.count(log.kindOf(error))
      this.#queue.giveBack()
      return error
    }
    this.#queue.done()
    this.#host.written(batch.length, epoch === log.epoch)
    this.#untidy.rounds += 1
    this.#untidy.bytes += bytes
    if (this.#untidy.rounds >= UNTIDY_ROUNDS || this.#untidy.bytes >= UNTIDY_BYTES) await this.#tidy(() => true)
    return undefined
  }
}
