/**
 * A tier over whatever keeps entries, a log of segments for example: write queue above, log below, the newest of both wins.
 *
 * Reads go queue, then log; a failure there is a counted miss. Writes are encoded at once and queued; the queue leaves in
 * rounds, one at a time. What cannot be written is dropped, counted, and hidden, so that no older value shows in its place.
 */

import { untilAborted } from '../abort-watch.ts'
import type { Clock } from '../clock.ts'
import { bytesOf, type Encoded } from '../codec.ts'
import type { Alarm } from '../core/driver.ts'
import { ClosedError, ShelflifeError } from '../errors.ts'
import { nextTask } from '../next-task.ts'
import { encodeEntry, encodeEntryAsText } from '../stores/entry-bytes.ts'
import type { Persist, Room, StoreContext, TierEntry, TierState, TierStats } from '../stores/tier.ts'
import type { PlainTier } from './barrier-tier.ts'
import type { TierCore } from './core.ts'
import { pause, readAborted, withDeadline } from './deadlines.ts'
import { onLeaving } from './leaving.ts'
import type { TierLog } from './tier-log.ts'
import { Waiters } from './waiters.ts'
import { type Pending, WriteQueue, writeOf } from './write-queue.ts'

/** Writes that nobody waits for may gather this long, or until they are this many or this large. */
const GATHER_MS = 100
const GATHER_WRITES = 2048
const GATHER_BYTES = 256 * 1024
/** Above this a write waits for the queue to empty; at {@link REFUSE} times as much it is refused. */
const FULL_WRITES = 16_384
const FULL_BYTES = 8 * 1024 * 1024
const REFUSE = 4
/** A round that fails is tried again so often, after waits that grow. */
const RETRIES = 3
const RETRY_MS = 100
/** What was written without looking for something to compact: so many rounds or bytes, then it is time, whoever waits. */
const UNTIDY_ROUNDS = 256
const UNTIDY_BYTES = 1024 * 1024
/** Compactions one after another, at most. */
const COMPACTIONS = 16
/** How long `close` waits for the queue to empty. */
const CLOSE_MS = 5000
/** A tier that only reads looks this often, when it is used, for what is new and whether it may write. */
const TAKE_OVER_MS = 1000
/** A tier that is off is opened again when it is used after this, and after waits that grow. */
const REVIVE_MS = 1000
const REVIVE_MOST_MS = 300_000
/** Keys that are known to have changed while that could not be written; of more, everything counts as changed. */
const OWED = 10_000

/** Reads entries: from the write queue, then from the log. */
export interface QueuedReader {
  /** The valid entries of `keys`, in their order. Never rejects: a failure is a counted miss. */
  read(keys: readonly string[]): Promise<(TierEntry | undefined)[]>
}

/** What a {@link QueuedTier} lies over. */
export interface Lying {
  readonly name: string
  /** Budget in bytes; an entry above half of it is refused. */
  readonly maxSize: number
  readonly log: TierLog
  /** The log anew, not open yet, with the counts of `log`: for a tier that was off. Without it, off is for good. */
  renew?(log: TierLog): TierLog
  /** Makes the reader. `disown` is to be told of keys whose values are damaged for good. */
  reader(queue: WriteQueue, disown: (key: string) => void, log: TierLog): QueuedReader
}

