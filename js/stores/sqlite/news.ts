/**
 * What the processes on one file of SQLite tell each other: a table with a row for each transaction, which names the keys that it has
 * changed. The last rows are kept; who has missed some, or finds one that names none, takes it that everything has changed.
 */

import type { StoreChange } from '../tier.ts'
import type { SqliteDatabase, SqliteStatement } from './driver.ts'

/** Rows that are kept at least, and characters of keys in one at most. */
const ROWS = 128
/** Rows between two looks at which are too old. */
const TRIM_EVERY = 16
const MOST_CHARS = 16_384
/** Of a byte budget, all rows together take one part in so many, about. */
const SHARE = 16
/** What stands in the place of the keys. */
const MANY = 'many'
const CLEARED = 'cleared'

/** Makes the table beside the one for entries. */
export function createNews(table: string): string {
  return `CREATE TABLE IF NOT EXISTS "${table}_news" (id INTEGER PRIMARY KEY, writer TEXT NOT NULL, keys TEXT NOT NULL)`
}

/** How {@link SqliteNews} are told and read. */
export interface NewsOptions {
  readonly writer: string
  /** Budget in bytes of the file. */
  readonly maxSize: number
  readonly since?: number | undefined
}

interface NewsRow {
  readonly id: number
  readonly writer: string
  readonly keys: string
}

/** See the top of this file. Every method throws what the driver throws. */
export class SqliteNews {
  readonly #writer: string
  readonly #mostChars: number
  readonly #statements: Record<'tell' | 'trim' | 'since' | 'last' | 'version', SqliteStatement>
  /** The last row that is known, and the version of the file when that was looked at. */
  #seen: number
  #version: unknown
  /** Our own row of the transaction under way. */
  #told = 0

  /**
   * `writer` names this process among others. The news begin after the row `since`, where the file was open before, else now.
   */
  constructor(database: SqliteDatabase, table: string, { writer, maxSize, since }: NewsOptions) {
    this.#writer = writer
    this.#mostChars = Math.min(MOST_CHARS, Math.floor(maxSize / SHARE / ROWS))
    const news = `"${table}_news"`
    this.#statements = {
      tell: database.prepare(`INSERT INTO ${news} (writer, keys) VALUES (?, ?)`),
      trim: database.prepare(`DELETE FROM ${news} WHERE id <= (SELECT max(id) FROM ${news}) - ${ROWS}`),
      since: database.prepare(`SELECT id, writer, keys FROM ${news} WHERE id > ? ORDER BY id`),
      last: database.prepare(`SELECT max(id) AS last FROM ${news}`),
      version: database.prepare('PRAGMA data_version'),
    }
    // In this order: what is written in between is read again.
    this.#version = since === undefined ? this.#versionNow() : undefined
    this.#seen = since ?? this.#last()
  }

  /** The last row that is known. */
  get seen(): number {
    return this.#seen
  }

  /** What a transaction that changes `keys` has to {@link tell}. */
  textOf(keys: readonly string[]): string {
    const text = JSON.stringify(keys)
    return text.length > this.#mostChars ? MANY : text
  }

  /** Part of a transaction. Without a text from {@link textOf} it deletes everything. */
  tell(text = CLEARED): void {
    const { lastInsertRowid } = this.#statements.tell.run(this.#writer, text) as { lastInsertRowid: number | bigint }
    this.#told = Number(lastInsertRowid)
    if (this.#told % TRIM_EVERY === 0) this.#statements.trim.run()
  }

  /** The transaction is committed. */
  committed(): void {
    // Otherwise others have written in between, and that has yet to be read.
    if (this.#told === this.#seen + 1) this.#seen = this.#told
  }

  /** What others have done since the last call. Costs next to nothing when nobody has written. */
  read(): StoreChange[] {
    const version = this.#versionNow()
    if (version === this.#version) return []
    const rows = this.#statements.since.all(this.#seen) as NewsRow[]
    const [first] = rows
    const last = Number(rows.at(-1)?.id ?? this.#last())
    // With none, and fewer than there were, it is a file that has begun anew.
    const hasMissed = first === undefined ? last < this.#seen : Number(first.id) !== this.#seen + 1
    this.#seen = last
    this.#version = version
    const foreign = rows.filter(({ writer }) => writer !== this.#writer).map(({ keys }) => keys)
    const isEmptied = foreign.includes(CLEARED)
    const keys = new Set<string>()
    const isTold = foreign.every(text => addKeys(text, keys))
    if (hasMissed || !isTold) return [{ all: true, ...(isEmptied && { isEmptied }) }]
    return keys.size === 0 ? [] : [{ keys: [...keys] }]
  }

  #versionNow(): unknown {
    const [version] = Object.values((this.#statements.version.get() ?? {}) as Record<string, unknown>)
    return version
  }

  #last(): number {
    return Number((this.#statements.last.get() as { last: number | null } | undefined | null)?.last ?? 0)
  }
}

/** Adds the keys that a row names. False when it names none, or is none of ours: it may be about all. */
function addKeys(text: string, keys: Set<string>): boolean {
  try {
    const named: unknown = JSON.parse(text)
    if (!Array.isArray(named) || !named.every(key => typeof key === 'string')) return false
    for (const key of named) keys.add(key)
    return true
  } catch {
    return false
  }
}
