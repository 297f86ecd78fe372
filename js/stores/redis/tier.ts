/**
 * A {@link Tier} in a Redis that many may share. Reads are one command for all keys asked for together, and never reject for
 * Redis's sake; writes leave in rounds, one at a time, all that has gathered meanwhile in one go.
 *
 * What cannot be written waits, within bounds. Of what is given up beyond them the key is remembered, and hidden, until Redis
 * has forgotten it too; with too many of those everything is given up. So no older value shows in the place of a lost one.
 */

import { untilAborted } from '../../abort-watch.ts'
import type { Clock } from '../../clock.ts'
import { ClosedError, ShelflifeError } from '../../errors.ts'
import { readAborted } from '../../tier/deadlines.ts'
import { Waiters } from '../../tier/waiters.ts'
import { type Pending, WriteQueue, writeOf } from '../../tier/write-queue.ts'
import { GONE, type Mark } from '../barriers.ts'
import { decodeEntry, encodeEntry } from '../entry-bytes.ts'
import type { Invalidation, Persist, StoreContext, Tier, TierEntry, TierStats } from '../tier.ts'
import type { Command, Connect, Reply } from './client.ts'
import { Doubts } from './doubts.ts'
import { frame, HEAD, readEntry, readHead } from './entry.ts'
import { Ledger } from './ledger.ts'
import { type LineOptions, RedisLine, refusalOf } from './line.ts'
import { RedisNames } from './names.ts'
import { DELETE_LATE, SET_LATE } from './scripts.ts'

/** Keys that one command reads, and bytes that one round writes: more would keep others waiting. */
const KEYS_AT_ONCE = 512
const ROUND_BYTES = 256 * 1024
/** A queue that is this many times as full as it may be takes nothing more in. */
const REFUSE = 4
/** What has waited for longer may have been overtaken by others: it is written only where there is nothing newer. */
const LATE_MS = 1000
/** After a refusal, such as want of memory, it is tried again so much later. */
const RETRY_MS = 1000
/** A write that concerns news is written anew so often, at most. */
const REWRITES = 3
const CLOSE_MS = 5000
/** Redis ends an entry this much later than it ends for readers, whose clocks may differ. */
const SLACK_MS = 1000
/** A value that was written this far in the future, by our clock, is not believed. */
const TOLERANCE_MS = 60_000
/** Longer lives are for ever. */
const LONGEST_MS = 2 ** 45

/** What the options come to. */
export interface RedisTierOptions {
  readonly name: string
  readonly prefix: string
  readonly connect: Connect
  readonly line: LineOptions
  readonly maxQueued: number
  readonly maxQueuedBytes: number
  readonly maxValueBytes: number
}

/** See the top of this file. */
export class RedisTier implements Tier {
  readonly name: string
  readonly isShared = true
  readonly #options: RedisTierOptions
  readonly #clock: Clock
  readonly #core: StoreContext['core']
  readonly #onChange: StoreContext['onChange']
  readonly #names: RedisNames
  readonly #line: RedisLine
  readonly #ledger: Ledger
  readonly #queue = new WriteQueue()
  readonly #waiters = new Waiters()
  readonly #doubts = new Doubts()
  readonly #counts = { hits: 0, misses: 0, reads: 0, writes: 0, dropped: 0 }
  readonly #errors = new Map<string, number>()
  #opening: Promise<void> | undefined
  #closing: Promise<void> | undefined
  /** Whether Redis may have lost what it had, since it was not there for a while. */
  #mustAsk = false
  #isPumping = false
  #isScheduled = false
  #syncing: Promise<void> = Promise.resolve()
  #nextSync: Promise<void> | undefined
  #isDurable: Promise<boolean> | undefined

  constructor(options: RedisTierOptions, context: StoreContext) {
    this.name = options.name
    this.#options = options
    this.#clock = context.clock
    this.#core = context.core
    this.#onChange = context.onChange
    this.#names = new RedisNames(options.prefix)
    this.#ledger = new Ledger(this.#names, context.clock)
    this.#line = new RedisLine(options.connect, context, options.line, { count: kind => this.#count(kind), onUp: () => this.#isBack() })
  }

