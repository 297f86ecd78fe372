/** A log of segments in IndexedDB: one object store for directories, so that opening reads no values, one for payloads. */

import { isShelflifeError, ShelflifeError } from '../errors.ts'
import type { Durability, ListedSegment, MediumCall, Segment, SegmentMedium } from './segment-medium.ts'

/** Directories that one request brings. */
const LIST_BATCH = 256
const DIRECTORIES = 'directories'
const PAYLOADS = 'payloads'
/** What an open that goes wrong, and a handle that the browser has closed, look like; repeating helps once, on a new handle. */
const DEAD_HANDLE = new Set(['InvalidStateError', 'UnknownError', 'AbortError', 'TransactionInactiveError'])

interface Stored {
  readonly directory: Uint8Array
  readonly payloadBytes: number
}

/** See the top of this file. Ids are the keys that the store of directories generates, in the order of its transactions. */
export class IndexedDbMedium implements SegmentMedium {
  readonly writable = true
  readonly overhead = 64
  readonly #name: string
  readonly #durability: 'relaxed' | 'strict'
  readonly #count: (kind: string) => void
  #handle: Promise<IDBDatabase> | undefined
  #isClosed = false

  constructor(name: string, durability: 'relaxed' | 'strict', count: (kind: string) => void) {
    this.#name = name
    this.#durability = durability
    this.#count = count
  }

  async open({ signal }: MediumCall): Promise<void> {
    await this.#connect(signal)
  }

  append(segments: readonly Segment[], durability: Durability, { signal }: MediumCall): Promise<number[]> {
    const strength = durability === 'durable' ? 'strict' : this.#durability
    return this.#attempt('append', signal, database =>
      write(database, strength, signal, transaction => {
        const directories = transaction.objectStore(DIRECTORIES)
        const payloads = transaction.objectStore(PAYLOADS)
        const ids: number[] = []
        for (const [index, { directory, payload }] of segments.entries()) {
          const record: Stored = { directory: exact(directory), payloadBytes: payload.length }
          directories.add(record).onsuccess = event => {
            const id = (event.target as IDBRequest<number>).result
            ids[index] = id
            payloads.put(exact(payload), id)
          }
        }
        return ids
      }),
    )
  }

  list(after: number, { signal }: MediumCall): Promise<ListedSegment[]> {
    return this.#attempt('list', signal, async database => {
      const listed: ListedSegment[] = []
      for (let last = after; ; ) {
        const range = IDBKeyRange.lowerBound(last, true)
        const store = database.transaction(DIRECTORIES).objectStore(DIRECTORIES)
        const [ids, records] = await Promise.all([
          settled<IDBValidKey[]>(store.getAllKeys(range, LIST_BATCH), signal),
          settled<unknown[]>(store.getAll(range, LIST_BATCH), signal),
        ])
        for (const [index, id] of ids.entries()) listed.push(this.#listed(Number(id), records[index]))
        if (ids.length < LIST_BATCH) return listed
        last = Number(ids.at(-1))
      }
    })
  }

  read(id: number, { signal }: MediumCall): Promise<Uint8Array | undefined> {
    return this.#attempt('read', signal, async database => {
      const payload = await settled<unknown>(database.transaction(PAYLOADS).objectStore(PAYLOADS).get(id), signal)
      return payload instanceof Uint8Array ? payload : undefined
    })
  }

  remove(ids: readonly number[], { signal }: MediumCall): Promise<void> {
    return this.#attempt('remove', signal, database =>
      write(database, this.#durability, signal, transaction => {
        for (const name of [DIRECTORIES, PAYLOADS]) for (const id of ids) transaction.objectStore(name).delete(id)
      }),
    )
  }

  clear({ signal }: MediumCall): Promise<void> {
    return this.#attempt('clear', signal, database =>
      write(database, this.#durability, signal, transaction => {
        transaction.objectStore(DIRECTORIES).clear()
        transaction.objectStore(PAYLOADS).clear()
      }),
    )
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const handle = this.#handle
    this.#handle = undefined
    await handle?.then(database => database.close()).catch(() => {})
  }

  /** A record that is not ours has no directory; the tier knows what that means. */
  #listed(id: number, record: unknown): ListedSegment {
    const { directory, payloadBytes } = (typeof record === 'object' && record !== null ? record : {}) as Partial<Stored>
    const known = directory instanceof Uint8Array ? directory : new Uint8Array(0)
    return { id, directory: known, bytes: known.length + (Number(payloadBytes) || 0) + this.overhead }
  }

  /** Works on the handle there is; when that turns out dead, once more on a new one, which all who wait share. */
  async #attempt<T>(step: string, signal: AbortSignal, work: (database: IDBDatabase) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const handle = this.#connect(signal)
      try {
        return await work(await handle)
      } catch (cause) {
        if (isShelflifeError(cause)) throw cause
        if (signal.aborted || attempt === 2 || !DEAD_HANDLE.has(nameOf(cause))) throw failed(step, cause)
        this.#drop(handle)
      }
    }
  }

  #connect(signal: AbortSignal): Promise<IDBDatabase> {
    if (this.#isClosed) return Promise.reject(new ShelflifeError('ERR_STORE', 'the database is closed'))
    if (this.#handle !== undefined) return this.#handle
    const handle = connect(this.#name, signal, () => this.#drop(handle))
    this.#handle = handle
    handle.catch(() => this.#forget(handle))
    return handle
  }

  #drop(handle: Promise<IDBDatabase>): void {
    if (!this.#forget(handle)) return
    this.#count('reopened')
    handle.then(database => database.close()).catch(() => {})
  }

  #forget(handle: Promise<IDBDatabase>): boolean {
    if (this.#handle !== handle) return false
    this.#handle = undefined
    return true
  }
}

function connect(name: string, signal: AbortSignal, onLost: () => void): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    if (typeof indexedDB === 'undefined') throw new ShelflifeError('ERR_STORE', 'there is no IndexedDB here')
    const request = indexedDB.open(name, 1)
    request.onupgradeneeded = () => {
      request.result.createObjectStore(DIRECTORIES, { autoIncrement: true })
      request.result.createObjectStore(PAYLOADS)
    }
    request.onerror = () => reject(failed('open', request.error))
    request.onsuccess = () => {
      const database = request.result
      // Late, after we were told to give up: nobody would ever close it.
      if (signal.aborted) return database.close()
      database.onclose = onLost
      database.onversionchange = () => {
        database.close()
        onLost()
      }
      resolve(database)
    }
    signal.addEventListener('abort', () => reject(failed('open', signal.reason)), { once: true })
  }).catch(cause => {
    throw failed('open', cause)
  }) as Promise<IDBDatabase>
}

