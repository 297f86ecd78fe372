/** `shelflife/stores/sqlite`: a store in a file of SQLite, for Node (`node:sqlite`, `better-sqlite3`) and Bun. */

import { InvalidArgumentError } from '../errors.ts'
import { type Duration, durationMs, optionsObject, type Size, sizeInBytes } from '../options.ts'
import { withBarriers } from '../tier/barrier-tier.ts'
import { QueuedTier } from '../tier/queued-tier.ts'
import { RowReader } from '../tier/row-reader.ts'
import { SqliteLog, type SqliteSource } from '../tier/sqlite-log.ts'
import { type CompressionFormat, type CompressionOptions, resolveCompression } from './compression.ts'
import { nodeZip } from './node-zip.ts'
import { findDriver, refuseInside, type SqliteDatabase, type SqliteDriver } from './sqlite/driver.ts'
import { openFile } from './sqlite/file.ts'
import { createTable } from './sqlite/table.ts'
import type { Store, StoreChange } from './tier.ts'

export type { CompressionFormat, CompressionOptions } from './compression.ts'
export type { OpenSqlite, SqliteDatabase, SqliteDriver, SqliteStatement, SqliteValue } from './sqlite/driver.ts'
export type { Store } from './tier.ts'

/** Options of {@link sqlite}: a `path`, or a `database` that is open. */
export type SqliteOptions = {
  /** The table, a name of letters, digits and `_`; made if it is missing, and beside it one with `_news` behind the name. Default `'shelflife'`. */
  readonly table?: string
  /** How long a lock that another process holds is waited for, without blocking this one. Default 5 s; then the writes that waited are dropped, and counted. */
  readonly busyTimeout?: Duration
  /**
   * How often it is looked, which takes microseconds, whether other processes have written: what they have changed is forgotten in memory. `Infinity`:
   * never. Default 500 ms.
   */
  readonly pollInterval?: Duration
  /** Whether and how values are compressed, each by itself, from `minSize` on; all are read, whatever it says. Default `'none'`. */
  readonly compression?: CompressionFormat | CompressionOptions | undefined
} & (
  | {
      /** The file; made, for this user only, if it is missing. `-wal` and `-shm` lie beside it. Never a file with tables of somebody else. */
      readonly path: string
      /** Budget in bytes of the file; beyond it what has expired goes first, then what was written or read longest ago and memory does not have. The file never shrinks. Default `Infinity`. */
      readonly maxSize?: Size
      /** Default `'auto'`: `node:sqlite` where Node has it, else `better-sqlite3`. A function opens the file at a path with another driver. */
      readonly driver?: SqliteDriver
    }
  | {
      /** An open database of `node:sqlite`, `better-sqlite3` or `bun:sqlite`. It stays yours: it is not closed, mended or limited in size. */
      readonly database: SqliteDatabase
    }
)

/**
 * A store in a file of SQLite. Several processes may read and write the same one; what one changes the others forget in memory within `pollInterval`.
 *
 * `persist: 'stored'` is a committed transaction in the write-ahead log: it survives the death of the process, not a loss of power.
 * `'durable'` is a commit with `PRAGMA synchronous = FULL`: synced to disk. With `database`, `'stored'` is what its own `synchronous` makes of it.
 *
 * ```ts
 * const cache = createCache({ store: sqlite({ path: './cache.db', maxSize: '500mb' }) })
 * ```
 *
 * @throws InvalidArgumentError when an option cannot be meant.
 */
export function sqlite(options: SqliteOptions): Store {
  const source = sourceOf(optionsObject(options, 'options') as Partial<Record<string, unknown>>)
  return {
    name: source.name,
    openTier(context) {
      const { name, maxSize } = source
      const { clock } = context
      const open = (onChange: (change: StoreChange) => void) => {
        const heard = { ...context, onChange }
        return new QueuedTier(
          {
            name,
            maxSize,
            log: new SqliteLog(source, heard),
            renew: log => new SqliteLog(source, heard, log as SqliteLog),
            reader: (queue, disown, log) => new RowReader(log as SqliteLog, queue, clock, disown),
          },
          heard,
        )
      }
      return withBarriers(open, clock, context.onChange)
    },
  }
}

function sourceOf(options: Partial<Record<string, unknown>>): SqliteSource & { readonly name: string } {
  const {
    path,
    database,
    table = 'shelflife',
    maxSize = Number.POSITIVE_INFINITY,
    busyTimeout = '5s',
    pollInterval = 500,
    driver = 'auto',
  } = options
  if (typeof table !== 'string' || !/^[a-z_]\w{0,62}$/i.test(table) || /^sqlite_/i.test(table))
    throw new InvalidArgumentError('table', 'the name of a table', table)
  const shared = {
    table,
    busyTimeout: durationMs(busyTimeout, 'busyTimeout'),
    pollMs: durationMs(pollInterval, 'pollInterval'),
    compression: resolveCompression(options.compression as CompressionFormat | CompressionOptions | undefined, nodeZip),
  }
  if (database !== undefined) {
    const given = { path, maxSize: options.maxSize, driver: options.driver }
    for (const [name, value] of Object.entries(given))
      if (value !== undefined) throw new InvalidArgumentError(name, 'left out when a database is given', value)
    return { ...shared, name: `sqlite(${table})`, ...openDatabase(databaseOf(database), table) }
  }
  if (typeof path !== 'string' || path === '' || path.includes('\0') || path.startsWith(':') || path.startsWith('file:'))
    throw new InvalidArgumentError('path', 'the path of a file', path)
  const isDriver = typeof driver === 'function' || ['auto', 'node:sqlite', 'better-sqlite3'].includes(driver as string)
  if (!isDriver) throw new InvalidArgumentError('driver', "'auto', 'node:sqlite', 'better-sqlite3' or a function that opens a path", driver)
  const bytes = sizeInBytes(maxSize, 'maxSize')
  return {
    ...shared,
    name: `sqlite(${path})`,
    maxSize: bytes,
    isOwn: true,
    open: async (distrust, count) =>
      openFile({ path, table, maxSize: bytes, open: await findDriver(driver as SqliteDriver), count }, distrust),
  }
}

function databaseOf(database: unknown): SqliteDatabase {
  const given = database as Record<string, unknown> | null
  if (['exec', 'prepare', 'close'].some(method => typeof given?.[method] !== 'function'))
    throw new InvalidArgumentError('database', 'an open database of node:sqlite, better-sqlite3 or bun:sqlite', database)
  return database as SqliteDatabase
}

function openDatabase(database: SqliteDatabase, table: string): Pick<SqliteSource, 'maxSize' | 'isOwn' | 'open'> {
  return {
    maxSize: Number.POSITIVE_INFINITY,
    isOwn: false,
    async open() {
      refuseInside(database)
      database.exec(createTable(table))
      return { database, isWritable: true, isThere: () => true }
    },
  }
}
