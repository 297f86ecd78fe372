/**
 * A tier over whatever keeps entries, a log of segments for example: write queue above, log below, the newest of both wins.
 *
 * Reads go queue, then log; a failure there is a counted miss. Writes are encoded at once and queued; the queue leaves in
 * rounds ({@link WriteRounds}). What cannot be written is dropped, counted, and hidden, so that no older value shows in its place.
 */

import { untilAborted } from '../abort-watch.ts'
import type { Clock } from '../clock.ts'
import { bytesOf, type Encoded } from '../codec.ts'
import { ClosedError, ShelflifeError } from '../errors.ts'
import { encodeEntry, encodeEntryAsText } from '../stores/entry-bytes.ts'
import type { Offered, Persist, Room, StoreContext, TierEntry, TierStats } from '../stores/tier.ts'
import { Backlog, type BacklogHost } from './backlog.ts'
import type { PlainTier } from './barrier-tier.ts'
import type { TierCore } from './core.ts'
import { readAborted, withDeadline } from './deadlines.ts'
import { Debts } from './debts.ts'
import { LogState, type LogStateHost } from './log-state.ts'
import { isRecord, RECORDS } from './records.ts'
import type { TierLog } from './tier-log.ts'
import { type Pending, type WriteQueue, writeOf } from './write-queue.ts'

/** How long `close` waits for the queue to empty. */
const CLOSE_MS = 5000

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

/** See the top of this file. */
export class QueuedTier implements PlainTier {
  readonly name: string
  readonly #clock: Clock
  readonly #core: TierCore
  readonly #context: StoreContext
  readonly #lying: Lying
  readonly #maxValue: number
  readonly #state: LogState
  readonly #backlog: Backlog
  readonly #debts = new Debts()
  readonly #counts = { hits: 0, misses: 0, writes: 0, dropped: 0 }
  #reader: QueuedReader
  #closing: Promise<void> | undefined
  /** Calls of `clear` that wait for their turn. A round whose turn comes earlier must not take what was set after them. */
  #clearing = 0

  constructor(lying: Lying, context: StoreContext) {
    this.name = lying.name
    this.#lying = lying
    this.#clock = context.clock
    this.#core = context.core
    this.#context = context
    this.#maxValue = lying.maxSize / 2
    this.#state = new LogState(this.#stateHost(), lying.log, context.core, lying.renew)
    this.#backlog = new Backlog(this.#backlogHost(), context.core, this.#maxValue)
    this.#reader = this.#readerOf(lying.log)
  }

  open(): Promise<void> {
    return this.#state.open()
  }