/** Runs `body` in a transaction and resolves when that is complete: a request that succeeds may still be rolled back. */
function write<T>(
  database: IDBDatabase,
  durability: 'relaxed' | 'strict',
  signal: AbortSignal,
  body: (transaction: IDBTransaction) => T,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction([DIRECTORIES, PAYLOADS], 'readwrite', { durability })
    let result: T
    transaction.oncomplete = () => resolve(result)
    transaction.onabort = () =>
      reject(signal.aborted ? signal.reason : (transaction.error ?? new DOMException('aborted without a reason', 'AbortError')))
    signal.addEventListener('abort', () => stop(transaction), { once: true })
    result = body(transaction)
  })
}

function settled<T>(request: IDBRequest, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result as T)
    request.onerror = event => {
      event.preventDefault()
      reject(request.error ?? new DOMException('failed without a reason', 'AbortError'))
    }
    const { transaction } = request
    if (transaction !== null)
      transaction.onabort = () => reject(transaction.error ?? new DOMException('aborted without a reason', 'AbortError'))
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

function stop(transaction: IDBTransaction): void {
  try {
    transaction.abort()
  } catch {
    // It has finished meanwhile.
  }
}

/** A clone takes the whole buffer behind a view along. */
function exact(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice()
}

function failed(step: string, cause: unknown): ShelflifeError {
  if (isShelflifeError(cause)) return cause
  const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
  return new ShelflifeError(nameOf(cause) === 'QuotaExceededError' ? 'ERR_QUOTA' : 'ERR_STORE', `${step} failed: ${why}`, { cause })
}

function nameOf(cause: unknown): string {
  return typeof cause === 'object' && cause !== null && 'name' in cause ? String(cause.name) : ''
}
