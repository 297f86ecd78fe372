/**
 * Writes to Redis. What is to be written gathers in a bounded queue and leaves in rounds, one at a time, all that has gathered
 * meanwhile in one go. Of what is given up beyond the bound the key is remembered until Redis has forgotten it, too.
 */

import { ClosedError, isShelflifeError, ShelflifeError } from '../../errors.ts'
import { Waiters } from '../../tier/waiters.ts'
import type { Pending } from '../../tier/write-queue.ts'
import { decodeEntry, encodeEntry } from '../entry-bytes.ts'
import type { Persist, TierEntry } from '../tier.ts'
import type { Command } from './client.ts'
import { deletingDoubts, writing } from './commands.ts'
import type { Durability } from './durability.ts'
import type { Exchange } from './exchange.ts'
import { refusalOf } from './line.ts'
import type { Parts } from './parts.ts'

/** Bytes that one round writes, and keys that it deletes: more would keep others waiting. */
const ROUND_BYTES = 256 * 1024
const ROUND_KEYS = 512
/** A queue that is this many times as full as it may be takes nothing more in. */
const REFUSE = 4
/** After a refusal, such as want of memory, or an answer that makes no sense, it is tried again so much later. */
const RETRY_MS = 1000
/** A write that concerns news is written anew so often, at most. */
const REWRITES = 3

/** See the top of this file. */
export class RedisWriter {
  readonly #parts: Parts
  readonly #exchange: Exchange
  readonly #durability: Durability
  readonly #waiters = new Waiters()
  readonly #retry: InstanceType<Parts['core']['Alarm']>
  #resume: () => void = () => {}
  /** Whether Redis may have lost what it had, since it was not there for a while. */
  #mustAsk = false
  #isPumping = false
  #isScheduled = false
  #isClosed = false

  constructor(parts: Parts, exchange: Exchange, durability: Durability) {
    this.#parts = parts
    this.#exchange = exchange
    this.#durability = durability
    this.#retry = new parts.core.Alarm(() => this.#resume(), { holds: true })
  }

  /** The bytes of an entry. @throws ShelflifeError `ERR_CODEC` or `ERR_QUOTA` when it cannot be kept. */
  encode(entry: Pick<TierEntry, 'value' | 'facts'>): Uint8Array {
    const { ledger, options } = this.#parts
    const { value, facts } = entry
    const { era } = ledger
    const bytes = encodeEntry(era === 0 ? entry : { value, facts: { ...facts, era } })
    const { maxValueBytes } = options
    if (bytes.length <= maxValueBytes) return bytes
    throw new ShelflifeError('ERR_QUOTA', `a value of ${bytes.length} bytes, where ${maxValueBytes} are allowed (maxValueSize)`)
  }

  /** Queues the writes and waits as `persist` says. */
  async store(writes: readonly Pending[], persist: Persist): Promise<void> {
    if (writes.length === 0) return
    const { queue, doubts, line } = this.#parts
    let first = Number.POSITIVE_INFINITY
    let last = 0
    for (const write of writes) {
      doubts.delete(write.key)
      const place = queue.push(write)
      first = Math.min(first, place)
      last = Math.max(last, place)
    }
    this.#shed()
    if (persist !== 'memory') {
      const stored = this.#waiters.wait(first, last, persist === 'durable')
      this.schedule()
      return stored
    }
    this.schedule()
    // Who awaits each write is held up; who does not comes to the bound above.
    if (line.isUp && this.#isFull(1)) await this.#waiters.wait(0, queue.ticket).catch(() => {})
  }

  /** Writes that wait are given up: everything is. Who waits for them has what was asked for. */
  clear(): void {
    const { queue, doubts } = this.#parts
    queue.clear()
    this.#waiters.settle(queue.oldest)
    doubts.clear()
  }

  /** Resolves when all there is has been written and told. */
  async flush(): Promise<void> {
    const { queue, doubts, ledger, line, open } = this.#parts
    if (queue.size === 0 && doubts.size === 0 && !ledger.owes) return
    if (!line.isUp) await open()
    const stored = queue.size === 0 ? undefined : this.#waiters.wait(0, queue.ticket)
    stored?.catch(() => {})
    this.schedule()
    if (ledger.owes) await this.#exchange.run()
    await stored
  }

  /** Redis answers again. */
  isBack(): void {
    this.#mustAsk = true
    this.schedule()
  }

  /** What gathers in this task leaves together. */
  schedule(): void {
    if (this.#isScheduled || this.#isPumping) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      void this.#pump()
    })
  }

  /** Gives up what has not been written. */
  close(): void {
    const { queue, counts, options, core } = this.#parts
    this.#isClosed = true
    core.driver.set(this.#retry, Number.POSITIVE_INFINITY)
    this.#resume()
    counts.dropped += queue.clear().length
    this.#waiters.reject(new ClosedError(`tier ${options.name}`))
  }

  get #hasWork(): boolean {
    const { queue, doubts, ledger } = this.#parts
    return this.#mustAsk || ledger.owes || doubts.size > 0 || !queue.isEmpty
  }

