// What the benches of IndexedDB compare: each keeps pairs under a name and can be opened again. `entries` says how many pairs fit in memory.

import Dexie from 'dexie'
import * as keyval from 'idb-keyval'
import localforage from 'localforage'
import { createCache } from 'shelflife'
import { indexedDB as shelf } from 'shelflife/stores/indexeddb'

/** @type {Record<string, (name: string, entries: number) => Contestant | Promise<Contestant>>} */
export const contestants = {
  shelflife(name, entries) {
    const cache = createCache({ max: entries, store: shelf({ name }) })
    return {
      async setAll(pairs) {
        // The promise of a set waits where the queue is full, and only there.
        for (const [key, value] of pairs) await cache.set(key, value)
        await cache.flush()
      },
      // Half of them in flight would do; the queue holds them all.
      queueAll: pairs => Promise.all(pairs.map(([key, value]) => cache.set(key, value))),
      flush: () => cache.flush(),
      readAll: async keys => [...(await cache.getMany(keys)).values()],
      set: (key, value) => cache.set(key, value, { persist: 'stored' }),
      get: key => cache.get(key),
      close: () => cache.close(),
    }
  },
  'idb-keyval'(name) {
    const store = keyval.createStore(name, 'pairs')
    return {
      setAll: pairs => keyval.setMany(pairs, store),
      readAll: async () => (await keyval.entries(store)).map(([, value]) => value),
      set: (key, value) => keyval.set(key, value, store),
      get: key => keyval.get(key, store),
      close: async () => {},
    }
  },
  Dexie(name) {
    const database = new Dexie(name)
    database.version(1).stores({ pairs: '' })
    const pairs = database.table('pairs')
    return {
      setAll: all =>
        pairs.bulkPut(
          all.map(([, value]) => value),
          all.map(([key]) => key),
        ),
      readAll: keys => pairs.bulkGet(keys),
      set: (key, value) => pairs.put(value, key),
      get: key => pairs.get(key),
      close: async () => database.close(),
    }
  },
  localforage(name) {
    const store = localforage.createInstance({ name, driver: localforage.INDEXEDDB })
    return {
      setAll: pairs => Promise.all(pairs.map(([key, value]) => store.setItem(key, value))),
      async readAll() {
        const all = []
        await store.iterate(value => {
          all.push(value)
        })
        return all
      },
      set: (key, value) => store.setItem(key, value),
      get: key => store.getItem(key),
      close: async () => {},
    }
  },
}

/**
 * @typedef {object} Contestant
 * @property {(pairs: [string, unknown][]) => Promise<unknown>} setAll resolves when all are stored
 * @property {(pairs: [string, unknown][]) => Promise<unknown>} [queueAll]
 * @property {() => Promise<unknown>} [flush]
 * @property {(keys: string[]) => Promise<unknown[]>} readAll
 * @property {(key: string, value: unknown) => Promise<unknown>} set resolves when it is stored
 * @property {(key: string) => Promise<any>} get
 * @property {() => Promise<unknown>} close
 */
