/**
 * A bus over a stream in Redis. Messages are appended, and every listener reads on from the last that it has heard: one that was
 * away reads what it missed. A stream is cut to a bounded length; who finds that cut off what he has not read, or finds
 * a number missing in what somebody says, has a gap, and says so.
 */

import type { BusConnection, BusContext, BusStats } from '../bus.ts'
import { Changes } from '../changes.ts'
import type { StoreChange } from '../tier.ts'
import type { Command, Connect, Reply } from './client.ts'
import { type LineOptions, RedisLine } from './line.ts'

/** How long Redis holds a reading back when there is nothing new; then it is asked again, so that a dead connection is noticed. */
const BLOCK_MS = 5000
const MESSAGES_AT_ONCE = 500
/** Speakers whose numbers are remembered. */
const MOST_SPEAKERS = 1000
/** After a refusal, such as want of memory, it is tried again so much later. */
const RETRY_MS = 250
const CLOSE_MS = 2000

/** What the options come to. */
export interface RedisBusOptions {
  readonly name: string
  readonly channel: string
  readonly speak: Connect
  readonly listen: Connect
  readonly line: LineOptions
  /** Messages that the stream keeps, about. */
  readonly maxMessages: number
}

/** What is said: by whom, the how manyeth time, and what. */
type Message = readonly [speaker: string, number: number, changes: readonly StoreChange[]]

/** See the top of this file. */
export class RedisBusConnection implements BusConnection {
  readonly #options: RedisBusOptions
  readonly #context: BusContext
  readonly #speaker: RedisLine
  readonly #listener: RedisLine
  readonly #self = crypto.randomUUID()
  readonly #outgoing = new Changes()
  readonly #heard = new Map<string, number>()
  readonly #counts = { published: 0, received: 0, recovered: 0, gaps: 0 }
  readonly #errors = new Map<string, number>()
  #number = 0
  /** The message under way, which goes again as it is when nobody knows whether it arrived. */
  #leaving: { readonly number: number; readonly changes: readonly StoreChange[] } | undefined
  #isSpeaking = false
  #isScheduled = false
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
    this.#speaker = new RedisLine(options.speak, context, options.line, { count, onUp: () => this.#schedule() })
    // A reading waits long: the first failure says enough.
    const eager = { ...options.line, failures: 1 }
    this.#listener = new RedisLine(options.listen, context, eager, { count, onUp: () => void this.#listen() })
  }

  open(): Promise<void> {
    this.#opening ??= this.#open()
    return this.#opening
  }

  publish(change: StoreChange): void {
    if (this.#closing !== undefined) return
    this.#outgoing.add(change)
    this.#schedule()
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
      ...this.#counts,
      queued: this.#outgoing.size + (this.#leaving?.changes.length ?? 0),
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

  #schedule(): void {
    if (this.#isScheduled || this.#isSpeaking) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      void this.#speak()
    })
  }

  async #speak(): Promise<void> {
    if (this.#isSpeaking) return
    this.#isSpeaking = true
    try {
      await this.#speaker.open()
      while (this.#speaker.isUp && (this.#leaving !== undefined || this.#outgoing.size > 0)) {
        this.#leaving ??= { number: this.#number + 1, changes: this.#outgoing.take() }
        this.#number = this.#leaving.number
        const message: Message = [this.#self, this.#leaving.number, this.#leaving.changes]
        try {
          await this.#speaker.call([this.#append(JSON.stringify(message))])
        } catch {
          // The line has counted it. It goes on when the line is up again, or, after a refusal, a while later.
          if (this.#speaker.isUp) await this.#pause()
          continue
        }
        this.#counts.published += 1
        this.#leaving = undefined
      }
    } finally {
      this.#isSpeaking = false
    }
  }

  #append(text: string): Command {
    const { channel, maxMessages } = this.#options
    return ['XADD', channel, 'MAXLEN', '~', String(maxMessages), '*', 'm', text]
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
      if (this.#closing === undefined && this.#listener.isUp) void this.#pause().then(() => this.#listen())
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
    const [id] = await this.#listener.call([this.#append(JSON.stringify([this.#self, 0, []] satisfies Message))])
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
    const message = parsed(text)
    if (message === undefined) {
      this.#count('format')
      return this.#gap()
    }
    const [speaker, number, changes] = message
    if (speaker === this.#self || number === 0) return
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

  #pause(): Promise<void> {
    const { driver, Alarm } = this.#context.core
    return new Promise(resolve => driver.set(new Alarm(() => resolve()), driver.now() + RETRY_MS))
  }

  async #close(): Promise<void> {
    const { driver, Alarm } = this.#context.core
    await this.#opening
    let alarm: InstanceType<typeof Alarm> | undefined
    const late = new Promise<void>(resolve => {
      alarm = new Alarm(() => resolve(), { holds: true })
      driver.set(alarm, driver.now() + CLOSE_MS)
    })
    if (this.#speaker.isUp) await Promise.race([this.#drain(), late])
    if (alarm !== undefined) driver.set(alarm, Number.POSITIVE_INFINITY)
    this.#speaker.close()
    this.#listener.close()
  }

  async #drain(): Promise<void> {
    while (this.#speaker.isUp && (this.#isSpeaking || this.#leaving !== undefined || this.#outgoing.size > 0)) {
      await this.#speak()
      await new Promise<void>(resolve => setImmediate(resolve))
    }
  }

  #count(kind: string): void {
    this.#errors.set(kind, (this.#errors.get(kind) ?? 0) + 1)
  }
}

