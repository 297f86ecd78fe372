/** Runs in the page: the store contract over IndexedDB, what happens when the browser misbehaves, and figures. */

import { systemClock } from '../../js/clock.ts'
import { storeContext } from '../../js/core/tier-core.ts'
import { indexedDB as store } from '../../js/stores/indexeddb.ts'
import type { Tier } from '../../js/stores/tier.ts'
import { testStore } from '../../js/testing.ts'

/** What became of one case. */
export interface Outcome {
  readonly name: string
  readonly error: string | null
}

let serial = 0
const name = () => {
  serial += 1
  return `test-${Date.now()}-${serial}`
}

export default async function run({ entries }: { entries: number }): Promise<{ outcomes: Outcome[]; figures: Record<string, number> }> {
  const outcomes: Outcome[] = []
  const contract = testStore(() => {
    const database = name()
    return { store: options => store({ name: database, ...options }), dispose: () => remove(database) }
  })
  for (const { name, run } of [...contract, ...Object.entries(MISFORTUNES).map(([name, run]) => ({ name, run }))]) {
    outcomes.push({
      name,
      error: await run().then(
        () => null,
        error => String(error?.stack ?? error),
      ),
    })
  }
  return { outcomes, figures: await measure(entries) }
}

const MISFORTUNES: Record<string, () => Promise<void>> = {
  'a tier without IndexedDB is off, says why, and throws on no read': async () => {
    const real = Object.getOwnPropertyDescriptor(globalThis, 'indexedDB')
    Object.defineProperty(globalThis, 'indexedDB', { value: undefined, configurable: true })
    try {
      const tier = await opened(name())
      same(tier.stats().state, 'off')
      same(/no IndexedDB/.test(tier.stats().reason ?? ''), true)
      same(await tier.getMany(['a']), [undefined])
      await set(tier, 'a', 1, 'memory')
      same(await set(tier, 'a', 1, 'stored').catch(error => error.code), 'ERR_STORE')
      same(tier.stats().dropped, 2)
    } finally {
      // Some engines have it on the prototype.
      if (real === undefined) Reflect.deleteProperty(globalThis, 'indexedDB')
      else Object.defineProperty(globalThis, 'indexedDB', real)
    }
  },
  'what is to be durable is asked for strictly, and nothing else is': async () => {
    const asked: unknown[] = []
    const transaction = IDBDatabase.prototype.transaction
    IDBDatabase.prototype.transaction = function (...args) {
      if (args[1] === 'readwrite') asked.push(args[2]?.durability)
      return transaction.apply(this, args)
    }
    try {
      for (const durability of ['relaxed', 'strict'] as const) {
        const tier = store({ name: name(), durability }).openTier(storeContext(systemClock))
        await tier.open()
        asked.length = 0
        await set(tier, 'a', 1, 'stored')
        await set(tier, 'a', 2, 'durable')
        same(asked.slice(0, 2), [durability, 'strict'])
        await tier.close()
      }
    } finally {
      IDBDatabase.prototype.transaction = transaction
    }
  },
  'a handle that was closed is opened again, once': async () => {
    const handles: IDBDatabase[] = []
    const transaction = IDBDatabase.prototype.transaction
    IDBDatabase.prototype.transaction = function (...args) {
      if (!handles.includes(this)) handles.push(this)
      return transaction.apply(this, args)
    }
    try {
      const tier = await opened(name())
      await set(tier, 'a', 1, 'stored')
      for (let round = 1; round <= 3; round += 1) {
        handles.at(-1)?.close()
        await set(tier, 'a', round, 'stored')
        handles.at(-1)?.close()
        same(
          (await tier.getMany(['a', 'b'])).map(entry => entry?.value),
          [round, undefined],
        )
      }
      same(handles.length, 7)
      same(tier.stats().errors, { reopened: 6 })
    } finally {
      IDBDatabase.prototype.transaction = transaction
    }
  },
  'a database deleted under a tier is missed, not mourned': async () => {
    const database = name()
    const tier = await opened(database)
    for (const key of ['a', 'b', 'c']) await set(tier, key, key, 'stored')
    await remove(database)
    same(await tier.getMany(['a', 'b']), [undefined, undefined])
    await set(tier, 'd', 1, 'stored')
    same(
      (await tier.getMany(['c', 'd'])).map(entry => entry?.value),
      [undefined, 1],
    )
  },
  'two tabs on one database see each other’s segments, and the later write wins': async () => {
    const database = name()
    const [one, two] = [await opened(database), await opened(database)]
    await set(one, 'a', 1, 'stored')
    await set(two, 'a', 2, 'stored')
    await set(one, 'b', 3, 'stored')
    same(
      (await one.getMany(['a', 'b'])).map(entry => entry?.value),
      [2, 3],
    )
    await two.close()
    await one.close()
    same(
      (await (await opened(database)).getMany(['a', 'b'])).map(entry => entry?.value),
      [2, 3],
    )
  },
  'a record that is not ours is survived': async () => {
    const database = name()
    const tier = await opened(database)
    await set(tier, 'a', 1, 'stored')
    await tier.close()
    await tamper(database, directories => directories.add('nonsense'))
    const again = await opened(database)
    same([again.stats().state, again.stats().errors, await again.getMany(['a'])], ['on', { damaged: 1, distrusted: 1 }, [undefined]])
    await set(again, 'a', 2, 'stored')
    same((await again.getMany(['a']))[0]?.value, 2)
  },
  'a record that is gone takes what is older of its keys along, and nothing else': async () => {
    const database = name()
    for (const isLast of [true, false]) {
      const tier = await opened(database)
      for (const key of ['a', 'b', 'c']) await set(tier, key, 1, 'stored')
      await set(tier, 'a', 2, 'stored')
      if (!isLast) await set(tier, 'c', 2, 'stored')
      await tier.close()
      await tamper(database, async directories => {
        const keys = await settled(directories.getAllKeys())
        directories.delete(keys.at(isLast ? -1 : -2) as number)
      })
      const again = await opened(database)
      const values = (await again.getMany(['a', 'b', 'c'])).map(entry => entry?.value)
      same([values, again.stats().errors], [[undefined, 1, isLast ? 1 : 2], { damaged: 1 }])
      await again.close()
      const later = await opened(database)
      same([(await later.getMany(['a']))[0], later.stats().errors], [undefined, {}])
      await later.close()
    }
  },
  'where records were added by others, and after transactions that came to nothing, traces are still those of their segments': async () => {
    const database = name()
    const tier = await opened(database)
    await set(tier, 'a', 1, 'stored')
    await tier.close()
    await tamper(database, async directories => {
      for (let times = 0; times < 3; times += 1) await settled(directories.delete(await settled(directories.add('nonsense'))))
    })
    await tamper(database, async (directories, about) => {
      await Promise.all([settled(directories.add('nonsense')), settled(about.add('nonsense'))])
      directories.transaction.abort()
    }).catch(() => {})
    // The lag shows once, as losses that are none; from then on there is none.
    for (const value of [2, 3, 4]) {
      const next = await opened(database)
      if (value === 4) same(next.stats().errors, {})
      await set(next, 'a', value, 'stored')
      await set(next, `b${value}`, value, 'stored')
      await next.close()
    }
    await tamper(database, async directories => {
      const keys = await settled(directories.getAllKeys())
      directories.delete(keys.at(-2) as number)
    })
    const again = await opened(database)
    same(
      (await again.getMany(['a', 'b2', 'b3', 'b4'])).map(entry => entry?.value),
      [undefined, 2, 3, 4],
    )
    same(again.stats().errors, { damaged: 1 })
  },
}