/** Somebody who waits until the places `first` to `last` of the queue are in the medium. */
/** See the top of this file. */
export class QueuedTier implements PlainTier {
  readonly name: string
  readonly #clock: Clock
  readonly #core: TierCore
  readonly #lying: Lying
  #log: TierLog
  readonly #maxValue: number
  readonly #queue = new WriteQueue()
  #reader: QueuedReader
  readonly #gather: Alarm
  readonly #counts = { hits: 0, misses: 0, writes: 0, dropped: 0 }
  #state: TierState = 'closed'
  #reason: string | undefined
  #opening: Promise<void> | undefined
  #closing: Promise<void> | undefined
  readonly #waiters = new Waiters()
  #pumping = false
  /** Rounds and bytes that were written since somebody looked for something to compact. */
  #untidy = { rounds: 0, bytes: 0 }
  #isTidying = false
  /** Writes since the event loop was given a turn. */
  #ungiven = 0
  /** Calls of `clear` that wait for their turn. A round whose turn comes earlier must not take what was set after them. */
  #clearing = 0
  /** What the log has of these keys is out of date, and could not be told so. `'all'`: of every key. */
  #owed: Set<string> | 'all' = new Set()
  /** When a tier that is off may be opened again, on the driver's timeline, and the wait after that. */
  #reviveAt = Number.POSITIVE_INFINITY
  #reviveMs = REVIVE_MS
  #takeOverAt = 0
  #stopLeaving: (() => void) | undefined

  constructor(lying: Lying, context: StoreContext) {
    this.name = lying.name
    this.#lying = lying
    this.#clock = context.clock
    this.#core = context.core
    this.#log = lying.log
    this.#reader = this.#readerOf(this.#log)
    this.#maxValue = lying.maxSize / 2
    // What has been set is written before the process ends by itself, whether somebody awaits it or not.
    this.#gather = new context.core.Alarm(() => this.#pump(), { holds: true })
  }

  open(): Promise<void> {
    this.#opening ??= this.#open()
    return this.#opening
  }

