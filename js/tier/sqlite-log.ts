/**
 * What lies below the write queue of an SQLite tier: a table, and what to do when its file is busy, full, gone or corrupt.
 *
 * SQLite works at once, in this thread. So a round of writes is small, others have a turn after it, and a lock that another
 * process holds is waited for here, not in SQLite.
 */

import type { Clock } from '../clock.ts'
import type { Alarm } from '../core/driver.ts'
import { isShelflifeError, ShelflifeError, TimeoutError } from '../errors.ts'
import { nextTask } from '../next-task.ts'
import type { Compression } from '../stores/compression.ts'
import type { Outgoing } from '../stores/directory.ts'
import { decodeEntry } from '../stores/entry-bytes.ts'
import { exactText } from '../stores/exact-text.ts'
import type { Durability } from '../stores/segment-medium.ts'
import { failureOf, isShut } from '../stores/sqlite/driver.ts'
import type { OpenFile } from '../stores/sqlite/file.ts'
import { type Row, SqliteTable } from '../stores/sqlite/table.ts'
import type { StoreContext, TierEntry } from '../stores/tier.ts'
import type { TierCore } from './core.ts'
import { pause } from './deadlines.ts'
import { HiddenKeys } from './hidden-keys.ts'
import { TOLERANCE_MS } from './pending-entry.ts'
import { isWhole, PressedValues } from './pressed-values.ts'
import { BARRIER_RECORDS, SOURCE_RECORD_KEYS } from './records.ts'
import type { RowLog } from './row-reader.ts'
import type { LogCounts, LogSizes } from './tier-log.ts'

/** Bytes of one transaction: about 5 ms of work. */
const ROUND_BYTES = 256 * 1024
/** Rows read before others have a turn. */
const READS = 512
/** Rows that were read and wait to be moved to the end. */
const MOST_USED = 1024
/** Waits for a lock that another process holds. */
const FIRST_WAIT_MS = 5
const LONGEST_WAIT_MS = 50
/** How often one piece of work begins anew: with more room, or with a file that was mended. */
const ATTEMPTS = 4
/** A file that is corrupt more often than this is not mended any more. */
const MOST_REPAIRS = 3

/** What an {@link SqliteLog} works on. */
export interface SqliteSource {
  readonly table: string
  readonly maxSize: number
  readonly compression: Compression
  /** How often it is looked whether others have written, in milliseconds; `Infinity`: never. */
  readonly pollMs: number
  /** How long a lock of somebody else is waited for, in milliseconds. */
  readonly busyTimeout: number
  /** Opens the database; see `openFile` for `distrust`. One that is somebody else's cannot be opened anew. */
  open(distrust: number, count: (kind: string) => void): Promise<OpenFile>
  /** Whether it is ours to close and to open anew. */
  readonly isOwn: boolean
}

/** See the top of this file. */
export class SqliteLog implements RowLog {
  readonly roundBytes = ROUND_BYTES
  readonly whyReadOnly = 'the file cannot be written'
  readonly counts: LogCounts
  readonly #source: SqliteSource
  readonly #clock: Clock
  readonly #core: TierCore
  readonly #hidden = new HiddenKeys()
  readonly #values: PressedValues
  readonly #used = new Set<number>()
  #file: OpenFile | undefined
  #table: SqliteTable | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #epoch = 0
  #clearing = 0
  #repairs = 0
  #isRepairing = false
  #isClosed = false
  #isDead = false
  /** Names this process among those on the file. */
  readonly #writer = crypto.randomUUID()
  readonly #onChange: StoreContext['onChange']
  readonly #poll: Alarm
  /** The last news that were heard before the file was closed. */
  #seen: number | undefined

  /** In the place of `former`, which was given up, it goes on with what that had counted and heard. */
  constructor(source: SqliteSource, context: StoreContext, former?: SqliteLog) {
    const counts: LogCounts = former?.counts ?? { reads: 0, reclaimed: 0, compactions: 0, errors: new Map() }
    this.counts = counts
    this.#seen = former?.seen
    this.#source = source
    this.#values = new PressedValues(source.compression, counts)
    this.#clock = context.clock
    this.#core = context.core
    this.#onChange = context.onChange
    this.#poll = new context.core.Alarm(() => this.#hear())
  }

  /** The last that was heard of others; nothing before it was open. */
  get seen(): number | undefined {
    return this.#table?.news.seen ?? this.#seen
  }

  get writable(): boolean {
    return this.#file?.isWritable === true
  }

  get epoch(): number {
    return this.#epoch
  }