  open(): Promise<void> {
    this.#opening ??= this.#line.open().then(() => this.#sync().catch(() => {}))
    return this.#opening
  }

  async getMany(
    keys: readonly string[],
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<(TierEntry | undefined)[]> {
    this.#refuseClosed()
    if (signal?.aborted) throw readAborted(signal)
    const reading = this.#read(keys)
    const found = await (signal === undefined ? reading : untilAborted(reading, signal, readAborted))
    for (const entry of found) this.#counts[entry === undefined ? 'misses' : 'hits'] += 1
    return found
  }

  async setMany(
    entries: readonly { readonly key: string; readonly entry: TierEntry }[],
    { persist }: { readonly persist: Persist },
  ): Promise<void> {
    this.#refuseClosed()
    this.#ledger.learn(entries)
    this.#ledger.changed(entries.map(({ key }) => key))
    let failure: unknown
    const writes = entries.map(({ key, entry }): Pending => {
      let bytes: Uint8Array | undefined
      try {
        bytes = this.#encode(entry)
      } catch (error) {
        // The old value must not stay in the place of one that could not be kept.
        failure ??= error
        this.#count('codec')
        this.#counts.dropped += 1
      }
      return writeOf(key, bytes, entry.expiresAt, entry.writtenAt, persist === 'durable')
    })
    await this.#store(writes, persist)
    if (failure !== undefined) throw failure
  }

  async deleteMany(keys: readonly string[], { persist = 'memory' }: { readonly persist?: Persist | undefined } = {}): Promise<boolean[]> {
    this.#refuseClosed()
    this.#ledger.changed(keys)
    const wall = this.#clock.wall()
    const had = this.#had(keys)
    const deletions = keys.map(key => writeOf(key, undefined, Number.POSITIVE_INFINITY, wall, persist === 'durable'))
    const [answer] = await Promise.all([had, this.#store(deletions, persist)])
    return answer
  }

  async invalidate(
    { mode = 'delete', ...meant }: Invalidation,
    { persist = 'stored' }: { readonly persist?: Persist | undefined } = {},
  ): Promise<void> {
    this.#refuseClosed()
    this.#ledger.raise(meant, mode)
    if (persist === 'memory') this.#schedule()
    else await this.#sync()
    if (persist === 'durable') await this.#refuseUnsynced()
  }

  async clear(): Promise<void> {
    this.#refuseClosed()
    this.#queue.clear()
    this.#waiters.settle(this.#queue.oldest)
    this.#doubts.clear()
    this.#ledger.begin()
    await this.#sync()
  }

  async flush(): Promise<void> {
    this.#refuseClosed()
    await this.#flush()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  stats(): TierStats {
    const isOn = this.#line.isUp
    return {
      name: this.name,
      state: this.#opening === undefined || this.#closing !== undefined ? 'closed' : isOn ? 'on' : 'off',
      reason: isOn ? undefined : this.#line.reason,
      // How many there are only Redis knows, and asking would cost it.
      entries: 0,
      segments: 0,
      bytes: 0,
      liveBytes: 0,
      deadBytes: 0,
      queued: this.#queue.size + this.#doubts.size,
      queuedBytes: this.#queue.bytes + this.#doubts.bytes,
      reclaimed: 0,
      compactions: 0,
      ...this.#counts,
      errors: Object.fromEntries(this.#errors),
    }
  }

  async #read(keys: readonly string[]): Promise<(TierEntry | undefined)[]> {
    if (!this.#ledger.isKnown) await this.open()
    const deadline = this.#core.driver.now() + this.#options.line.timeoutMs
    const unread: { key: string; index: number; mark: Mark | undefined }[] = []
    const found = keys.map((key, index) => {
      const pending = this.#queue.get(key)
      if (pending !== undefined) return this.#entryOf(pending)
      if (!this.#doubts.has(key)) unread.push({ key, index, mark: this.#ledger.markOf(key) })
      return undefined
    })
    if (unread.length === 0 || !this.#line.isUp) return found
    const replies = await this.#fetch(
      unread.map(({ key }) => key),
      deadline,
    )
    if (replies === undefined) return found
    for (const [at, { key, index, mark }] of unread.entries()) {
      // What was written while we read is newer than what we read.
      const pending = this.#queue.get(key)
      if (pending !== undefined) found[index] = this.#entryOf(pending)
      else if (!this.#doubts.has(key)) found[index] = this.#entryAt(key, replies[at], mark)
    }
    return found
  }

  /** What Redis has of `keys`, and not before this process knows what of it has been given up. `undefined` when it does not answer. */
  async #fetch(keys: readonly string[], deadline: number): Promise<Reply[] | undefined> {
    const commands: Command[] = []
    for (let at = 0; at < keys.length; at += KEYS_AT_ONCE) {
      const some = keys.slice(at, at + KEYS_AT_ONCE)
      commands.push(['MGET', this.#names.version, ...some.map(key => this.#names.of(key))])
    }
    this.#counts.reads += commands.length
    try {
      const replies = (await this.#line.call(commands)) as readonly (readonly Reply[])[]
      const version = replies.at(-1)?.[0]
      if (!this.#ledger.isCurrent(version)) await this.#until(deadline, this.#sync())
      return replies.flatMap(reply => reply.slice(1))
    } catch {
      // The line has counted it.
      return undefined
    }
  }

  #entryAt(key: string, reply: Reply | undefined, mark: Mark | undefined): TierEntry | undefined {
    if (!(reply instanceof Uint8Array)) return undefined
    if (reply.length > this.#options.maxValueBytes + HEAD) {
      this.#count('size')
      return undefined
    }
    const head = readHead(reply)
    if (head === undefined) {
      this.#count('format')
      return undefined
    }
    if (head.epoch !== this.#ledger.epoch || !this.#isValid(head)) return undefined
    const entry = readEntry(key, reply, head)
    if (typeof entry !== 'string') return this.#judged(key, entry, mark)
    this.#count(entry)
    return undefined
  }

  #entryOf(pending: Pending): TierEntry | undefined {
    const { key, bytes, writtenAt, expiresAt } = pending
    if (bytes === undefined || !this.#isValid(pending)) return undefined
    return this.#judged(key, { ...decodeEntry(bytes), writtenAt, expiresAt })
  }

  #isValid({ writtenAt, expiresAt }: { readonly writtenAt: number; readonly expiresAt: number }): boolean {
    const wall = this.#clock.wall()
    return expiresAt > wall && writtenAt <= wall + TOLERANCE_MS
  }

  #judged(key: string, entry: TierEntry, mark?: Mark): TierEntry | undefined {
    const verdict = this.#ledger.judge(key, entry.facts, mark)
    if (verdict === undefined) return entry
    return verdict === GONE ? undefined : { ...entry, expiredAt: verdict }
  }

  /** For each key, whether there is a value that could be read. Asked before anything that is written after this call. */
  async #had(keys: readonly string[]): Promise<boolean[]> {
    const had = keys.map(key => {
      const pending = this.#queue.get(key)
      if (pending === undefined) return this.#doubts.has(key) ? false : undefined
      return this.#entryOf(pending) !== undefined
    })
    const unknown = keys.filter((_, at) => had[at] === undefined)
    if (unknown.length === 0 || !this.#line.isUp) return had.map(one => one === true)
    const commands = unknown.map((key): Command => ['GETRANGE', this.#names.of(key), '0', String(HEAD - 1)])
    const { epoch } = this.#ledger
    const replies = await this.#line.call(commands).catch((): Reply[] => [])
    let at = 0
    return had.map(one => {
      if (one !== undefined) return one
      const reply = replies[at]
      at += 1
      const head = reply instanceof Uint8Array ? readHead(reply) : undefined
      return head !== undefined && head.epoch === epoch && this.#isValid(head)
    })
  }

  #encode(entry: Pick<TierEntry, 'value' | 'facts'>): Uint8Array {
    const { value, facts } = entry
    const { era } = this.#ledger
    const bytes = encodeEntry(era === 0 ? entry : { value, facts: { ...facts, era } })
    const { maxValueBytes } = this.#options
    if (bytes.length <= maxValueBytes) return bytes
    throw new ShelflifeError('ERR_QUOTA', `a value of ${bytes.length} bytes, where ${maxValueBytes} are allowed (maxValueSize)`)
  }

  /** Queues the writes and waits as `persist` says. */
  async #store(writes: readonly Pending[], persist: Persist): Promise<void> {
    if (writes.length === 0) return
    let first = Number.POSITIVE_INFINITY
    let last = 0
    for (const write of writes) {
      this.#doubts.delete(write.key)
      const place = this.#queue.push(write)
      first = Math.min(first, place)
      last = Math.max(last, place)
    }
    this.#shed()
    if (persist !== 'memory') {
      const stored = this.#waiters.wait(first, last, persist === 'durable')
      this.#schedule()
      return stored
    }
    this.#schedule()
    // Who awaits each write is held up; who does not comes to the bound above.
    if (this.#line.isUp && this.#isFull(1)) await this.#waiters.wait(0, this.#queue.ticket).catch(() => {})
  }

  #isFull(times: number): boolean {
    const { maxQueued, maxQueuedBytes } = this.#options
    return this.#queue.size > maxQueued * times || this.#queue.bytes > maxQueuedBytes * times
  }

  /** Gives up what there is no room for, the oldest first. */
  #shed(): void {
    while (this.#isFull(this.#line.isUp ? REFUSE : 1)) {
      const pending = this.#queue.shed()
      if (pending === undefined) return
      this.#counts.dropped += 1
      this.#waiters.reject(new ShelflifeError('ERR_STORE', `the write queue of ${this.name} is full`, { retryable: true }), pending.ticket)
      this.#doubts.add(pending.key, pending.writtenAt)
    }
    if (!this.#doubts.areTooMany) return
    this.#count('forgotten')
    this.#doubts.clear()
    this.#ledger.begin()
  }

  /** What gathers in this task leaves together. */
  #schedule(): void {
    if (this.#isScheduled || this.#isPumping) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      void this.#pump()
    })
  }

  async #pump(): Promise<void> {
    if (this.#isPumping) return
    this.#isPumping = true
    try {
      if (this.#opening === undefined && this.#closing === undefined) await this.open()
      else await this.#opening
      while (this.#line.isUp && this.#hasWork) {
        try {
          await this.#round()
        } catch (error) {
          this.#waiters.reject(error)
          if (refusalOf(error) !== 'none') await this.#pause(RETRY_MS)
        }
      }
      if (this.#line.isUp) this.#waiters.settle(this.#queue.oldest)
      // It goes on when the line is up again.
      else this.#waiters.reject(this.#unable())
    } finally {
      this.#isPumping = false
      if (this.#line.isUp && this.#hasWork) this.#schedule()
    }
  }

  #isBack(): void {
    this.#mustAsk = true
    this.#schedule()
  }

  get #hasWork(): boolean {
    return this.#mustAsk || this.#ledger.owes || this.#doubts.size > 0 || !this.#queue.isEmpty
  }

  /** Tells Redis the next of what it has to know. */
  async #round(): Promise<void> {
    if (this.#mustAsk || this.#ledger.owes) {
      this.#mustAsk = false
      try {
        await this.#sync()
      } catch (error) {
        this.#mustAsk = true
        throw error
      }
    }
    const doubts = this.#doubts.some(KEYS_AT_ONCE)
    if (doubts.length > 0) {
      await this.#line.call([this.#late(DELETE_LATE, doubts, ([, at]) => [String(at)], this.#ledger.epoch)])
      this.#doubts.settle(doubts)
      return
    }
    const batch = this.#queue.take(ROUND_BYTES)
    if (batch.length === 0) return
    try {
      await this.#write(batch)
    } catch (error) {
      if (refusalOf(error) === 'oom') return await this.#giveUp(batch, error)
      this.#queue.giveBack()
      this.#shed()
      throw error
    }
    this.#counts.writes += batch.length
    this.#queue.done()
    if (batch.some(({ durable }) => durable)) await this.#settleDurable()
    this.#waiters.settle(this.#queue.oldest)
  }

  async #write(batch: readonly Pending[]): Promise<void> {
    let writes = batch
    for (let attempt = 0; attempt < REWRITES; attempt += 1) {
      const { epoch } = this.#ledger
      const replies = await this.#line.call([...this.#commands(writes), ['GET', this.#names.version]])
      if (this.#ledger.isCurrent(replies.at(-1))) return
      await this.#sync()
      // What was given up meanwhile by somebody else counts as given up before: who waits for it will find it.
      writes = writes.filter(
        ({ key, bytes, ticket }) =>
          bytes !== undefined &&
          this.#queue.isLeaving(key) &&
          this.#waiters.has(ticket) &&
          (epoch !== this.#ledger.epoch || this.#ledger.judge(key, decodeEntry(bytes).facts) !== undefined),
      )
      if (writes.length === 0) break
      writes = writes.map(write => ({ ...write, bytes: this.#encode(decodeEntry(write.bytes as Uint8Array)) }))
    }
    // What depends on these keys, as somebody else has written meanwhile.
    this.#ledger.changed(batch.map(({ key }) => key))
    if (this.#ledger.owes) await this.#sync()
  }

  #commands(writes: readonly Pending[]): Command[] {
    const { epoch } = this.#ledger
    const wall = this.#clock.wall()
    const commands: Command[] = []
    const late: { set: (readonly [string, Pending])[]; deleted: (readonly [string, Pending])[] } = { set: [], deleted: [] }
    for (const write of writes) {
      const isSet = write.bytes !== undefined && write.expiresAt > wall
      if (wall - write.writtenAt > LATE_MS) late[isSet ? 'set' : 'deleted'].push([write.key, write])
      else if (isSet) commands.push(this.#set(write, epoch, wall))
      else commands.push(['UNLINK', this.#names.of(write.key)])
    }
    const { set, deleted } = late
    if (deleted.length > 0) commands.push(this.#late(DELETE_LATE, deleted, ([, { writtenAt }]) => [String(writtenAt)], epoch))
    if (set.length > 0) {
      const details = ([key, write]: readonly [string, Pending]) => {
        return [String(write.writtenAt), frame(key, epoch, write.bytes as Uint8Array, write), lifeOf(write, wall)]
      }
      commands.push(this.#late(SET_LATE, set, details, epoch))
    }
    return commands
  }

  #set(write: Pending, epoch: string, wall: number): Command {
    const bytes = frame(write.key, epoch, write.bytes as Uint8Array, write)
    const life = lifeOf(write, wall)
    const name = this.#names.of(write.key)
    return life === '' ? ['SET', name, bytes] : ['SET', name, bytes, 'PX', life]
  }

  #late<T extends readonly [key: string, ...unknown[]]>(
    script: string,
    items: readonly T[],
    details: (item: T) => (string | Uint8Array)[],
    epoch: string,
  ): Command {
    return ['EVAL', script, String(items.length), ...items.map(([key]) => this.#names.of(key)), epoch, ...items.flatMap(details)]
  }

  /** Redis has no memory left: the values go, and so does what they should have replaced. */
  async #giveUp(batch: readonly Pending[], cause: unknown): Promise<void> {
    this.#queue.done()
    this.#counts.dropped += batch.length
    for (const { key, writtenAt } of batch) if (this.#queue.get(key) === undefined) this.#doubts.add(key, writtenAt)
    const last = Math.max(...batch.map(({ ticket }) => ticket))
    this.#waiters.reject(new ShelflifeError('ERR_QUOTA', 'Redis is out of memory', { cause, retryable: true }), last)
    const commands = batch.map(({ key }): Command => ['UNLINK', this.#names.of(key)])
    await this.#line.call(commands)
    this.#doubts.settle(batch.map(({ key, writtenAt }) => [key, writtenAt]))
  }

  async #settleDurable(): Promise<void> {
    try {
      await this.#refuseUnsynced()
    } catch (error) {
      this.#waiters.rejectDurable(error, this.#queue.oldest)
    }
  }

  /** A reply means that a write is synced only where Redis syncs before it replies. */
  async #refuseUnsynced(): Promise<void> {
    this.#isDurable ??= this.#askDurable()
    if (await this.#isDurable) return
    throw new ShelflifeError(
      'ERR_STORE',
      "it is stored; but Redis syncs before it replies only with 'appendonly yes' and 'appendfsync always'",
    )
  }

  async #askDurable(): Promise<boolean> {
    try {
      const replies = await this.#line.call([
        ['CONFIG', 'GET', 'appendonly'],
        ['CONFIG', 'GET', 'appendfsync'],
      ])
      return String(replies.map(textsOf)) === 'appendonly,yes,appendfsync,always'
    } catch {
      this.#isDurable = undefined
      return false
    }
  }

  /** Tells Redis of invalidations and hears of those of others; one at a time. What is owed at the call is told when it resolves. */
  #sync(): Promise<void> {
    if (this.#nextSync !== undefined) return this.#nextSync
    const next = this.#syncing
      .catch(() => {})
      .then(() => {
        this.#nextSync = undefined
        this.#syncing = this.#inquire()
        return this.#syncing
      })
    this.#nextSync = next
    return next
  }

  async #inquire(): Promise<void> {
    if (this.#opening === undefined) await this.open()
    const { command, owed } = this.#ledger.inquire()
    const [reply] = await this.#line.call([command])
    const news = this.#ledger.settle(reply, owed)
    if (news !== undefined) {
      for (const change of news) this.#onChange?.(change)
      return
    }
    this.#count('format')
    throw new ShelflifeError('ERR_STORE', 'Redis gave an answer that is none')
  }

  async #flush(): Promise<void> {
    if (this.#queue.size === 0 && this.#doubts.size === 0 && !this.#ledger.owes) return
    if (!this.#line.isUp && this.#opening !== undefined) await this.#opening
    const stored = this.#queue.size === 0 ? undefined : this.#waiters.wait(0, this.#queue.ticket)
    stored?.catch(() => {})
    this.#schedule()
    if (this.#ledger.owes) await this.#sync()
    await stored
  }

  async #close(): Promise<void> {
    await this.#opening
    if (this.#line.isUp) await this.#until(this.#core.driver.now() + CLOSE_MS, this.#flush()).catch(() => {})
    this.#counts.dropped += this.#queue.clear().length
    this.#line.close()
    this.#waiters.reject(new ClosedError(`tier ${this.name}`))
  }

  #until<T>(deadline: number, work: Promise<T>): Promise<T> {
    const { driver, Alarm } = this.#core
    return new Promise((resolve, reject) => {
      const alarm = new Alarm(() => reject(this.#unable()), { holds: true })
      driver.set(alarm, deadline)
      work.then(resolve, reject).finally(() => driver.set(alarm, Number.POSITIVE_INFINITY))
    })
  }

  #pause(ms: number): Promise<void> {
    const { driver, Alarm } = this.#core
    return new Promise(resolve => driver.set(new Alarm(() => resolve()), driver.now() + ms))
  }

  #count(kind: string): void {
    this.#errors.set(kind, (this.#errors.get(kind) ?? 0) + 1)
  }

  #unable(): ShelflifeError {
    return new ShelflifeError('ERR_STORE', `tier ${this.name} is off: ${this.#line.reason}`, { retryable: true })
  }

  #refuseClosed(): void {
    if (this.#closing !== undefined) throw new ClosedError(`tier ${this.name}`)
  }
}

/** How long Redis keeps it, in milliseconds; nothing for ever. */
function lifeOf({ expiresAt }: Pending, wall: number): string {
  const life = Math.ceil(expiresAt - wall) + SLACK_MS
  return life > LONGEST_MS ? '' : String(life)
}

/** The texts of a reply that is a list or a map. */
function textsOf(reply: unknown): string[] {
  if (reply instanceof Uint8Array) return [Buffer.from(reply).toString()]
  if (reply instanceof Map || Array.isArray(reply)) return [...reply].flatMap(textsOf)
  return typeof reply === 'object' && reply !== null ? Object.entries(reply).flatMap(textsOf) : [String(reply)]
}
