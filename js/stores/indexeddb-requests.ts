/**
 * Requests and transactions of IndexedDB as promises that end when a signal aborts. A signal is made for one call and goes with it, so nobody
 * takes a listener back from it.
 */

import { isShelflifeError, ShelflifeError } from '../errors.ts'

/**
 * Runs `body` in a transaction and resolves when that is complete: a request that succeeds may still be rolled back. What throws in `body`, or
 * in what it passes to its second argument when it is answered, undoes everything: half of it would be complete otherwise.
 */
export function write<T>(
  database: IDBDatabase,
  stores: readonly string[],
  durability: 'relaxed' | 'strict',
  signal: AbortSignal,
  body: (transaction: IDBTransaction, attempt: (step: () => void) => void) => T,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(stores, 'readwrite', { durability })
    let result: T
    let thrown: unknown
    const attempt = (step: () => void) => {
      try {
        step()
      } catch (cause) {
        thrown ??= cause
        abort(transaction)
      }
    }
    transaction.oncomplete = () => resolve(result)
    transaction.onabort = () => reject(signal.aborted ? signal.reason : (thrown ?? transaction.error ?? nameless()))
    signal.addEventListener('abort', () => abort(transaction))
    attempt(() => {
      result = body(transaction, attempt)
    })
  })
}

/** The result of a request. */
export function settled<T>(request: IDBRequest, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (error: DOMException | null | undefined) => reject(error ?? nameless())
    request.onsuccess = () => resolve(request.result as T)
    request.onerror = event => {
      event.preventDefault()
      fail(request.error)
    }
    request.transaction?.addEventListener('abort', () => fail(request.transaction?.error), { once: true })
    signal.addEventListener('abort', () => reject(signal.reason))
  })
}

/** One record, or `undefined`. */
export function one(database: IDBDatabase, store: string, key: IDBValidKey, signal: AbortSignal): Promise<unknown> {
  const transaction = database.transaction(store)
  const request = transaction.objectStore(store).get(key)
  transaction.commit()
  return settled(request, signal)
}

/** Several records of a store whose keys are numbers, in the order of `keys`. Those that follow each other come as one. */
export async function several(database: IDBDatabase, store: string, keys: readonly number[], signal: AbortSignal): Promise<unknown[]> {
  const first = keys[0] as number
  if (keys.every((key, at) => key === first + at)) {
    const transaction = database.transaction(store)
    const request = transaction.objectStore(store).getAll(IDBKeyRange.bound(first, first + keys.length - 1))
    transaction.commit()
    const records = await settled<unknown[]>(request, signal)
    // Of fewer nobody knows which they are.
    if (records.length === keys.length) return records
  }
  const transaction = database.transaction(store)
  const records = transaction.objectStore(store)
  const requests = keys.map(key => settled<unknown>(records.get(key), signal))
  transaction.commit()
  return Promise.all(requests)
}

/** A clone takes the whole buffer behind a view along. */
export function exact(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice()
}

/** `cause` as an error of ours. */
export function failed(step: string, cause: unknown): ShelflifeError {
  if (isShelflifeError(cause)) return cause
  const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
  return new ShelflifeError(nameOf(cause) === 'QuotaExceededError' ? 'ERR_QUOTA' : 'ERR_STORE', `${step} failed: ${why}`, { cause })
}

export function nameOf(cause: unknown): string {
  return typeof cause === 'object' && cause !== null && 'name' in cause ? String(cause.name) : ''
}

function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort()
  } catch {
    // It has finished meanwhile.
  }
}

/** Browsers abort transactions without saying why, too. */
function nameless(): DOMException {
  return new DOMException('aborted without a reason', 'AbortError')
}