  get sizes(): LogSizes {
    try {
      const sizes = this.#table?.sizes()
      if (sizes !== undefined) return { ...sizes, segments: 0 }
    } catch {
      this.count('read')
    }
    return { entries: 0, segments: 0, bytes: 0, liveBytes: 0 }
  }

  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => {})
    return result
  }

  open(): Promise<void> {
    return this.inTurn(async () => {
      try {
        await this.#patiently(() => this.#open(0))
      } catch (error) {
        await this.#recover(error)
      }
      this.#wait()
    })
  }

  async readMany(keys: readonly string[], damaged: (key: string) => void): Promise<(TierEntry | undefined)[]> {
    const found: (TierEntry | undefined | Promise<TierEntry | undefined>)[] = []
    for (const [at, key] of keys.entries()) {
      if (at > 0 && at % READS === 0) await nextTask()
      found.push(this.#read(key, damaged))
    }
    return Promise.all(found)
  }

  has(keys: readonly string[]): boolean[] {
    const wall = this.#clock.wall()
    return keys.map(key => {
      if (this.#table === undefined || this.#clearing > 0 || this.#hidden.has(key, wall)) return false
      try {
        return this.#table.has(key, wall, wall + TOLERANCE_MS)
      } catch (error) {
        this.#failed(error)
        return false
      }
    })
  }

  knows(): boolean {
    return true
  }

  hide(key: string): void {
    this.#hidden.hide(key, this.#clock.wall())
  }

  async append(writes: readonly Outgoing[], durability: Durability): Promise<void> {
    let spare = 0
    const used = [...this.#used]
    const stored = await this.#values.press(writes)
    await this.#mending(table => table.write({ writes: stored, used, durability, wall: this.#clock.wall(), spare }), {
      full() {
        spare = Math.max(ROUND_BYTES, spare * 2)
      },
    })
    this.#hidden.show(writes.map(({ key }) => key))
    for (const id of used) this.#used.delete(id)
    await nextTask()
  }

  async compact(): Promise<void> {}

  async clear(ready: () => Promise<void>): Promise<void> {
    this.#epoch += 1
    this.#clearing += 1
    try {
      await this.inTurn(async () => {
        await ready()
        await this.#mending(table => table.clear(), { full() {} })
        this.#hidden.clear()
        this.#used.clear()
      })
    } catch (error) {
      this.#hidden.hideAll(this.#clock.wall())
      throw error
    } finally {
      this.#clearing -= 1
    }
  }

  async close(): Promise<void> {
    this.#epoch += 1
    this.#isClosed = true
    this.#core.driver.set(this.#poll, Number.POSITIVE_INFINITY)
    this.#shut()
  }

  count(kind: string): void {
    this.counts.errors.set(kind, (this.counts.errors.get(kind) ?? 0) + 1)
  }

  kindOf(error: unknown): string {
    if (!isShelflifeError(error)) return failureOf(error)
    return error.code === 'ERR_QUOTA' ? 'quota' : error.code === 'ERR_TIMEOUT' ? 'busy' : failureOf(error.cause)
  }

  isFatal(): boolean {
    return this.#isDead
  }

  isFinal(error: unknown): boolean {
    return this.#isDead || (isShelflifeError(error) && (error.code === 'ERR_QUOTA' || error.code === 'ERR_TIMEOUT'))
  }

  #read(key: string, damaged: (key: string) => void): TierEntry | undefined | Promise<TierEntry | undefined> {
    if (this.#table === undefined || this.#clearing > 0) return undefined
    try {
      this.counts.reads += 1
      const row = this.#table.get(key)
      if (row === undefined) return undefined
      const wall = this.#clock.wall()
      if (row === 'damaged') {
        this.count('damaged')
        damaged(key)
        return undefined
      }
      const { bytes, expiresAt, writtenAt } = row
      if (expiresAt <= wall || writtenAt > wall + TOLERANCE_MS || this.#hidden.has(key, writtenAt)) return undefined
      if (this.#table.isOld(row) && this.#used.size < MOST_USED) this.#used.add(row.id)
      const encoded = this.#values.expand(bytes)
      if (encoded instanceof Promise) return this.#expanded(key, encoded, row, damaged)
      return { ...decodeEntry(encoded), expiresAt, writtenAt }
    } catch (error) {
      if (isShelflifeError(error)) {
        this.count('codec')
        damaged(key)
      } else this.#failed(error)
      return undefined
    }
  }

  async #expanded(
    key: string,
    encoded: Promise<Uint8Array>,
    { expiresAt, writtenAt }: Row,
    damaged: (key: string) => void,
  ): Promise<TierEntry | undefined> {
    try {
      const entry = { ...decodeEntry(await encoded), expiresAt, writtenAt }
      return this.#hidden.has(key, writtenAt) ? undefined : entry
    } catch (error) {
      this.count('expand')
      if (!isWhole(error)) damaged(key)
      return undefined
    }
  }

  /** A read failed. A file that may be at fault is looked at when its turn comes. */
  #failed(error: unknown): void {
    const failure = failureOf(error)
    this.count(failure === 'failed' ? 'read' : failure)
    if (!this.#isBroken(error) || this.#isRepairing) return
    this.#isRepairing = true
    void this.inTurn(async () => {
      try {
        if (!this.#isClosed) await this.#repair(error)
      } catch {
        // The next write says so.
      } finally {
        this.#isRepairing = false
      }
    })
  }

  /** Tells what others have written since it was looked last. */
  #hear(): void {
    try {
      for (const change of this.#table?.news.read() ?? []) this.#onChange?.(change)
    } catch (error) {
      // What is busy now is read next time.
      if (failureOf(error) !== 'busy') this.#failed(error)
    }
    this.#wait()
  }

  #wait(): void {
    const { driver } = this.#core
    if (!this.#isClosed) driver.set(this.#poll, driver.now() + this.#source.pollMs)
  }

  /** Does `work`; waits where the database is busy, makes room where it is full, and mends it where it is gone or corrupt. Only in turn. */
  async #mending(work: (table: SqliteTable) => void, { full }: { full(): void }): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#patiently(async () => {
          if (this.#table === undefined || this.#file?.isThere() === false) throw new Gone('the file is gone')
          const { reclaimed } = this.#table
          work(this.#table)
          this.counts.reclaimed += this.#table.reclaimed - reclaimed
        })
        return
      } catch (error) {
        if (isShelflifeError(error)) throw error
        const isFull = failureOf(error) === 'full'
        if (isFull && attempt === ATTEMPTS) throw new ShelflifeError('ERR_QUOTA', 'there is no room for this', { cause: error })
        if (attempt === ATTEMPTS || !(isFull || this.#isBroken(error))) throw failed(error)
        if (isFull) full()
        else {
          this.count(error instanceof Gone ? 'lost' : this.kindOf(error))
          await this.#repair(error).catch(failure => {
            throw isShelflifeError(failure) ? failure : failed(failure)
          })
        }
      }
    }
  }

  /** The file could be opened and not be used. Only in turn. */
  async #recover(error: unknown): Promise<void> {
    for (let failure = error, attempt = 1; ; attempt += 1) {
      if (failureOf(failure) !== 'corrupt' || attempt === ATTEMPTS) throw failure
      this.count('corrupt')
      try {
        return await this.#repair(failure)
      } catch (next) {
        failure = next
      }
    }
  }

  #isBroken(error: unknown): boolean {
    // A table that somebody has dropped, or a transaction that did not end, is no better than a file that is gone.
    return ['corrupt', 'failed'].includes(failureOf(error)) || (this.#table !== undefined && isShut(this.#table.database))
  }

  /** Opens the file anew, or another one. What cannot be mended is dead. Only in turn. */
  async #repair(error: unknown): Promise<void> {
    const isCorrupt = failureOf(error) === 'corrupt'
    if (isCorrupt) this.#repairs += 1
    this.#shut()
    try {
      if (!this.#source.isOwn || this.#repairs > MOST_REPAIRS) throw error
      await this.#patiently(() => this.#open(isCorrupt ? Math.min(this.#repairs, 2) : 0))
      if (!isCorrupt) this.count('reopened')
    } catch (failure) {
      const isHopeless = isShelflifeError(failure) && failure.code !== 'ERR_TIMEOUT'
      if (isHopeless || !this.#source.isOwn || this.#repairs > MOST_REPAIRS) this.#isDead = true
      throw failure
    }
  }

  async #open(distrust: number): Promise<void> {
    const { table, maxSize, open } = this.#source
    const file = await open(distrust, kind => this.count(kind))
    try {
      this.#table = new SqliteTable(file.database, table, RECORDS, { writer: this.#writer, maxSize, since: this.#seen })
      this.#file = file
    } catch (error) {
      if (this.#source.isOwn) file.database.close()
      throw error
    }
  }

  #shut(): void {
    const table = this.#table
    this.#seen = this.seen
    this.#table = undefined
    this.#used.clear()
    if (table === undefined || !this.#source.isOwn) return
    try {
      table.database.close()
    } catch {
      this.count('close')
    }
  }

  /** Does `work` again as long as the database is busy, within the deadline. */
  async #patiently(work: () => Promise<void>): Promise<void> {
    const { driver } = this.#core
    const { busyTimeout } = this.#source
    const until = driver.now() + busyTimeout
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
      try {
        return await work()
      } catch (error) {
        if (failureOf(error) !== 'busy') throw error
        if (driver.now() + wait > until) throw new TimeoutError('store', busyTimeout, { cause: error })
        await pause(this.#core, wait)
      }
    }
  }
}

function failed(cause: unknown): ShelflifeError {
  return new ShelflifeError('ERR_STORE', `SQLite failed: ${cause instanceof Error ? cause.message : cause}`, { cause, retryable: true })
}

/** The path leads to no file any more, or to another one. */
class Gone extends Error {}

/** Keys of records, as they are stored. */
const RECORDS = new Set([...BARRIER_RECORDS, ...SOURCE_RECORD_KEYS].map(exactText))
