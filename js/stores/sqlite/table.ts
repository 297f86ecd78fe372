/**
 * A table of entries in SQLite. Every call is one transaction; what it throws is the driver's.
 *
 * The order of ids is the order of writing, newest last: what is written anew, or is old and was read, moves to the end.
 * So the table is a queue by use, the first rows are what the byte budget gives up, and their pages lie together.
 */

import { checksum, seedOf } from '../checksum.ts'
import { exactText, keyOfText } from '../exact-text.ts'
import type { Durability } from '../segment-medium.ts'
import { Spares } from '../spares.ts'
import { refuseInside, type SqliteDatabase, type SqliteStatement, type SqliteValue } from './driver.ts'
import { createNews, type NewsOptions, SqliteNews } from './news.ts'

/** A write. Without bytes it is a deletion. */
export interface RowWrite {
  readonly key: string
  readonly bytes: Uint8Array | undefined
  readonly expiresAt: number
  readonly writtenAt: number
}

/** What a row says. */
export interface Row {
  readonly id: number
  readonly bytes: Uint8Array
  readonly expiresAt: number
  readonly writtenAt: number
}

/** Everything that goes into one transaction. */
export interface Transaction {
  readonly writes: readonly RowWrite[]
  /** Rows that were read and shall move to the end. */
  readonly used: Iterable<number>
  /** Whether the value of a key is in use: it is not given up while others may go. */
  readonly isInUse?: ((key: string) => boolean) | undefined
  readonly durability: Durability
  readonly wall: number
  /** Bytes to make room for beyond what the writes seem to need. */
  readonly spare: number
}

/** Rows that have expired and go with a transaction, for each row that is written, and at least. */
const SWEEP = 2
const SWEEP_LEAST = 64
/** Rows that are looked at in one step when room is made. */
const STEP = 256
/** A later end is none: a driver may refuse to give back numbers above. */
const LATEST = Number.MAX_SAFE_INTEGER
/** About what a row takes beside its key, twice, and its value. */
const ROW_BYTES = 48

/** Makes the tables. */
export function createTable(name: string): string {
  return `CREATE TABLE IF NOT EXISTS "${name}" (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE,
    expires INTEGER, written INTEGER NOT NULL, checksum INTEGER NOT NULL, value BLOB NOT NULL);
    CREATE INDEX IF NOT EXISTS "${name}_expires" ON "${name}" (expires) WHERE expires IS NOT NULL;
    ${createNews(name)}`
}

/** See the top of this file. */
export class SqliteTable {
  readonly database: SqliteDatabase
  /** Rows given up for the byte budget. */
  reclaimed = 0
  /** What others on the file are told, and tell. */
  readonly news: SqliteNews
  readonly #maxSize: number
  readonly #kept: ReadonlySet<string>
  readonly #pageSize: number
  readonly #usualSync: number
  readonly #statements: Record<'get' | 'has' | 'put' | 'delete' | 'touch' | 'sweep' | 'first' | 'drop' | 'ends' | 'count', SqliteStatement>
  readonly #pragmas: Record<'pages' | 'free' | 'changes', SqliteStatement>
  readonly #clear: string
  /** The count of rows, as long as nobody changes any. */
  #entries: { readonly count: number; readonly version: unknown } | undefined
  #middle = 0
  readonly #spares: Spares

