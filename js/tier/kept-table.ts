/**
 * The table of an SQLite tier, kept in order: opened, waited for where its file is busy, given more room where that is full, opened anew
 * where it is gone, or corrupt, or closed by somebody else. All of that only in the turn of its log.
 */

import { isShelflifeError, ShelflifeError, TimeoutError } from '../errors.ts'
import { exactText } from '../stores/exact-text.ts'
import { failureOf, isShut } from '../stores/sqlite/driver.ts'
import type { OpenFile } from '../stores/sqlite/file.ts'
import { SqliteTable } from '../stores/sqlite/table.ts'
import type { TierCore } from './core.ts'
import { pause } from './deadlines.ts'
import { BARRIER_RECORDS, SOURCE_RECORD_KEYS } from './records.ts'

/** Waits for a lock that another process holds. */
const FIRST_WAIT_MS = 5
const LONGEST_WAIT_MS = 50
/** How often one piece of work begins anew: with more room, or with a file that was mended. */
const ATTEMPTS = 4
/** A file that is corrupt more often than this is not mended any more. */
const MOST_REPAIRS = 3

/** What a {@link KeptTable} works on. */
export interface KeptSource {
  readonly table: string
  readonly maxSize: number
  /** How long a lock of somebody else is waited for, in milliseconds. */
  readonly busyTimeout: number
  /** Opens the database; see `openFile` for `distrust`. One that is somebody else's cannot be opened anew. */
  open(distrust: number, count: (kind: string) => void): Promise<OpenFile>
  /** Whether it is ours to close and to open anew. */
  readonly isOwn: boolean
}

/** Whose table it is. */
export interface KeptTableHost {
  readonly counts: { reclaimed: number }
  /** Something went wrong; for the counts. */
  count(kind: string): void
  /** The table is closed; its rows may have other numbers when it is opened again. */
  shut(): void
  /** It is another table now, of which others may have written anything. */
  replaced(): void
}

/** See the top of this file. */
export class KeptTable {
  readonly #source: KeptSource
  readonly #core: TierCore
  readonly #host: KeptTableHost
  /** Names this process among those on the file. */
  readonly #writer = crypto.randomUUID()
  #file: OpenFile | undefined
  #table: SqliteTable | undefined
  #repairs = 0
  #isDead = false
  /** The last news that were heard before the file was closed. */
  #seen: number | undefined

  /** What others have written after the news `seen` has yet to be heard. */
  constructor(source: KeptSource, core: TierCore, host: KeptTableHost, seen: number | undefined) {
    this.#source = source
    this.#core = core
    this.#host = host
    this.#seen = seen
  }

  /** The table, while it can be used. */
  get table(): SqliteTable | undefined {
    return this.#table
  }

  get isWritable(): boolean {
    return this.#file?.isWritable === true
  }

  /** Whether it cannot be mended. */
  get isDead(): boolean {
    return this.#isDead
  }

  /** Whether the table lies in a file to which no path leads any more. */
  get isGone(): boolean {
    return this.#table !== undefined && this.#file?.isThere() === false
  }

  /** The last that was heard of others; nothing before it was open. */
  get seen(): number | undefined {
    return this.#table?.news.seen ?? this.#seen
  }

  async open(): Promise<void> {
    try {
      await this.#patiently(() => this.#open(0))
    } catch (error) {
      await this.#recover(error)
    }
  }

  /** Does `work`; waits where the database is busy, makes room where it is full, and mends it where it is gone or corrupt. */
  async work(work: (table: SqliteTable) => void, full: () => void): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#patiently(async () => {
          if (this.#table === undefined || this.isGone) throw new Gone('the file is gone')
          const { reclaimed } = this.#table
          work(this.#table)
          this.#host.counts.reclaimed += this.#table.reclaimed - reclaimed
        })
        return
      } catch (error) {
        if (isShelflifeError(error)) throw error
        const isFull = failureOf(error) === 'full'
        if (isFull && attempt === ATTEMPTS) throw new ShelflifeError('ERR_QUOTA', 'there is no room for this', { cause: error })
        if (attempt === ATTEMPTS || !(isFull || this.isBroken(error))) throw failed(error)
        if (isFull) full()
        else {
          if (!(error instanceof Gone)) this.#host.count(failureOf(error))
          await this.repair(error).catch(failure => {
            throw isShelflifeError(failure) ? failure : failed(failure)
          })
        }
      }
    }
  }

  /** Whether an error says that the table cannot be used as it is. */
  isBroken(error: unknown): boolean {
    // A table that somebody has dropped, or a transaction that did not end, is no better than a file that is gone.
    return ['corrupt', 'failed'].includes(failureOf(error)) || (this.#table !== undefined && isShut(this.#table.database))
  }

  /** Opens the file anew, or another one. What cannot be mended is dead. */
  async repair(error: unknown): Promise<void> {
    const isCorrupt = failureOf(error) === 'corrupt'
    const isAnother = isCorrupt || error instanceof Gone
    if (isCorrupt) this.#repairs += 1
    if (error instanceof Gone) this.#host.count('lost')
    this.shut()
    if (isAnother) this.#seen = undefined
    try {
      if (!this.#source.isOwn || this.#repairs > MOST_REPAIRS) throw error
      await this.#patiently(() => this.#open(isCorrupt ? Math.min(this.#repairs, 2) : 0))
      if (!isCorrupt) this.#host.count('reopened')
      if (isAnother) this.#host.replaced()
    } catch (failure) {
      const isHopeless = isShelflifeError(failure) && failure.code !== 'ERR_TIMEOUT'
      if (isHopeless || !this.#source.isOwn || this.#repairs > MOST_REPAIRS) this.#isDead = true
      throw failure
    }
  }

  /** Closes what is ours to close. */
  shut(): void {
    const table = this.#table
    this.#seen = this.seen
    this.#table = undefined
    this.#host.shut()
    if (table === undefined || !this.#source.isOwn) return
    try {
      table.database.close()
    } catch {
      this.#host.count('close')
    }
  }

  /** The file could be opened and not be used. */
  async #recover(error: unknown): Promise<void> {
    for (let failure = error, attempt = 1; ; attempt += 1) {
      if (failureOf(failure) !== 'corrupt' || attempt === ATTEMPTS) throw failure
      this.#host.count('corrupt')
      try {
        return await this.repair(failure)
      } catch (next) {
        failure = next
      }
    }
  }

  async #open(distrust: number): Promise<void> {
    const { table, maxSize, open } = this.#source
    const file = await open(distrust, kind => this.#host.count(kind))
    try {
      this.#table = new SqliteTable(file.database, table, RECORDS, { writer: this.#writer, maxSize, since: this.#seen })
      this.#file = file
    } catch (error) {
      if (this.#source.isOwn) file.database.close()
      throw error
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
export class Gone extends Error {}

/** Keys of records, as they are stored. */
const RECORDS = new Set([...BARRIER_RECORDS, ...SOURCE_RECORD_KEYS].map(exactText))