  async getMany(
    keys: readonly string[],
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<(TierEntry | undefined)[]> {
    this.#refuseClosed()
    if (signal?.aborted) throw readAborted(signal)
    if (this.#state.state === 'closed') await this.open()
    this.#state.tryAgain()
    const reading = this.#state.state === 'off' ? Promise.resolve(keys.map(() => undefined)) : this.#reader.read(keys)
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
        this.#state.log.count('codec')
        this.#counts.dropped += 1
      }
      return writeOf(key, bytes, entry.expiresAt, entry.writtenAt, persist === 'durable')
    })
    await this.#put(writes, persist)
    if (failure !== undefined) throw failure
  }

  offer(key: string, entry: TierEntry): Offered {
    if (this.#state.state !== 'on' || this.#closing !== undefined || this.#backlog.isFull) return false
    let bytes: Encoded
    try {
      bytes = this.#encode(key, entry)
    } catch {
      return false
    }
    return this.#backlog.offer(writeOf(key, bytes, entry.expiresAt, entry.writtenAt, false))
  }

  async deleteMany(keys: readonly string[], { persist = 'memory' }: { readonly persist?: Persist | undefined } = {}): Promise<boolean[]> {
    this.#refuseClosed()
    // Before the log is open, nobody knows what it holds: the tombstones go out in any case, the answer waits.
    const opening = this.#state.state === 'closed'
    const queued = keys.map(key => this.#isQueued(key))
    const below = opening ? this.open().then(() => this.#below(keys)) : this.#below(keys)
    const [had] = await Promise.all([below, this.#delete(keys, persist, opening)])
    return queued.map((isValue, at) => isValue === true || ((opening || isValue === undefined) && had[at] === true))
  }

  async clear(): Promise<void> {
    this.#refuseClosed()
    this.#backlog.forget()
    const { state } = this.#state
    if (state === 'off' || state === 'read-only') this.#debts.oweAll()
    if (state === 'off') throw this.#state.unable()
    // It takes its turn now: writes that follow this call come after it in the log.
    this.#clearing += 1
    try {
      await this.#state.log.clear(async () => {
        await this.open()
        if (this.#state.state !== 'on') throw this.#state.unable()
      })
    } catch (error) {
      this.#state.log.count('write')
      throw error
    } finally {
      this.#clearing -= 1
    }
  }

  async recent(most: Room, wanted: (key: string) => boolean): Promise<string[]> {
    this.#refuseClosed()
    await this.open()
    return this.#state.state === 'off' ? [] : ((await this.#state.log.recent?.(most, wanted)) ?? [])
  }

  async flush(): Promise<void> {
    this.#refuseClosed()
    if (this.#backlog.queue.size > 0) await this.#backlog.drained()
  }

  lock(key: string, signal: () => AbortSignal): Promise<(() => void) | undefined> | undefined {
    const turn = this.#state.state === 'on' ? this.#state.log.lock?.(key, signal) : undefined
    return turn?.then(
      release =>
        release &&
        (() => {
          // Whoever comes next finds what was written meanwhile.
          if (this.#backlog.queue.size === 0 || this.#state.state !== 'on') release()
          else this.#backlog.drained().then(release, release)
        }),
    )
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  stats(): TierStats {
    const { queue } = this.#backlog
    const { entries, segments, bytes, liveBytes } = this.#state.log.sizes
    const { reads, reclaimed, compactions, errors, compressed } = this.#state.log.counts
    return {
      name: this.name,
      state: this.#state.state,
      reason: this.#state.reason,
      entries,
      segments,
      bytes,
      liveBytes,
      deadBytes: bytes - liveBytes,
      queued: queue.size,
      queuedBytes: queue.bytes,
      ...this.#counts,
      reads,
      reclaimed,
      compactions,
      errors: Object.fromEntries(errors),
      ...(compressed !== undefined && compressed.before > 0 ? { compressed: { ...compressed } } : {}),
    }
  }

  async #close(): Promise<void> {
    await this.#state.end()
    if (this.#state.state === 'on' && this.#backlog.queue.size > 0) {
      const flushed = this.#backlog.drained()
      await withDeadline(this.#core, CLOSE_MS, () => flushed).catch(() => this.#state.log.count('flush'))
    }
    await this.#backlog.tidyNow()
    this.#backlog.stop()
    this.#state.close()
    this.#lose(this.#backlog.giveUp(new ClosedError(`tier ${this.name}`)))
    await this.#state.log.inTurn(() => this.#state.log.close()).catch(() => this.#state.log.count('close'))
  }

  /** The value of `key` is damaged for good: a tombstone, so that no older one comes up after a restart either. */
  #disown(key: string): void {
    if (this.#state.state === 'on') void this.#delete([key], 'memory', true).catch(() => this.#state.log.count('write'))
    else this.#state.log.hide(key)
  }

  /** For each key, whether the log has it. */
  #below(keys: readonly string[]): readonly boolean[] | Promise<readonly boolean[]> {
    return this.#state.state === 'off' ? [] : this.#state.log.has(keys)
  }

  /** Whether a value of `key` is queued; `undefined` when there is nothing of it in the queue. */
  #isQueued(key: string): boolean | undefined {
    const pending = this.#backlog.queue.get(key)
    return pending && pending.bytes !== undefined && pending.expiresAt > this.#clock.wall()
  }

  #encode(key: string, entry: TierEntry): Encoded {
    const bytes = this.#state.log.takesText === true ? encodeEntryAsText(entry) : encodeEntry(entry)
    let size = bytes.length + key.length * 2
    // A unit of text takes three bytes at most.
    if (typeof bytes === 'string' && size + bytes.length * 2 > this.#maxValue) size = bytesOf(bytes).length + key.length * 2
    if (size > this.#maxValue) throw new ShelflifeError('ERR_QUOTA', `an entry of ${size} bytes is more than half of the tier's maxSize`)
    return bytes
  }

  async #delete(keys: readonly string[], persist: Persist, evenUnknown: boolean): Promise<void> {
    const { queue } = this.#backlog
    const writes: Pending[] = []
    for (const key of keys) {
      // Another tab may have written a key that this directory does not know yet: an acknowledged deletion holds for that, too.
      if (evenUnknown || persist !== 'memory' || this.#state.state === 'off' || this.#state.log.knows(key) || queue.isLeaving(key)) {
        writes.push(writeOf(key, undefined, 0, 0, persist === 'durable'))
      } else queue.drop(key)
    }
    this.#backlog.settle()
    await this.#put(writes, persist)
  }

  async #put(writes: readonly Pending[], persist: Persist): Promise<void> {
    if (writes.length === 0) return
    if (this.#state.state === 'off' || this.#state.state === 'read-only') {
      this.#owe(writes)
      this.#state.tryAgain()
      this.#counts.dropped += writes.length
      if (persist === 'memory') return
      throw this.#state.unable()
    }
    if (this.#backlog.isOverfull) {
      this.#counts.dropped += writes.length
      this.#owe(this.#backlog.refuse(writes))
      throw new ShelflifeError('ERR_QUEUE_FULL', `the write queue of tier ${this.name} is full: wait for earlier writes`, {
        retryable: true,
      })
    }
    return this.#backlog.put(writes, persist)
  }

  #stateHost(): LogStateHost {
    const debts = this.#debts
    return {
      name: this.name,
      get mustForgetAll() {
        return debts.areAll
      },
      opened: () => this.#backlog.resume(),
      renewed: (log, hasMissed) => {
        this.#reader = this.#readerOf(log)
        if (debts.areAll) debts.take()
        // One that may only be read cannot be told.
        if (!log.writable) for (const key of debts.keys) log.hide(key)
        // What others have given up meanwhile, or what was given up before it could be opened at all.
        this.#context.onChange?.(hasMissed ? { all: true } : { keys: RECORDS })
        this.#context.onBack?.()
      },
      returned: () => this.#payDebts(),
      gaveUp: reason => this.#lose(this.#backlog.giveUp(reason)),
      turnedOff: reason => this.#context.onOff?.(reason),
    }
  }

  #backlogHost(): BacklogHost {
    const isOn = () => this.#state.state === 'on'
    const isClosed = () => this.#state.state === 'closed'
    const log = () => this.#state.log
    const isHeld = () => this.#clearing > 0
    return {
      open: () => this.open(),
      get isOn() {
        return isOn()
      },
      get isClosed() {
        return isClosed()
      },
      get log() {
        return log()
      },
      get isHeld() {
        return isHeld()
      },
      written: (count, isSeen) => {
        this.#state.worked()
        if (isSeen) this.#counts.writes += count
        this.#backlog.settle()
        this.#payDebts()
      },
      failed: failure => this.#fail(failure),
    }
  }

  /** The head of the queue could not be written, again and again. If others may succeed only that is dropped; else the tier is off. */
  #fail(failure: unknown): void {
    const { log } = this.#state
    if (log.isFatal(failure)) {
      this.#state.turnOff('write', failure)
      return
    }
    this.#lose(this.#backlog.giveUpHead(log.roundBytes, failure))
  }

  #readerOf(log: TierLog): QueuedReader {
    return this.#lying.reader(this.#backlog.queue, key => this.#disown(key), log)
  }

  /** Tombstones for what could not be written, now that something can be, and there is room. */
  #payDebts(): void {
    if (this.#state.state !== 'on' || this.#backlog.isFull) return
    const records = this.#debts.takeRecords()
    if (records.length > 0) this.#context.onChange?.({ keys: records })
    const owed = this.#debts.take()
    const { log } = this.#state
    if (owed === 'all') {
      log.count('emptied')
      void log
        .clear(async () => {})
        .then(
          () => this.#context.onChange?.({ keys: RECORDS }),
          () => {
            log.count('write')
            this.#debts.oweAll()
          },
        )
      return
    }
    if (owed.size === 0) return
    const keys = [...owed].filter(key => this.#backlog.queue.get(key) === undefined)
    void this.#delete(keys, 'memory', true).catch(() => log.count('write'))
  }

  /** What the log has of these is out of date from now on. */
  #lose(dropped: readonly Pending[]): void {
    this.#counts.dropped += dropped.length
    this.#owe(dropped)
  }

  #owe(writes: readonly Pending[]): void {
    this.#debts.owe(writes)
    if (this.#state.state !== 'off') for (const { key } of writes) if (!isRecord(key)) this.#state.log.hide(key)
  }

  #refuseClosed(): void {
    if (this.#closing !== undefined) throw new ClosedError(`tier ${this.name}`)
  }
}