/** Changes the records of a database behind the back of everybody. */
async function tamper(database: string, change: (directories: IDBObjectStore, about: IDBObjectStore) => unknown): Promise<void> {
  const request = indexedDB.open(`shelflife:${database}`)
  const raw = await settled(request)
  const transaction = raw.transaction(['directories', 'about'], 'readwrite')
  const done = new Promise((resolve, reject) => {
    transaction.oncomplete = resolve
    transaction.onabort = reject
  })
  // It may be over before the change says so.
  await Promise.all([done, change(transaction.objectStore('directories'), transaction.objectStore('about'))]).finally(() => raw.close())
}

function settled<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

async function measure(entries: number): Promise<Record<string, number>> {
  const database = name()
  const text = 'Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore magna aliqua'
  const values = Array.from({ length: entries }, (_, id) => ({
    id,
    name: `Stratford ${id}`,
    country: 'GB',
    lat: 51.5,
    lng: -0.12,
    note: text,
    tags: ['city', `n${id}`],
  }))
  const keys = values.map(({ id }) => `city:${id}`)
  const figures: Record<string, number> = {}
  const time = async (what: string, work: () => Promise<void>) => {
    const began = performance.now()
    await work()
    figures[what] = Math.round((performance.now() - began) * 100) / 100
  }
  let tier = await opened(database)
  await time('set and flush, ms', async () => {
    for (const [index, key] of keys.entries()) {
      const waiting = set(tier, key, values[index], 'memory')
      if (index % 1000 === 999) await waiting
    }
    await tier.flush()
  })
  figures['bytes an entry'] = Math.round(tier.stats().bytes / entries)
  await tier.close()
  await time('reopen, ms', async () => {
    tier = await opened(database)
  })
  await time('read all, ms', async () => {
    for (let at = 0; at < keys.length; at += 5000) {
      const found = await tier.getMany(keys.slice(at, at + 5000))
      if (found.some((entry, index) => (entry?.value as { id: number } | undefined)?.id !== at + index)) throw new Error('a wrong value')
    }
  })
  await tier.close()
  tier = await opened(database)
  await time('1000 reads one by one at random, ms', async () => {
    for (let at = 0; at < 1000; at += 1) await tier.getMany([keys[(at * 7919) % keys.length] as string])
  })
  await time('1000 stored sets together, ms', async () => {
    await Promise.all(keys.slice(0, 1000).map(key => set(tier, key, 1, 'stored')))
  })
  await time('200 stored sets one by one, ms', async () => {
    for (const key of keys.slice(0, 200)) await set(tier, key, 2, 'stored')
  })
  same(tier.stats().errors, {})
  await tier.close()
  await remove(database)
  return figures
}

async function opened(database: string): Promise<Tier> {
  const tier = store({ name: database }).openTier(storeContext(systemClock))
  await tier.open()
  return tier
}

function set(tier: Tier, key: string, value: unknown, persist: 'memory' | 'stored' | 'durable'): Promise<void> {
  return tier.setMany([{ key, entry: { value, writtenAt: Date.now(), expiresAt: Number.POSITIVE_INFINITY } }], { persist })
}

function remove(database: string): Promise<void> {
  return new Promise(resolve => {
    indexedDB.deleteDatabase(`shelflife:${database}`).onsuccess = () => resolve()
  })
}

function same(found: unknown, expected: unknown): void {
  if (JSON.stringify(found) !== JSON.stringify(expected))
    throw new Error(`expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`)
}