/** What a reading of one stream gives, as a list or, in the newer protocol, as a map. */
function streamOf(reply: unknown): Reply | undefined {
  if (reply === null || reply === undefined) return undefined
  if (Array.isArray(reply)) return reply[0]?.[1]
  return reply instanceof Map ? [...reply.values()][0] : Object.values(reply)[0]
}

function messagesOf(reply: Reply | undefined): (readonly [id: string, text: string])[] {
  if (!Array.isArray(reply)) return []
  return (reply as readonly (readonly [Reply, readonly Reply[]])[]).map(([id, fields]) => [textOf(id), textOf(fields?.[1])])
}

function textOf(reply: Reply | undefined): string {
  return reply instanceof Uint8Array ? Buffer.from(reply.buffer, reply.byteOffset, reply.length).toString() : String(reply)
}

/** Names of messages are two numbers: a time, and a count within it. */
function isAfter(id: string, other: string): boolean {
  const [[time = 0, count = 0], [otherTime = 0, otherCount = 0]] = [id, other].map(one => one.split('-').map(Number)) as [
    number[],
    number[],
  ]
  return time === otherTime ? count > otherCount : time > otherTime
}

function parsed(text: string): Message | undefined {
  let message: unknown
  try {
    message = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!Array.isArray(message) || message.length !== 3) return undefined
  const [speaker, number, changes] = message
  const isRight = typeof speaker === 'string' && Number.isSafeInteger(number) && Array.isArray(changes) && changes.every(isChange)
  return isRight ? (message as unknown as Message) : undefined
}

function isChange(change: unknown): change is StoreChange {
  if (typeof change !== 'object' || change === null) return false
  const { keys, invalidation, all } = change as Record<string, unknown>
  if (keys !== undefined) return Array.isArray(keys) && keys.every(key => typeof key === 'string')
  if (invalidation === undefined) return all === true
  if (typeof invalidation !== 'object' || invalidation === null) return false
  const { mode, ...meant } = invalidation as Record<string, unknown>
  const [kind, what] = Object.entries(meant)[0] ?? []
  if (mode !== undefined && mode !== 'delete' && mode !== 'expire') return false
  if (kind === 'tags') return Array.isArray(what) && what.every(tag => typeof tag === 'string')
  if (kind === 'source' && what === undefined) return true
  return typeof what === 'string' && ['key', 'prefix', 'pattern', 'namespace', 'source'].includes(kind as string)
}
