/**
 * The one connection to a database, and what becomes of it: browsers close it when they like, lose what is in it, or cannot
 * open it any more.
 *
 * A dead connection is opened again when it is needed next, once for all who wait. A database is deleted only when it is proven
 * corrupt: it has not opened three times for an unknown reason, while another one opens. Where it cannot be deleted either, the
 * next name is taken. Never for lack of room, a newer version, or somebody who blocks.
 */

import { isShelflifeError, ShelflifeError } from '../errors.ts'
import { Death } from './indexeddb-death.ts'
import { failed, nameOf, one } from './indexeddb-requests.ts'

export const DIRECTORIES = 'directories'
export const PAYLOADS = 'payloads'
/** Under numbers the traces of segments (`indexeddb-trace.ts`), under a name the epoch. */
export const ABOUT = 'about'
export const EPOCH = 'epoch'

/** Of the database. 1 had no traces; what it holds is given up. */
const FORMAT = 2

/** How often a database is asked to open before it is suspected, and the first wait between, in milliseconds. */
const TRIES = 3
const PAUSE_MS = 50
/** Names that are tried: that of the user, and some with a number. */
const NAMES = 3
const PROBE = 'shelflife~probe'

/** Which log this is: a database has another `birth` when it was made anew, and another `clearing` when it was emptied. */
export interface Epoch {
  readonly birth: string
  readonly clearing: string
}

/** An open database. */
export interface Opened {
  readonly database: IDBDatabase
  /** Comes when the browser closes it. Its transactions may not even be told, in Chromium. */
  readonly death: Death
}

/** Whom a connection tells. */
export interface ConnectionHost {
  count(kind: string): void
  /** What had been read from the database is not there any more. */
  forgotten(): void
  /** Waits, in milliseconds. */
  pause(ms: number): Promise<void>
}

/** See the top of this file. */
export class IndexedDbConnection {
  readonly #name: string
  readonly #host: ConnectionHost
  #handle: Promise<Opened> | undefined
  #epoch: Epoch | undefined
  #generation: number | undefined
  #wasOpen = false
  #isClosed = false

  constructor(name: string, host: ConnectionHost) {
    this.#name = name
    this.#host = host
  }

