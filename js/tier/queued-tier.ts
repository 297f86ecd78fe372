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
import { nextTask } from '../next-task.ts'
import { encodeEntry, encodeEntryAsText } from '../stores/entry-bytes.ts'
import type { Offered, Persist, Room, StoreContext, TierEntry, TierStats } from '../stores/tier.ts'
import type { PlainTier } from './barrier-tier.ts'
import type { TierCore } from './core.ts'
import { readAborted, withDeadline } from './deadlines.ts'
import { Debts } from './debts.ts'
import { onLeaving } from './leaving.ts'
import { LogState, type LogStateHost } from './log-state.ts'
import type { TierLog } from './tier-log.ts'
import { Waiters } from './waiters.ts'
import { type Pending, WriteQueue, writeOf } from './write-queue.ts'
import { type RoundsHost, WriteRounds } from './write-rounds.ts'

/** Writes that nobody waits for may gather this long, or until they are this many or this large. */
const GATHER_MS = 100
const GATHER_WRITES = 2048
const GATHER_BYTES = 256 * 1024
/** After so many writes the event loop is given a turn, while a round is under way. */
const TURN_WRITES = 512
/** Above this a write waits for the queue to empty; at {@link REFUSE} times as much it is refused. */
const FULL_WRITES = 16_384
const FULL_BYTES = 8 * 1024 * 1024
const REFUSE = 4
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
  readonly #lying: Lying
  readonly #maxValue: number
  readonly #state: LogState
  readonly #queue = new WriteQueue()
  readonly #waiters = new Waiters()
  readonly #rounds: WriteRounds
  readonly #debts = new Debts()
  readonly #counts = { hits: 0, misses: 0, writes: 0, dropped: 0 }
  #reader: QueuedReader
  #closing: Promise<void> | undefined
  /** Writes since the event loop was given a turn. */
  #ungiven = 0
  /** Calls of `clear` that wait for their turn. A round whose turn comes earlier must not take what was set after them. */
  #clearing = 0
  #stopLeaving: (() => void) | undefined

  constructor(lying: Lying, context: StoreContext) {
    this.name = lying.name
    this.#lying = lying
    this.#clock = context.clock
    this.#core = context.core
    this.#reader = this.#readerOf(lying.log)
    this.#maxValue = lying.maxSize / 2
    this.#state = new LogState(this.#stateHost(), lying.log, context.core, lying.renew)
    this.#rounds = new WriteRounds(this.#roundsHost(), this.#queue, context.core, this.#maxValue)
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
    if (this.#state.state !== 'on' || this.#closing !== undefined || this.#queue.size >= FULL_WRITES || this.#queue.bytes >= FULL_BYTES)
      return false
    let bytes: Encoded
    try {
      bytes = this.#encode(key, entry)
    } catch {
      return false
    }
    this.#queue.push(writeOf(key, bytes, entry.expiresAt, entry.writtenAt, false))
    this.#queued(1)
    return this.#owesTurn ? this.#turn() : true
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
    this.#queue.clear()
    this.#settle()
    const { state } = this.#state
    if (state === 'off') this.#debts.oweAll()
    if (state === 'off' || state === 'read-only') throw this.#state.unable()
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
    if (this.#queue.size === 0) return
    await this.#stored({ first: 0, last: this.#queue.ticket })
  }

  lock(key: string, signal: () => AbortSignal): Promise<(() => void) | undefined> | undefined {
    const turn = this.#state.state === 'on' ? this.#state.log.lock?.(key, signal) : undefined
    return turn?.then(
      release =>
        release &&
        (() => {
          // Whoever comes next finds what was written meanwhile.
          if (this.#queue.size === 0 || this.#state.state !== 'on') release()
          else this.#stored({ first: 0, last: this.#queue.ticket }).then(release, release)
        }),
    )
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  stats(): TierStats {
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

  async #close(): Promise<void> {
    await this.#state.end()
    if (this.#state.state === 'on' && this.#queue.size > 0) {
      const flushed = this.#stored({ first: 0, last: this.#queue.ticket })
      await withDeadline(this.#core, CLOSE_MS, () => flushed).catch(() => this.#state.log.count('flush'))
    }
    await this.#rounds.tidyNow()
    this.#rounds.stop()
    this.#state.close()
    this.#giveUpQueue(new ClosedError(`tier ${this.name}`))
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
    const pending = this.#queue.get(key)
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
    const writes: Pending[] = []
    for (const key of keys) {
      // Another tab may have written a key that this directory does not know yet: an acknowledged deletion holds for that, too.
      if (evenUnknown || persist !== 'memory' || this.#state.state === 'off' || this.#state.log.knows(key) || this.#queue.isLeaving(key)) {
        writes.push(writeOf(key, undefined, 0, 0, persist === 'durable'))
      } else this.#queue.drop(key)
    }
    this.#settle()
    await this.#put(writes, persist)
  }

  async #put(writes: readonly Pending[], persist: Persist): Promise<void> {
    if (writes.length === 0) return
    if (this.#state.state === 'off' || this.#state.state === 'read-only') {
      this.#debts.owe(writes)
      if (this.#state.state === 'read-only') for (const { key } of writes) this.#state.log.hide(key)
      this.#state.tryAgain()
      this.#counts.dropped += writes.length
      if (persist === 'memory') return
      throw this.#state.unable()
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
    if (persist !== 'memory') {
      this.#mindLeaving()
      return this.#stored({ first, last })
    }
    this.#queued(writes.length)
    const { size, bytes } = this.#queue
    // When half of it has left, the medium still has enough to do while the queue fills again.
    if (size > FULL_WRITES || bytes > FULL_BYTES) return this.#stored({ first, last: last - (size >> 1) }).catch(() => {})
    if (this.#owesTurn) return this.#turn()
  }

  #turn(): Promise<void> {
    this.#ungiven = 0
    return nextTask()
  }

  /** So many writes have been queued that nobody waits for. */
  #queued(count: number): void {
    this.#mindLeaving()
    this.#ungiven += count
    if (!this.#rounds.arePumping) this.#schedule(this.#queue.size >= GATHER_WRITES || this.#queue.bytes >= GATHER_BYTES ? 0 : GATHER_MS)
  }

  /** Whoever sets one entry after another, each awaited, would keep the medium's answers waiting until the queue is full. */
  get #owesTurn(): boolean {
    return this.#ungiven >= TURN_WRITES && this.#rounds.arePumping
  }

  #mindLeaving(): void {
    this.#stopLeaving ??= onLeaving(() => this.#rounds.pump())
  }

  /** Resolves when those places of the queue are in the medium. */
  #stored({ first, last }: { first: number; last: number }): Promise<void> {
    const stored = this.#waiters.wait(first, last)
    this.#schedule(0)
    return stored
  }

  #schedule(wait: number): void {
    if (this.#state.state === 'closed') void this.open()
    else this.#rounds.schedule(wait)
  }

  #stateHost(): LogStateHost {
    const debts = this.#debts
    return {
      name: this.name,
      get mustForgetAll() {
        return debts.areAll
      },
      opened: () => {
        if (!this.#queue.isEmpty) this.#schedule(0)
      },
      renewed: log => {
        this.#reader = this.#readerOf(log)
        if (debts.areAll) debts.take()
      },
      returned: () => this.#payDebts(),
      gaveUp: reason => this.#giveUpQueue(reason),
    }
  }

  #roundsHost(): RoundsHost {
    const isOn = () => this.#state.state === 'on'
    const log = () => this.#state.log
    const isHeld = () => this.#clearing > 0
    return {
      get isOn() {
        return isOn()
      },
      get log() {
        return log()
      },
      get isHeld() {
        return isHeld()
      },
      written: (count, isSeen) => {
        if (isSeen) this.#counts.writes += count
        this.#settle()
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
    const batch = this.#queue.take(log.roundBytes)
    this.#queue.done()
    for (const { key } of batch) log.hide(key)
    this.#debts.owe(batch)
    this.#counts.dropped += batch.length
    this.#waiters.reject(failure, batch.at(-1)?.ticket ?? 0)
    this.#settle()
  }

  #readerOf(log: TierLog): QueuedReader {
    return this.#lying.reader(this.#queue, key => this.#disown(key), log)
  }

  /** Tombstones for what could not be written, now that something can be. */
  #payDebts(): void {
    if (this.#state.state !== 'on') return
    const owed = this.#debts.take()
    const { log } = this.#state
    if (owed === 'all') {
      log.count('emptied')
      void log.clear(async () => {}).catch(() => log.count('write'))
      return
    }
    if (owed.size === 0) return
    const keys = [...owed].filter(key => this.#queue.get(key) === undefined)
    void this.#delete(keys, 'memory', true).catch(() => log.count('write'))
  }

  #giveUpQueue(reason: ShelflifeError): void {
    const dropped = this.#queue.clear()
    this.#counts.dropped += dropped.length
    this.#debts.owe(dropped)
    for (const { key } of dropped) this.#state.log.hide(key)
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

  #refuseClosed(): void {
    if (this.#closing !== undefined) throw new ClosedError(`tier ${this.name}`)
  }
}