  #isFull(times: number): boolean {
    const { queue, options } = this.#parts
    return queue.size > options.maxQueued * times || queue.bytes > options.maxQueuedBytes * times
  }

  /** Gives up what there is no room for, the oldest first. */
  #shed(): void {
    const { queue, doubts, ledger, line, counts, count, options } = this.#parts
    while (this.#isFull(line.isUp ? REFUSE : 1)) {
      const pending = queue.shed()
      if (pending === undefined) return
      counts.dropped += 1
      const full = new ShelflifeError('ERR_STORE', `the write queue of ${options.name} is full`, { retryable: true })
      this.#waiters.reject(full, pending.ticket)
      doubts.add(pending.key, pending.writtenAt)
    }
    if (!doubts.areTooMany) return
    count('forgotten')
    doubts.clear()
    ledger.begin()
  }

  async #pump(): Promise<void> {
    if (this.#isPumping || this.#isClosed) return
    const { line, queue, open, options } = this.#parts
    this.#isPumping = true
    try {
      await open()
      while (line.isUp && this.#hasWork) {
        try {
          await this.#round()
        } catch (error) {
          this.#waiters.reject(error)
          if (line.isUp && isAnswer(error)) await this.#pause()
        }
      }
      if (line.isUp) this.#waiters.settle(queue.oldest)
      // It goes on when the line is up again.
      else this.#waiters.reject(new ShelflifeError('ERR_STORE', `tier ${options.name} is off: ${line.reason}`, { retryable: true }))
    } finally {
      this.#isPumping = false
      if (line.isUp && this.#hasWork) this.schedule()
    }
  }

  #pause(): Promise<void> {
    const { driver } = this.#parts.core
    return new Promise(resolve => {
      this.#resume = resolve
      driver.set(this.#retry, driver.now() + RETRY_MS)
    })
  }

  /** Tells Redis the next of what it has to know. */
  async #round(): Promise<void> {
    const { queue, doubts, ledger, line, names, counts } = this.#parts
    if (this.#mustAsk || ledger.owes) {
      this.#mustAsk = false
      try {
        await this.#exchange.run()
      } catch (error) {
        this.#mustAsk = true
        throw error
      }
    }
    const some = doubts.some(ROUND_KEYS)
    if (some.length > 0) {
      await line.call([deletingDoubts(some, names, ledger.epoch)])
      doubts.settle(some)
      return
    }
    const batch = queue.take(ROUND_BYTES)
    if (batch.length === 0) return
    try {
      await this.#write(batch)
    } catch (error) {
      if (refusalOf(error) === 'oom') return await this.#giveUp(batch, error)
      queue.giveBack()
      this.#shed()
      throw error
    }
    counts.writes += batch.length
    queue.done()
    if (batch.some(({ durable }) => durable)) await this.#settleDurable()
    this.#waiters.settle(queue.oldest)
  }

  async #write(batch: readonly Pending[]): Promise<void> {
    const { queue, ledger, line, names, clock, values } = this.#parts
    let writes = batch
    for (let attempt = 0; attempt < REWRITES; attempt += 1) {
      // Taken before: what is given up while values are compressed must not come back under another one.
      const { epoch } = ledger
      const stored = await values.press(writes)
      const replies = await line.call([...writing(stored, names, epoch, clock.wall()), ['GET', names.version]])
      if (ledger.isCurrent(replies.at(-1))) return
      await this.#exchange.run()
      // What was given up meanwhile by somebody else counts as given up before: who waits for it will find it.
      writes = writes.filter(
        ({ key, bytes, ticket }) =>
          bytes !== undefined &&
          queue.isLeaving(key) &&
          this.#waiters.has(ticket) &&
          (epoch !== ledger.epoch || ledger.judge(key, decodeEntry(bytes).facts) !== undefined),
      )
      if (writes.length === 0) break
      writes = writes.map(write => ({ ...write, bytes: this.encode(decodeEntry(write.bytes as Uint8Array)) }))
    }
    // What depends on these keys, as somebody else has written meanwhile.
    ledger.changed(batch.map(({ key }) => key))
    if (ledger.owes) await this.#exchange.run()
  }

  /** Redis has no memory left: the values go, and so does what they should have replaced. */
  async #giveUp(batch: readonly Pending[], cause: unknown): Promise<void> {
    const { queue, doubts, line, names, counts } = this.#parts
    queue.done()
    counts.dropped += batch.length
    for (const { key, writtenAt } of batch) if (queue.get(key) === undefined) doubts.add(key, writtenAt)
    const last = Math.max(...batch.map(({ ticket }) => ticket))
    this.#waiters.reject(new ShelflifeError('ERR_QUOTA', 'Redis is out of memory', { cause, retryable: true }), last)
    const commands = batch.map(({ key }): Command => ['UNLINK', names.of(key)])
    await line.call(commands)
    doubts.settle(batch.map(({ key, writtenAt }) => [key, writtenAt]))
  }

  async #settleDurable(): Promise<void> {
    try {
      await this.#durability.require()
    } catch (error) {
      this.#waiters.rejectDurable(error, this.#parts.queue.oldest)
    }
  }
}

/** Redis has answered, and not as it should. */
function isAnswer(error: unknown): boolean {
  return refusalOf(error) !== 'none' || !isShelflifeError(error) || !error.retryable
}