  /** Rows whose key, as it is stored, is one of `kept` are not given up for the budget. */
  constructor(database: SqliteDatabase, name: string, kept: ReadonlySet<string>, news: NewsOptions) {
    const { maxSize } = news
    this.database = database
    this.news = new SqliteNews(database, name, news)
    this.#maxSize = maxSize
    this.#spares = new Spares(maxSize)
    this.#kept = kept
    const table = `"${name}"`
    const prepare = (sql: string) => database.prepare(sql)
    this.#statements = {
      get: prepare(`SELECT id, expires, written, checksum, value FROM ${table} WHERE key = ?`),
      has: prepare(`SELECT 1 FROM ${table} WHERE key = ? AND (expires IS NULL OR expires > ?) AND written <= ?`),
      put: prepare(`INSERT OR REPLACE INTO ${table} (key, expires, written, checksum, value) VALUES (?, ?, ?, ?, ?)`),
      delete: prepare(`DELETE FROM ${table} WHERE key = ?`),
      touch: prepare(`UPDATE ${table} SET id = (SELECT max(id) FROM ${table}) + 1 WHERE id = ?`),
      sweep: prepare(`DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE expires <= ? ORDER BY expires LIMIT ?)`),
      first: prepare(`SELECT id, key, length(value) AS size FROM ${table} WHERE id > ? ORDER BY id LIMIT ${STEP}`),
      drop: prepare(`DELETE FROM ${table} WHERE id = ?`),
      ends: prepare(`SELECT (SELECT min(id) FROM ${table}) AS first, (SELECT max(id) FROM ${table}) AS last`),
      count: prepare(`SELECT count(*) AS count FROM ${table}`),
    }
    this.#pragmas = {
      pages: prepare('PRAGMA page_count'),
      free: prepare('PRAGMA freelist_count'),
      changes: prepare('PRAGMA data_version'),
    }
    this.#clear = `DELETE FROM ${table}`
    this.#pageSize = numberOf(database.prepare('PRAGMA page_size').get())
    this.#usualSync = numberOf(database.prepare('PRAGMA synchronous').get())
    if (maxSize !== Number.POSITIVE_INFINITY) this.#measure()
  }

  /** The row of `key`, or `'damaged'` when it is not what was written. */
  get(key: string): Row | 'damaged' | undefined {
    try {
      const row = this.#statements.get.get(exactText(key))
      return row === undefined || row === null ? undefined : verified(key, row as Columns)
    } catch (error) {
      // A number that the driver cannot give back is none that was written.
      if (error instanceof RangeError) return 'damaged'
      throw error
    }
  }

  /** Whether there is a row that is valid at `wall` and was written by `latest`. */
  has(key: string, wall: number, latest: number): boolean {
    return (this.#statements.has.get(exactText(key), wall, latest) ?? undefined) !== undefined
  }

  /** Whether a row that was read should be told as used: it is among the older half of those that a budget may give up. */
  isOld({ id }: Row): boolean {
    return id < this.#middle
  }

  /** Does everything or nothing. */
  write({ writes, used, isInUse, durability, wall, spare }: Transaction): void {
    const { put, sweep, touch, delete: remove } = this.#statements
    const sync = Math.max(this.#usualSync, FULL)
    const isDurable = durability === 'durable' && sync !== this.#usualSync
    refuseInside(this.database)
    if (isDurable) this.database.exec(`PRAGMA synchronous = ${sync}`)
    const text = this.news.textOf(writes.map(({ key }) => key))
    try {
      this.#inTransaction(() => {
        sweep.run(wall, Math.max(SWEEP_LEAST, writes.length * SWEEP))
        if (this.#maxSize !== Number.POSITIVE_INFINITY) {
          for (const id of used) touch.run(id)
          this.#reclaim(
            writes.reduce((sum, write) => sum + weigh(write), spare + text.length),
            isInUse,
          )
        }
        for (const { key, bytes, expiresAt, writtenAt } of writes) {
          if (bytes === undefined) remove.run(exactText(key))
          else {
            const end = expiresAt > LATEST ? Number.POSITIVE_INFINITY : expiresAt
            const check = checkOf(key, bytes, end, writtenAt)
            put.run(exactText(key), end === Number.POSITIVE_INFINITY ? null : end, writtenAt, check, bytes)
          }
        }
        this.news.tell(text)
      })
    } finally {
      if (isDurable) this.database.exec(`PRAGMA synchronous = ${this.#usualSync}`)
      this.#entries = undefined
    }
    if (this.#maxSize !== Number.POSITIVE_INFINITY) this.#measure()
  }

  clear(): void {
    this.#entries = undefined
    refuseInside(this.database)
    this.#inTransaction(() => {
      this.database.exec(this.#clear)
      this.news.tell()
    })
  }

  /** Rows, and bytes of the file without its journal. Counting takes a while when there are very many rows and some have changed. */
  sizes(): { entries: number; bytes: number; liveBytes: number } {
    const version = numberOf(this.#pragmas.changes.get())
    if (this.#entries?.version !== version) this.#entries = { count: numberOf(this.#statements.count.get()), version }
    const bytes = numberOf(this.#pragmas.pages.get()) * this.#pageSize
    return { entries: this.#entries.count, bytes, liveBytes: bytes - numberOf(this.#pragmas.free.get()) * this.#pageSize }
  }

  #inTransaction(work: () => void): void {
    this.database.exec('BEGIN IMMEDIATE')
    try {
      work()
      this.database.exec('COMMIT')
      this.news.committed()
    } catch (error) {
      try {
        this.database.exec('ROLLBACK')
      } catch {
        // Some failures end the transaction themselves.
      }
      throw error
    }
  }

  /**
   * Gives up the first rows until `needed` bytes fit. Those in use move to the end, as far as {@link Spares} go.
   */
  #reclaim(needed: number, isInUse: (key: string) => boolean = () => false): void {
    const { first, drop, touch } = this.#statements
    let after = Number.MIN_SAFE_INTEGER
    for (;;) {
      let excess = needed + this.#used() - this.#maxSize
      if (excess <= 0) return
      const rows = first.all(after) as { id: number; key: string; size: number }[]
      if (rows.length === 0) return
      for (const { id, key, size } of rows) {
        if (excess <= 0) break
        after = id
        if (this.#kept.has(key)) continue
        const bytes = Number(size) + String(key).length * 2 + ROW_BYTES
        if (this.#spares.takes(bytes, () => isKeyInUse(key, isInUse))) {
          touch.run(id)
          continue
        }
        drop.run(id)
        this.reclaimed += 1
        excess -= bytes
      }
    }
  }

  #used(): number {
    return (numberOf(this.#pragmas.pages.get()) - numberOf(this.#pragmas.free.get())) * this.#pageSize
  }

  #measure(): void {
    const { first, last } = this.#statements.ends.get() as Record<'first' | 'last', number | bigint | null>
    this.#middle = (Number(first ?? 0) + Number(last ?? 0)) / 2
  }
}

/** `PRAGMA synchronous` with which a commit in a write-ahead log is synced to disk. */
const FULL = 2

interface Columns {
  readonly id: unknown
  readonly expires: unknown
  readonly written: unknown
  readonly checksum: unknown
  readonly value: unknown
}

function verified(key: string, { value, ...columns }: Columns): Row | 'damaged' {
  const [id, expires, written, check] = [columns.id, columns.expires, columns.written, columns.checksum].map(plain)
  const expiresAt = expires === null ? Number.POSITIVE_INFINITY : expires
  const isRow = typeof id === 'number' && typeof expiresAt === 'number' && typeof written === 'number' && value instanceof Uint8Array
  if (!isRow || check !== checkOf(key, value, expiresAt, written)) return 'damaged'
  // A Buffer's `slice` would not copy.
  const bytes = new Uint8Array(value.buffer, value.byteOffset, value.length)
  return { id, bytes, expiresAt, writtenAt: written }
}

/** Whole numbers come as BigInt where the owner of a database has asked for that. */
function plain(value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value
}

/** Of the key and the times, too: a value under the wrong key, or with the wrong end, is damage as well. */
function checkOf(key: string, bytes: Uint8Array, expiresAt: number, writtenAt: number): number {
  return checksum(bytes, mix(mix(seedOf(key), expiresAt), writtenAt))
}

function mix(seed: number, number: number): number {
  const whole = number === Number.POSITIVE_INFINITY ? -1 : Math.floor(number)
  const low = Math.imul(seed ^ (whole | 0), 0x9e3779b1)
  const high = Math.imul(low ^ ((whole / 2 ** 32) | 0), 0x85ebca77)
  return number === whole || whole === -1 ? high : high ^ (((number - whole) * 2 ** 31) | 0)
}

function weigh({ key, bytes }: RowWrite): number {
  return bytes === undefined ? 0 : bytes.length + key.length * 2 + ROW_BYTES
}

function isKeyInUse(text: string, isInUse: (key: string) => boolean): boolean {
  const key = keyOfText(String(text))
  return key !== undefined && isInUse(key)
}

/** The one number in a row. */
function numberOf(row: unknown): number {
  const [value] = Object.values((row ?? {}) as Record<string, SqliteValue>)
  return Number(value ?? 0)
}
