// Stores beside which ours runs. Each opens a folder and gives: `write(entries)`, `readAll(keys)`, `read(key)`, `close()`. `share`: the part
// of the entries that is enough.

import { join } from 'node:path'

/** Ours, behind a cache whose memory holds next to nothing, so that every read goes to the store. */
const ours = storeIn => ({
  async open(path) {
    const { createCache } = await import('shelflife')
    const cache = createCache({ max: 1, store: await storeIn(path) })
    await cache.get('nothing')
    return {
      async write(entries) {
        for (let at = 0; at < entries.length; at += 5000) await cache.setMany(entries.slice(at, at + 5000))
        await cache.flush()
      },
      async readAll(keys) {
        const found = []
        for (let at = 0; at < keys.length; at += 5000) found.push(...(await cache.getMany(keys.slice(at, at + 5000))).values())
        return found
      },
      read: key => cache.get(key),
      close: () => cache.close(),
    }
  },
})

const inFiles = options => async path => (await import('shelflife/stores/fs')).fileSystem({ path, ...options })

/** The package is installed here, and not where ours, which is a link, would look for it. */
async function inSqlite(path) {
  const [{ sqlite }, { default: Database }] = await Promise.all([import('shelflife/stores/sqlite'), import('better-sqlite3')])
  return sqlite({ path: join(path, 'cache.sqlite'), driver: name => new Database(name) })
}

async function openSqlite(path) {
  const { default: Database } = await import('better-sqlite3')
  const database = new Database(join(path, 'cache.sqlite'))
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = NORMAL')
  database.exec('CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID')
  return {
    database,
    insert: database.prepare('INSERT INTO entries VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value'),
    select: database.prepare('SELECT value FROM entries WHERE key = ?').pluck(),
  }
}

/** Runs `work` for all, so many at a time. */
async function each(items, work, width = 64) {
  const results = new Array(items.length)
  let next = 0
  const worker = async () => {
    while (next < items.length) {
      const at = next++
      results[at] = await work(items[at])
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
  return results
}

export const contestants = {
  shelflife: ours(inFiles({})),
  'shelflife, compressed': ours(inFiles({ compression: 'auto' })),
  'shelflife, sqlite': ours(inSqlite),
  'better-sqlite3': {
    async open(path) {
      const { database, insert, select } = await openSqlite(path)
      const read = key => JSON.parse(select.get(key))
      return {
        write(entries) {
          for (const [key, value] of entries) insert.run(key, JSON.stringify(value))
        },
        readAll: keys => keys.map(read),
        read,
        close: () => database.close(),
      }
    },
  },
  'keyv over better-sqlite3': {
    share: 0.5,
    async open(path) {
      const { default: Keyv } = await import('keyv')
      const { database, insert, select } = await openSqlite(path)
      const store = {
        get: async key => select.get(key),
        set: async (key, value) => void insert.run(key, value),
        delete: async () => false,
        clear: async () => {},
      }
      const keyv = new Keyv({ store })
      return {
        write: entries => each(entries, ([key, value]) => keyv.set(key, value)),
        readAll: keys => each(keys, key => keyv.get(key)),
        read: key => keyv.get(key),
        close: () => database.close(),
      }
    },
  },
  cacache: {
    share: 0.05,
    async open(path) {
      const { default: cacache } = await import('cacache')
      const read = async key => JSON.parse((await cacache.get(path, key)).data)
      return {
        write: entries => each(entries, ([key, value]) => cacache.put(path, key, JSON.stringify(value))),
        readAll: keys => each(keys, read),
        read,
        close() {},
      }
    },
  },
  'bentocache, file driver': {
    share: 0.05,
    async open(path) {
      const [{ BentoCache, bentostore }, { fileDriver }] = await Promise.all([import('bentocache'), import('bentocache/drivers/file')])
      const store = bentostore().useL2Layer(fileDriver({ directory: path, pruneInterval: false }))
      const bento = new BentoCache({ default: 'files', stores: { files: store } })
      const read = key => bento.get({ key })
      return {
        write: entries => each(entries, ([key, value]) => bento.set({ key, value, ttl: '1h' })),
        readAll: keys => each(keys, read),
        read,
        close: () => bento.disconnectAll(),
      }
    },
  },
}
