/**
 * A bus over a stream in Redis. Messages are appended, and every listener reads on from the last that it has heard: one that was
 * away reads what it missed. A stream is cut to a bounded length; who finds that cut off what he has not read, or finds
 * a number missing in what somebody says, has a gap, and says so.
 */

import type { BusConnection, BusContext, BusStats } from '../bus.ts'
import type { StoreChange } from '../tier.ts'
import { appending, isAfter, messageIn, messagesOf, streamOf, textOf } from './bus-message.ts'
import { BusSpeaker, respite, type SpeakerOptions } from './bus-speaker.ts'
import type { Connect } from './client.ts'
import { RedisLine } from './line.ts'

/** How long Redis holds a reading back when there is nothing new; then it is asked again, so that a dead connection is noticed. */
const BLOCK_MS = 5000
const MESSAGES_AT_ONCE = 500
/** Speakers whose numbers are remembered. */
const MOST_SPEAKERS = 1000
const CLOSE_MS = 2000

/** What the options come to. */
export interface RedisBusOptions extends SpeakerOptions {
  readonly name: string
  readonly listen: Connect
}

/** See the top of this file. */
export class RedisBusConnection implements BusConnection {
  readonly #options: RedisBusOptions
  readonly #context: BusContext
  readonly #speaker: BusSpeaker
  readonly #listener: RedisLine
  readonly #heard = new Map<string, number>()
  readonly #counts = { received: 0, recovered: 0, gaps: 0 }
  readonly #errors = new Map<string, number>()
  /** The last message heard of; none before the first time. */
  #last: string | undefined
  #isListening = false
  #opening: Promise<void> | undefined
  #isOpen = false
  #settled: () => void = () => {}
  #closing: Promise<void> | undefined

  constructor(options: RedisBusOptions, context: BusContext) {
    this.#options = options
    this.#context = context
    const count = (kind: string) => this.#count(kind)
    this.#speaker = new BusSpeaker(options, context, count)
    // A reading waits long: the first failure says enough.
    const eager = { ...options.line, failures: 1 }
    this.#listener = new RedisLine(options.listen, context, eager, { count, onUp: () => void this.#listen() })
  }

  open(): Promise<void> {
    this.#opening ??= this.#open()
    return this.#opening
  }

  publish(change: StoreChange): void {
    if (this.#closing === undefined) this.#speaker.tell(change)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  stats(): BusStats {
    const { reason } = this.#listener
    return {
      name: this.#options.name,
      state: this.#closing !== undefined ? 'closed' : this.#listener.isUp && this.#last !== undefined ? 'on' : 'off',
      reason,
      published: this.#speaker.published,
      ...this.#counts,
      queued: this.#speaker.queued,
      errors: Object.fromEntries(this.#errors),
    }
  }

  async #open(): Promise<void> {
    const listening = new Promise<void>(resolve => {
      this.#settled = resolve
    })
    await Promise.all([this.#speaker.open(), this.#listener.open()])
    // Where it is up it has begun to listen, and will say when it knows from where on.
    if (this.#listener.isUp) await listening
    this.#isOpen = true
  }

  /** Reads on, until the connection breaks; then again when it is back. */
  async #listen(): Promise<void> {
    if (this.#isListening) return
    this.#isListening = true
    try {
      let isBack = this.#last !== undefined
      await this.#findPlace()
      this.#settled()
      while (this.#closing === undefined && this.#listener.isUp) {
        // One that comes back does not wait: what it missed is there.
        const messages = await this.#read(isBack)
        if (isBack) this.#counts.recovered += messages.length
        for (const [id, text] of messages) this.#hear(id, text)
        if (messages.length >= MESSAGES_AT_ONCE) await this.#findPlace()
        else isBack = false
      }
    } catch {
      // The line has counted it, and says when it is up.
    } finally {
      this.#isListening = false
      this.#settled()
      // A refusal leaves it up.
      if (this.#closing === undefined && this.#listener.isUp) void respite(this.#context.core).then(() => this.#listen())
    }
  }

  /** Whether what comes after the last message heard is still there; and where it begins, if this is the first time. */
  async #findPlace(): Promise<void> {
    const { channel } = this.#options
    if (this.#last !== undefined) {
      const [first] = await this.#listener.call([['XRANGE', channel, '-', '+', 'COUNT', '1']])
      const oldest = messagesOf(first)[0]?.[0]
      if (oldest !== undefined && !isAfter(oldest, this.#last)) return
    }
    // A message of no news: there is one to read on from, however much is cut off.
    const [id] = await this.#listener.call([appending(this.#options, [this.#speaker.name, 0, []])])
    const isLate = this.#last !== undefined || this.#isOpen
    this.#last = textOf(id)
    if (isLate) this.#gap()
  }

  async #read(isBack: boolean): Promise<(readonly [id: string, text: string])[]> {
    const { channel, line } = this.#options
    const block = isBack ? [] : ['BLOCK', String(BLOCK_MS)]
    const command = ['XREAD', ...block, 'COUNT', String(MESSAGES_AT_ONCE), 'STREAMS', channel, this.#last as string]
    const [reply] = await this.#listener.call([command], BLOCK_MS + line.timeoutMs)
    return messagesOf(streamOf(reply))
  }

  #hear(id: string, text: string): void {
    this.#last = id
    const message = messageIn(text)
    if (message === undefined) {
      this.#count('format')
      return this.#gap()
    }
    const [speaker, number, changes] = message
    if (speaker === this.#speaker.name || number === 0) return
    const before = this.#heard.get(speaker)
    // It came twice.
    if (before !== undefined && number <= before) return
    this.#heard.delete(speaker)
    this.#heard.set(speaker, number)
    if (this.#heard.size > MOST_SPEAKERS) for (const oldest of this.#heard.keys()) if (this.#heard.delete(oldest)) break
    this.#counts.received += 1
    if (before !== undefined && number !== before + 1) return this.#gap()
    for (const change of changes) this.#context.onChange(change)
  }

  #gap(): void {
    this.#counts.gaps += 1
    this.#context.onChange({ all: true })
  }

  async #close(): Promise<void> {
    const { driver, Alarm } = this.#context.core
    await this.#opening
    let alarm: InstanceType<typeof Alarm> | undefined
    const late = new Promise<void>(resolve => {
      alarm = new Alarm(() => resolve(), { holds: true })
      driver.set(alarm, driver.now() + CLOSE_MS)
    })
    await Promise.race([this.#speaker.drain(), late])
    if (alarm !== undefined) driver.set(alarm, Number.POSITIVE_INFINITY)
    this.#speaker.close()
    this.#listener.close()
  }

  #count(kind: string): void {
    this.#errors.set(kind, (this.#errors.get(kind) ?? 0) + 1)
  }
}