  async getMany(
    keys: readonly string[],
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<(TierEntry | undefined)[]> {
    this.#refuseClosed()
    if (signal?.aborted) throw readAborted(signal)
    if (this.#state === 'closed') await this.open()
    if (this.#state === 'off') this.#perhapsRevive()
    else if (this.#state === 'read-only') this.#perhapsTakeOver()
    const reading = this.#state === 'off' ? Promise.resolve(keys.map(() => undefined)) : this.#reader.read(keys)
    const found = await (signal === undefined ? reading : untilAborted(reading, signal, readAborted))
    for (const entry of found) this.#counts[entry === undefined ? 'misses' : 'hits'] += 1
    return found
  }

  async setMany(
    entries: readonly { readonly key: string; readonly entry: TierEntry }[],
    { persist }: { readonly persist: Persist },
  ): Promise<void> {
    this.#refuseClosed()
    let failure: unknown
    const writes = entries.map(({ key, entry }): Pending => {
      let bytes: Encoded | undefined
      try {
        bytes = this.#encode(key, entry)
      } catch (error) {
        failure ??= error
        this.#log.count('codec')
        this.#counts.dropped += 1
      }
      return writeOf(key, bytes, entry.expiresAt, entry.writtenAt, persist === 'durable')
    })
    await this.#put(writes, persist)
    if (failure !== undefined) throw failure
  }

  async deleteMany(keys: readonly string[], { persist = 'memory' }: { readonly persist?: Persist | undefined } = {}): Promise<boolean[]> {
    this.#refuseClosed()
    // Before the log is open, nobody knows what it holds: the tombstones go out in any case, the answer waits.
    const opening = this.#state === 'closed'
    const queued = keys.map(key => this.#queued(key))
    const below = opening ? this.open().then(() => this.#below(keys)) : this.#below(keys)
    const [had] = await Promise.all([below, this.#delete(keys, persist, opening)])
    return queued.map((isValue, at) => isValue === true || ((opening || isValue === undefined) && had[at] === true))
  }

  async clear(): Promise<void> {
    this.#refuseClosed()
    this.#queue.clear()
    this.#settle()
    if (this.#state === 'off') this.#owed = 'all'
    if (this.#state === 'off' || this.#state === 'read-only') throw this.#unable()
    // It takes its turn now: writes that follow this call come after it in the log.
    this.#clearing += 1
    try {
      await this.#log.clear(async () => {
        await this.open()
        if (this.#state !== 'on') throw this.#unable()
      })
    } catch (error) {
      this.#log.count('write')
      throw error
    } finally {
      this.#clearing -= 1
    }
  }

  async recent(most: Room, wanted: (key: string) => boolean): Promise<string[]> {
    this.#refuseClosed()
    await this.open()
    return this.#state === 'off' ? [] : ((await this.#log.recent?.(most, wanted)) ?? [])
  }

  async flush(): Promise<void> {
    this.#refuseClosed()
    if (this.#queue.size === 0) return
    await this.#stored({ first: 0, last: this.#queue.ticket })
  }

  lock(key: string, signal: () => AbortSignal): Promise<(() => void) | undefined> | undefined {
    const turn = this.#state === 'on' ? this.#log.lock?.(key, signal) : undefined
    return turn?.then(
      release =>
        release &&
        (() => {
          // Whoever comes next finds what was written meanwhile.
          if (this.#queue.size === 0 || this.#state !== 'on') release()
          else this.#stored({ first: 0, last: this.#queue.ticket }).then(release, release)
        }),
    )
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  stats(): TierStats {
    const { entries, segments, bytes, liveBytes } = this.#log.sizes
    const { reads, reclaimed, compactions, errors, compressed } = this.#log.counts
    return {
      name: this.name,
      state: this.#state,
      reason: this.#reason,
      entries,
      segments,
      bytes,
      liveBytes,
      deadBytes: bytes - liveBytes,
      queued: this.#queue.size,
      queuedBytes: this.#queue.bytes,
      ...this.#counts,
      reads,
      reclaimed,
      compactions,
      errors: Object.fromEntries(errors),
      ...(compressed !== undefined && compressed.before > 0 ? { compressed: { ...compressed } } : {}),
    }
  }

  async #open(): Promise<void> {
    try {
      await this.#log.open()
      // Also when `close` waits for this: what was given meanwhile is still to be written.
      this.#state = this.#log.writable ? 'on' : 'read-only'
    } catch (error) {
      this.#turnOff('open', error)
      return
    }
    if (this.#state === 'on') return this.#queue.isEmpty ? undefined : this.#schedule(0)
    this.#reason = this.#log.whyReadOnly
    this.#log.count('locked')
    this.#giveUpQueue(this.#unable())
  }

  async #close(): Promise<void> {
    if (this.#opening !== undefined) await this.#opening
    if (this.#state === 'on' && this.#queue.size > 0) {
      const flushed = this.#stored({ first: 0, last: this.#queue.ticket })
      await withDeadline(this.#core, CLOSE_MS, () => flushed).catch(() => this.#log.count('flush'))
    }
    if (this.#untidy.rounds > 0) await this.#log.inTurn(() => this.#tidy(() => this.#queue.isEmpty))
    this.#core.driver.set(this.#gather, Number.POSITIVE_INFINITY)
    this.#state = 'closed'
    this.#reviveAt = Number.POSITIVE_INFINITY
    this.#giveUpQueue(new ClosedError(`tier ${this.name}`))
    await this.#log.inTurn(() => this.#log.close()).catch(() => this.#log.count('close'))
  }

  /** The value of `key` is damaged for good: a tombstone, so that no older one comes up after a restart either. */
  #disown(key: string): void {
    if (this.#state === 'on') void this.#delete([key], 'memory', true).catch(() => this.#log.count('write'))
    else this.#log.hide(key)
  }

  /** For each key, whether the log has it. */
  #below(keys: readonly string[]): readonly boolean[] | Promise<readonly boolean[]> {
    return this.#state === 'off' ? [] : this.#log.has(keys)
  }

  /** Whether a value of `key` is queued; `undefined` when there is nothing of it in the queue. */
  #queued(key: string): boolean | undefined {
    const pending = this.#queue.get(key)
    return pending && pending.bytes !== undefined && pending.expiresAt > this.#clock.wall()
  }

  #encode(key: string, entry: TierEntry): Encoded {
    const bytes = this.#log.takesText === true ? encodeEntryAsText(entry) : encodeEntry(entry)
    let size = bytes.length + key.length * 2
    // A unit of text takes three bytes at most.
    if (typeof bytes === 'string' && size + bytes.length * 2 > this.#maxValue) size = bytesOf(bytes).length + key.length * 2
    if (size > this.#maxValue) throw new ShelflifeError('ERR_QUOTA', `an entry of ${size} bytes is more than half of the tier's maxSize`)
    return bytes
  }

  async #delete(keys: readonly string[], persist: Persist, evenUnknown: boolean): Promise<void> {
    const writes: Pending[] = []
    for (const key of keys) {
      // Another tab may have written a key that this directory does not know yet: an acknowledged deletion holds for that, too.
      if (evenUnknown || persist !== 'memory' || this.#state === 'off' || this.#log.knows(key) || this.#queue.isLeaving(key)) {
        writes.push(writeOf(key, undefined, 0, 0, persist === 'durable'))
      } else this.#queue.drop(key)
    }
    this.#settle()
    await this.#put(writes, persist)
  }

  async #put(writes: readonly Pending[], persist: Persist): Promise<void> {
    if (writes.length === 0) return
    if (this.#state === 'off' || this.#state === 'read-only') {
      this.#owe(writes)
      if (this.#state === 'off') this.#perhapsRevive()
      else {
        for (const { key } of writes) this.#log.hide(key)
        this.#perhapsTakeOver()
      }
      this.#counts.dropped += writes.length
      if (persist === 'memory') return
      throw this.#unable()
    }
    if (this.#queue.size >= FULL_WRITES * REFUSE || this.#queue.bytes >= FULL_BYTES * REFUSE) {
      for (const write of writes) this.#queue.push(writeOf(write.key, undefined, 0, 0, write.durable))
      this.#counts.dropped += writes.length
      throw new ShelflifeError('ERR_QUEUE_FULL', `the write queue of tier ${this.name} is full: wait for earlier writes`, {
        retryable: true,
      })
    }
    let first = Number.POSITIVE_INFINITY
    let last = 0
    for (const write of writes) {
      const ticket = this.#queue.push(write)
      first = Math.min(first, ticket)
      last = Math.max(last, ticket)
    }
    this.#stopLeaving ??= onLeaving(() => this.#pump())
    if (persist !== 'memory') return this.#stored({ first, last })
    const { size, bytes } = this.#queue
    // When half of it has left, the medium still has enough to do while the queue fills again.
    if (size > FULL_WRITES || bytes > FULL_BYTES) return this.#stored({ first, last: last - (size >> 1) }).catch(() => {})
    this.#schedule(size >= GATHER_WRITES || bytes >= GATHER_BYTES ? 0 : GATHER_MS)
    this.#ungiven += writes.length
    if (this.#ungiven < GATHER_WRITES || !this.#pumping) return
    // Whoever sets one entry after another, each awaited, would keep the medium's answers waiting until the queue is full.
    this.#ungiven = 0
    return nextTask()
  }

  /** Resolves when those places of the queue are in the medium. */
  #stored({ first, last }: { first: number; last: number }): Promise<void> {
    const stored = this.#waiters.wait(first, last)
    this.#schedule(0)
    return stored
  }

  #schedule(wait: number): void {
    if (this.#state === 'closed') {
      void this.open()
      return
    }
    if (this.#pumping) return
    const driver = this.#core.driver
    // A microtask later, all that is set in this task leaves together.
    if (wait === 0) queueMicrotask(() => this.#pump())
    else if (this.#gather.index < 0) driver.set(this.#gather, driver.now() + wait)
  }

  #pump(): void {
    if (this.#pumping || this.#state !== 'on') return
    this.#pumping = true
    this.#core.driver.set(this.#gather, Number.POSITIVE_INFINITY)
    void this.#empty().finally(() => {
      this.#pumping = false
      if (!this.#queue.isEmpty) this.#schedule(0)
      else if (this.#untidy.rounds > 0) void this.#tidySoon()
    })
  }

  /** Compacts in a task of its own: whoever sets one entry after another, each awaited, does not wait for that. */
  async #tidySoon(): Promise<void> {
    if (this.#isTidying) return
    this.#isTidying = true
    await nextTask()
    this.#isTidying = false
    if (!this.#pumping) await this.#log.inTurn(() => this.#tidy(() => this.#queue.isEmpty))
  }

  /** Compacts, and again as long as that was of use and `mayGoOn`: one compaction takes as much as makes one segment. Only in turn. */
  async #tidy(mayGoOn: () => boolean): Promise<void> {
    this.#untidy = { rounds: 0, bytes: 0 }
    const { counts } = this.#log
    let before = -1
    for (let times = 0; times < COMPACTIONS && before < counts.compactions && this.#state === 'on' && mayGoOn(); times += 1) {
      before = counts.compactions
      await this.#log.compact().catch(() => this.#log.count('compaction'))
    }
  }

  async #empty(): Promise<void> {
    let failures = 0
    while (!this.#queue.isEmpty && this.#state === 'on') {
      const failure = await this.#log.inTurn(() => this.#round())
      if (failure === undefined) failures = 0
      else if (failures >= RETRIES || this.#log.isFinal(failure)) this.#fail(failure)
      else {
        failures += 1
        await pause(this.#core, RETRY_MS * 4 ** (failures - 1))
      }
    }
  }

  /** Writes the head of the queue. Gives the reason when it cannot. */
  async #round(): Promise<unknown> {
    if (this.#clearing > 0) return undefined
    const batch = this.#queue.take(Math.min(this.#log.roundBytes, this.#maxValue))
    if (batch.length === 0) return undefined
    const { epoch } = this.#log
    const bytes = batch.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0)
    try {
      await this.#log.append(batch, batch.some(({ durable }) => durable) ? 'durable' : 'stored')
    } catch (error) {
      this.#log.count(this.#log.kindOf(error))
      this.#queue.giveBack()
      return error
    }
    if (epoch === this.#log.epoch) this.#counts.writes += batch.length
    this.#queue.done()
    this.#settle()
    this.#payDebts()
    this.#untidy.rounds += 1
    this.#untidy.bytes += bytes
    if (this.#untidy.rounds >= UNTIDY_ROUNDS || this.#untidy.bytes >= UNTIDY_BYTES) await this.#tidy(() => true)
    return undefined
  }

  /** The head of the queue could not be written, again and again. If others may succeed only that is dropped; else the tier is off. */
  #fail(failure: unknown): void {
    if (this.#log.isFatal(failure)) {
      this.#turnOff('write', failure)
      return
    }
    const batch = this.#queue.take(this.#log.roundBytes)
    this.#queue.done()
    for (const { key } of batch) this.#log.hide(key)
    this.#owe(batch)
    this.#counts.dropped += batch.length
    this.#waiters.reject(failure, batch.at(-1)?.ticket ?? 0)
    this.#settle()
  }

  #turnOff(kind: string, cause: unknown): void {
    this.#log.count(kind)
    // Nobody opens it again, and whoever closes it waits for the queue.
    if (this.#closing !== undefined) return this.#giveUpQueue(new ClosedError(`tier ${this.name}`))
    this.#state = 'off'
    this.#reason = cause instanceof Error ? cause.message : String(cause)
    this.#giveUpQueue(this.#unable(cause))
    const log = this.#log
    void log.inTurn(() => log.close()).catch(() => log.count('close'))
    this.#reviveAt = this.#core.driver.now() + this.#reviveMs
    this.#reviveMs = Math.min(this.#reviveMs * 4, REVIVE_MOST_MS)
  }

  /** Opens a tier that is off again, if that may be tried. What went wrong may have passed: a full disk, a tab that blocked. */
  #perhapsRevive(): void {
    const { renew } = this.#lying
    if (renew === undefined || this.#core.driver.now() < this.#reviveAt || this.#closing !== undefined) return
    this.#reviveAt = Number.POSITIVE_INFINITY
    this.#opening = this.#revive(renew)
  }

  async #revive(renew: (log: TierLog) => TierLog): Promise<void> {
    const log = renew(this.#log)
    try {
      await log.open()
      if (this.#owed === 'all' && log.writable) await log.clear(async () => {})
    } catch (error) {
      await log.close().catch(() => {})
      return this.#turnOff('open', error)
    }
    this.#log = log
    this.#reader = this.#readerOf(log)
    this.#state = log.writable ? 'on' : 'read-only'
    this.#reason = undefined
    if (this.#owed === 'all') this.#owed = new Set()
    this.#payDebts()
    log.count('revived')
  }

  /** The one who holds the log may have ended. What it has written meanwhile is read in any case. */
  #perhapsTakeOver(): void {
    const now = this.#core.driver.now()
    if (now < this.#takeOverAt || this.#log.takeOver === undefined || this.#closing !== undefined) return
    this.#takeOverAt = Number.POSITIVE_INFINITY
    void this.#takeOver().finally(() => {
      this.#takeOverAt = this.#core.driver.now() + TAKE_OVER_MS
    })
  }

  async #takeOver(): Promise<void> {
    const log = this.#log
    const isOurs = await log.takeOver?.().catch(() => log.count('read'))
    if (isOurs !== true || this.#state !== 'read-only' || this.#closing !== undefined) return
    this.#state = 'on'
    this.#reason = undefined
    log.count('tookOver')
    this.#payDebts()
  }

  #readerOf(log: TierLog): QueuedReader {
    return this.#lying.reader(this.#queue, key => this.#disown(key), log)
  }

  /** These could not be written. What the log has of their keys must not come up some day. */
  #owe(writes: readonly Pending[]): void {
    if (this.#owed === 'all') return
    for (const { key } of writes) this.#owed.add(key)
    if (this.#owed.size > OWED) this.#owed = 'all'
  }

  /** Tombstones for what could not be written, now that something can be. */
  #payDebts(): void {
    if (this.#state !== 'on') return
    if (this.#owed === 'all') {
      this.#owed = new Set()
      this.#log.count('emptied')
      void this.#log.clear(async () => {}).catch(() => this.#log.count('write'))
      return
    }
    if (this.#owed.size === 0) return
    const keys = [...this.#owed].filter(key => this.#queue.get(key) === undefined)
    this.#owed = new Set()
    void this.#delete(keys, 'memory', true).catch(() => this.#log.count('write'))
  }

  #giveUpQueue(reason: ShelflifeError): void {
    const dropped = this.#queue.clear()
    this.#counts.dropped += dropped.length
    this.#owe(dropped)
    for (const { key } of dropped) this.#log.hide(key)
    if (this.#queue.size === 0) this.#stay()
    this.#waiters.reject(reason)
  }

  /** Resolves those whose writes have left the queue. */
  #settle(): void {
    if (this.#queue.size === 0) this.#stay()
    this.#waiters.settle(this.#queue.oldest)
  }

  /** Nothing is queued: whether the page is left is of no interest. */
  #stay(): void {
    this.#stopLeaving?.()
    this.#stopLeaving = undefined
  }

  #unable(cause?: unknown): ShelflifeError {
    return new ShelflifeError('ERR_STORE', `tier ${this.name} is ${this.#state}: ${this.#reason}`, cause === undefined ? {} : { cause })
  }

  #refuseClosed(): void {
    if (this.#closing !== undefined) throw new ClosedError(`tier ${this.name}`)
  }
}
