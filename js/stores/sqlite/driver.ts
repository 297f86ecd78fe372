/** The two drivers of SQLite, which have nearly the same methods, and what their errors mean. */

import { ShelflifeError } from '../../errors.ts'

/** A value of a column. */
export type SqliteValue = string | number | bigint | Uint8Array | null

/** A prepared statement, as `node:sqlite`, `better-sqlite3` and `bun:sqlite` have it. */
export interface SqliteStatement {
  run(...values: SqliteValue[]): unknown
  get(...values: SqliteValue[]): unknown
  all(...values: SqliteValue[]): unknown[]
}

/** An open database, as `node:sqlite`, `better-sqlite3` and `bun:sqlite` have it. */
export interface SqliteDatabase {
  exec(sql: string): unknown
  prepare(sql: string): SqliteStatement
  close(): unknown
}

/** Opens the file at a path. */
export type OpenSqlite = (path: string) => SqliteDatabase

/** By name, or as a function for any other driver with such methods. */
export type SqliteDriver = 'auto' | 'node:sqlite' | 'better-sqlite3' | OpenSqlite

type Load = (module: string) => Promise<unknown>

/** Names that bundlers do not follow: neither module is needed unless it is asked for. */
const load: Load = module => import(/* @vite-ignore */ /* webpackIgnore: true */ module)

/**
 * Finds the driver. `'auto'` is `node:sqlite` where Node has it, else `better-sqlite3`.
 *
 * @throws ShelflifeError `ERR_STORE` when it is not there.
 */
export async function findDriver(driver: SqliteDriver, from: Load = load): Promise<OpenSqlite> {
  if (typeof driver === 'function') return driver
  const causes: unknown[] = []
  if (driver !== 'better-sqlite3') {
    try {
      const { DatabaseSync } = (await from('node:sqlite')) as { DatabaseSync: new (path: string) => SqliteDatabase }
      return path => new DatabaseSync(path)
    } catch (error) {
      causes.push(error)
    }
  }
  if (driver !== 'node:sqlite') {
    try {
      const { default: Database } = (await from('better-sqlite3')) as { default: new (path: string) => SqliteDatabase }
      return path => new Database(path)
    } catch (error) {
      causes.push(error)
    }
  }
  const needed = driver === 'auto' ? 'Node 22.13 or newer, which has node:sqlite, or the package better-sqlite3' : driver
  throw new ShelflifeError('ERR_STORE', `the store needs ${needed}`, { cause: causes.at(-1) })
}

/** What an error of a driver means for us. */
export type SqliteFailure = 'busy' | 'full' | 'corrupt' | 'readonly' | 'io' | 'failed'

/** By the primary result codes of SQLite. */
const MEANINGS: Readonly<Record<number, SqliteFailure>> = {
  5: 'busy',
  6: 'busy',
  8: 'readonly',
  10: 'io',
  11: 'corrupt',
  13: 'full',
  14: 'io',
  15: 'busy',
  26: 'corrupt',
}
const CODES: Readonly<Record<string, number>> = {
  BUSY: 5,
  LOCKED: 6,
  READONLY: 8,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  PROTOCOL: 15,
  NOTADB: 26,
}

/** See {@link SqliteFailure}: by number (`node:sqlite`) or by name (`better-sqlite3`, `bun:sqlite`). */
export function failureOf(error: unknown): SqliteFailure {
  if (!(error instanceof Error)) return 'failed'
  const { errcode, code } = error as { errcode?: unknown; code?: unknown }
  if (typeof errcode === 'number') return MEANINGS[errcode & 0xff] ?? 'failed'
  const [, name = ''] = /^SQLITE_([A-Z]+)/.exec(String(code)) ?? []
  return MEANINGS[CODES[name] ?? 0] ?? 'failed'
}

/** Whether somebody has closed the database. */
export function isShut(database: SqliteDatabase): boolean {
  const { open, isOpen } = database as { open?: unknown; isOpen?: unknown }
  return open === false || isOpen === false
}

/** @throws Error that counts as busy, when the owner of the database is in the middle of a transaction, of which we are no part. */
export function refuseInside(database: SqliteDatabase): void {
  const { inTransaction, isTransaction } = database as { inTransaction?: unknown; isTransaction?: unknown }
  if (inTransaction !== true && isTransaction !== true) return
  throw Object.assign(new Error('the database is in a transaction'), { code: 'SQLITE_BUSY' })
}
