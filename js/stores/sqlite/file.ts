/**
 * A file of SQLite that is ours: opened, marked, and, when it is proven corrupt, opened again, deleted, or left for a new name.
 *
 * A file is ours when its header says so (`application_id`). One that is not is never deleted: one without any table is
 * taken, one that is no database is set aside under another name, and the database of somebody else is refused.
 */

import { ShelflifeError } from '../../errors.ts'
import { failureOf, type OpenSqlite, type SqliteDatabase } from './driver.ts'
import { createTable } from './table.ts'

/** 'shlf', as SQLite's header keeps it. */
const APPLICATION = 0x73686c66
/** Rises when older versions of shelflife could not read what newer ones write. */
const FORMAT = 1
/** Where the header keeps it. */
const APPLICATION_AT = 68
const HEADER = 72
/** Names a file may have: that of the path, and with these behind it. The last that exists is the one. */
const NAMES = ['', '-2', '-3']
/** SQLite itself waits this long for a lock, during which nothing else in the process happens; longer waits are ours. */
const BLOCKING_MS = 5
/** Pages of the write-ahead log before they go to the file, and the bytes that remain of it after a large transaction. */
const CHECKPOINT_PAGES = 1000
const JOURNAL_BYTES = 8 * 1024 * 1024
/** Kilobytes of pages that SQLite keeps in memory: most of the index of 100 000 keys, and not more than it has read. */
const CACHE_KB = 8192

/** What a file is opened with. */
export interface FileOptions {
  readonly path: string
  readonly open: OpenSqlite
  readonly table: string
  /** Budget in bytes of the file without its journal. */
  readonly maxSize: number
  /** Counts something that went wrong and was mended. */
  count(kind: string): void
}

/** An open file. */
export interface OpenFile {
  readonly database: SqliteDatabase
  /** False when the file can only be read. */
  readonly isWritable: boolean
  /** Whether the path still leads to this file, and not to none or another one. */
  isThere(): boolean
}

/**
 * Opens the file, or what is left of it. With `distrust` as the number of times it has been proven corrupt lately: 1 looks at it
 * once more, 2 and above begin with a new one.
 *
 * @throws Error of the driver when it is busy; ShelflifeError `ERR_STORE` when there is no way to open it.
 */
export async function openFile(options: FileOptions, distrust = 0): Promise<OpenFile> {
  const fs = await import('node:fs')
  const { dirname, resolve } = await import('node:path')
  fs.mkdirSync(dirname(resolve(options.path)), { recursive: true, mode: 0o700 })
  const last = NAMES.findLastIndex(ending => fs.existsSync(options.path + ending))
  let mistrust = distrust
  for (const ending of NAMES.slice(Math.max(last, 0))) {
    const path = resolve(options.path + ending)
    for (; mistrust < 3; mistrust += 1) {
      try {
        if (mistrust === 1) options.count('reopened')
        if (mistrust === 2) discard(fs, path, options)
        return connect(fs, path, options, mistrust === 1)
      } catch (error) {
        if (failureOf(error) !== 'corrupt' && !(error instanceof CannotDiscard)) throw error
      }
    }
    options.count('renamed')
    mistrust = 2
  }
  throw new ShelflifeError('ERR_STORE', `${options.path} is corrupt and cannot be replaced`)
}

type Fs = typeof import('node:fs')

/** The file is in the way and will not go. */
class CannotDiscard extends Error {}

/** Deletes what is proven corrupt. What was never ours is set aside instead. */
function discard(fs: Fs, path: string, { count }: FileOptions): void {
  try {
    const isThere = fs.existsSync(path)
    if (isThere) {
      if (isOurs(fs, path)) fs.unlinkSync(path)
      else fs.renameSync(path, `${path}.corrupt`)
    }
    for (const ending of ['-wal', '-shm', '-journal']) fs.rmSync(path + ending, { force: true })
    if (isThere) count('deleted')
  } catch (cause) {
    throw new CannotDiscard('it cannot be deleted', { cause })
  }
}

function isOurs(fs: Fs, path: string): boolean {
  const header = new DataView(new ArrayBuffer(HEADER))
  const handle = fs.openSync(path, 'r')
  try {
    return fs.readSync(handle, header, 0, HEADER, 0) === HEADER && header.getUint32(APPLICATION_AT) === APPLICATION
  } finally {
    fs.closeSync(handle)
  }
}

function connect(fs: Fs, path: string, options: FileOptions, thorough: boolean): OpenFile {
  // So that it is this user's only; the journal takes after it.
  if (!fs.existsSync(path)) fs.closeSync(fs.openSync(path, 'a', 0o600))
  const database = options.open(path)
  try {
    const isWritable = prepare(database, options, thorough)
    const { dev, ino } = fs.statSync(path, { bigint: true })
    const isThere = () => {
      const now = fs.statSync(path, { bigint: true, throwIfNoEntry: false })
      return now?.ino === ino && now.dev === dev
    }
    return { database, isWritable, isThere }
  } catch (error) {
    database.close()
    throw error
  }
}

/** Whether the file can be written. */
function prepare(database: SqliteDatabase, { path, table, maxSize, count }: FileOptions, thorough: boolean): boolean {
  const pragma = (text: string) => Object.values((database.prepare(`PRAGMA ${text}`).get() ?? {}) as Record<string, unknown>)[0]
  database.exec(`PRAGMA busy_timeout = ${BLOCKING_MS}; PRAGMA cache_size = -${CACHE_KB}`)
  const application = pragma('application_id')
  const isEmpty = database.prepare('SELECT 1 FROM sqlite_master').get() == null
  if (application !== APPLICATION && !isEmpty)
    throw new ShelflifeError('ERR_STORE', `${path} is a database of somebody else: choose another path, or pass the open database`)
  if (Number(pragma('user_version')) > FORMAT) throw new ShelflifeError('ERR_STORE', `a newer version of shelflife wrote ${path}`)
  if (thorough && pragma('quick_check(1)') !== 'ok') throw Object.assign(new Error('quick_check failed'), { code: 'SQLITE_CORRUPT' })
  try {
    // Without it, on a network drive for example, commits are slower and as safe.
    if (pragma('journal_mode = WAL') !== 'wal') count('no-wal')
    database.exec('PRAGMA synchronous = NORMAL; PRAGMA fullfsync = 1; PRAGMA checkpoint_fullfsync = 1; PRAGMA temp_store = MEMORY')
    const pageSize = Number(pragma('page_size'))
    const pages = maxSize / pageSize
    database.exec(`PRAGMA journal_size_limit = ${JOURNAL_BYTES}`)
    database.exec(`PRAGMA wal_autocheckpoint = ${Math.max(16, Math.min(CHECKPOINT_PAGES, Math.floor(pages / 4)))}`)
    if (maxSize !== Number.POSITIVE_INFINITY) database.exec(`PRAGMA max_page_count = ${Math.floor(pages)}`)
    if (application !== APPLICATION || database.prepare('SELECT 1 FROM sqlite_master WHERE name = ?').get(`${table}_news`) == null) {
      database.exec('BEGIN IMMEDIATE')
      database.exec(`PRAGMA application_id = ${APPLICATION}; PRAGMA user_version = ${FORMAT}; ${createTable(table)}; COMMIT`)
    }
    // Only a write tells whether writing is allowed.
    database.exec('BEGIN IMMEDIATE; COMMIT')
    return true
  } catch (error) {
    if (failureOf(error) !== 'readonly') throw error
    return false
  }
}