  /** The open database. */
  get(signal: AbortSignal): Promise<Opened> {
    if (this.#isClosed) return Promise.reject(new ShelflifeError('ERR_STORE', 'the database is closed'))
    if (this.#handle !== undefined) return this.#handle
    if (this.#wasOpen) this.#host.count('reopened')
    this.#wasOpen = false
    const handle = this.#connect(signal, () => this.drop(handle))
    this.#handle = handle
    handle.then(
      () => {
        this.#wasOpen = true
      },
      () => this.drop(handle),
    )
    return handle
  }

  /** `handle` is dead: the next who needs one opens it anew. */
  drop(handle: Promise<Opened>): void {
    if (this.#handle !== handle) return
    this.#handle = undefined
    handle.then(({ database }) => database.close()).catch(() => {})
  }

  /** Compares what a transaction has read of the epoch with what it was; another one means that the log was emptied. */
  witness(found: unknown): void {
    if (!isEpoch(found) || this.#epoch === undefined) return
    const { birth, clearing } = this.#epoch
    if (found.birth === birth && found.clearing === clearing) return
    if (found.birth !== birth) this.#host.count('lost')
    this.#epoch = found
    this.#host.forgotten()
  }

  /** For a transaction that empties the log: puts a new epoch, and gives what to call when it is complete. */
  renew(transaction: IDBTransaction): () => void {
    const epoch: Epoch = { birth: this.#epoch?.birth ?? unique(), clearing: unique() }
    transaction.objectStore(ABOUT).put(epoch, EPOCH)
    return () => {
      this.#epoch = epoch
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const handle = this.#handle
    this.#handle = undefined
    await handle?.then(({ database }) => database.close()).catch(() => {})
  }

  async #connect(signal: AbortSignal, onDead: () => void): Promise<Opened> {
    const marker = readMarker(this.#name)
    this.#generation ??= marker.generation
    let isDeleted = false
    for (;;) {
      const name = this.#generation === 0 ? this.#name : `${this.#name}~${this.#generation}`
      try {
        return await this.#tryOpen(name, signal, onDead, marker.birth !== undefined && !isDeleted)
      } catch (cause) {
        if (signal.aborted || !isSuspect(cause) || !(await anotherOpens(signal))) throw failed('open', cause)
        this.#host.count('corrupt')
        if (!isDeleted && (await remove(name, signal))) {
          this.#host.count('deleted')
          isDeleted = true
          this.#forget()
          continue
        }
        if (this.#generation + 1 >= NAMES) throw failed('open', cause)
        this.#generation += 1
        this.#host.count('renamed')
        isDeleted = true
        this.#forget()
      }
    }
  }

  async #tryOpen(name: string, signal: AbortSignal, onDead: () => void, wasThere: boolean): Promise<Opened> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { database, isNew } = await open(name, signal, kind => this.#host.count(kind))
        const death = new Death()
        let isOurs = false
        database.onclose = () => {
          death.come(new DOMException('the browser has closed the connection', 'InvalidStateError'))
          // Until then it is tried again below, and whoever waits shares that.
          if (isOurs) onDead()
        }
        database.onversionchange = () => {
          this.#host.count('versionchange')
          database.close()
          if (isOurs) onDead()
        }
        try {
          await death.before(this.#meet(database, signal, isNew && wasThere))
          isOurs = true
        } finally {
          // One that nobody gets would be in the way of its own deletion.
          if (!isOurs) database.close()
        }
        return { database, death }
      } catch (cause) {
        if (attempt === TRIES || signal.aborted || !isSuspect(cause)) throw cause
        await this.#host.pause(PAUSE_MS * 4 ** (attempt - 1))
      }
    }
  }

  /** Reads which log this is. */
  async #meet(database: IDBDatabase, signal: AbortSignal, isLost: boolean): Promise<void> {
    const known = this.#epoch
    const found = await readEpoch(database, signal)
    if (known !== undefined) this.witness(found)
    else if (isLost) this.#host.count('lost')
    if (!isEpoch(found)) return
    this.#epoch = found
    writeMarker(this.#name, this.#generation ?? 0, found.birth)
  }

  /** What had been read is deleted, by us. */
  #forget(): void {
    if (this.#epoch === undefined) return
    this.#epoch = undefined
    this.#host.forgotten()
  }
}

function open(name: string, signal: AbortSignal, count: (kind: string) => void): Promise<{ database: IDBDatabase; isNew: boolean }> {
  return new Promise((resolve, reject) => {
    const factory = globalThis.indexedDB as IDBFactory | null | undefined
    if (factory === undefined || factory === null) throw new ShelflifeError('ERR_STORE', 'there is no IndexedDB here')
    const request = factory.open(name, FORMAT)
    let isNew = false
    request.onupgradeneeded = ({ oldVersion }) => {
      isNew = oldVersion === 0
      if (!isNew) count('upgraded')
      const { result, transaction } = request
      try {
        for (const store of Array.from(result.objectStoreNames)) result.deleteObjectStore(store)
        result.createObjectStore(DIRECTORIES, { autoIncrement: true })
        result.createObjectStore(PAYLOADS)
        const epoch: Epoch = { birth: unique(), clearing: '' }
        result.createObjectStore(ABOUT, { autoIncrement: true }).put(epoch, EPOCH)
      } catch (cause) {
        reject(cause)
        transaction?.abort()
      }
    }
    request.onblocked = () => count('blocked')
    request.onerror = () => reject(request.error)
    request.onsuccess = () => {
      // Late, after we were told to give up: nobody would ever close it.
      if (signal.aborted) request.result.close()
      else resolve({ database: request.result, isNew })
    }
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** Whether IndexedDB as such works: then it is the database that is broken. */
async function anotherOpens(signal: AbortSignal): Promise<boolean> {
  try {
    const { database } = await open(PROBE, signal, () => {})
    try {
      return isEpoch(await readEpoch(database, signal))
    } finally {
      database.close()
      await remove(PROBE, signal)
    }
  } catch {
    return false
  }
}

async function readEpoch(database: IDBDatabase, signal: AbortSignal): Promise<unknown> {
  return one(database, ABOUT, EPOCH, signal)
}

/** Deletes a database. False when that cannot be done. */
function remove(name: string, signal: AbortSignal): Promise<boolean> {
  return new Promise<boolean>(resolve => {
    const request = indexedDB.deleteDatabase(name)
    request.onsuccess = () => resolve(true)
    request.onerror = () => resolve(false)
    request.onblocked = () => resolve(false)
    signal.addEventListener('abort', () => resolve(false), { once: true })
  }).catch(() => false)
}

/** What a corrupt database looks like, and much else; without a store of ours it was made by somebody else. */
function isSuspect(cause: unknown): boolean {
  return !isShelflifeError(cause) && ['UnknownError', 'NotFoundError', 'InvalidStateError', 'AbortError', ''].includes(nameOf(cause))
}

function isEpoch(found: unknown): found is Epoch {
  if (typeof found !== 'object' || found === null) return false
  const { birth, clearing } = found as Partial<Epoch>
  return typeof birth === 'string' && typeof clearing === 'string'
}

function unique(): string {
  return `${Date.now().toString(36)}${Math.random().toString(36).slice(2)}`
}

/**
 * A marker beside the database, where the page may have one (workers may not): by which name it goes, and that it was there. A
 * browser that takes the database and leaves the marker has lost something, and says so to nobody.
 */
function readMarker(name: string): { generation: number; birth: string | undefined } {
  try {
    const [generation, birth] = localStorage.getItem(name)?.split(' ') ?? []
    return { generation: Math.min(Math.max(Number(generation) | 0, 0), NAMES - 1), birth }
  } catch {
    return { generation: 0, birth: undefined }
  }
}

function writeMarker(name: string, generation: number, birth: string): void {
  try {
    const text = `${generation} ${birth}`
    if (localStorage.getItem(name) !== text) localStorage.setItem(name, text)
  } catch {
    // It says less then.
  }
}
