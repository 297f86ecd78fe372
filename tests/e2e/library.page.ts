/** The library for pages that tests drive step by step: `globalThis.shelflife`. */

import { createCache } from '../../js/index.ts'
import { indexedDB as store } from '../../js/stores/indexeddb.ts'

/** The record stores of a database, for tests that damage them. */
async function raw(name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(`shelflife:${name}`)
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

Object.assign(globalThis, { shelflife: { createCache, indexedDB: store, raw } })
