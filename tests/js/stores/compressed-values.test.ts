import { describe, expect, test } from 'vitest'
import { storeContext } from '../../../js/core/tier-core.ts'
import type { CompressionFormat, CompressionOptions } from '../../../js/stores/compression.ts'
import { keyvStore } from '../../../js/stores/keyv.ts'
import { redis } from '../../../js/stores/redis.ts'
import { sqlite } from '../../../js/stores/sqlite.ts'
import type { Store, Tier } from '../../../js/stores/tier.ts'
import { ManualClock, testStore } from '../../../js/testing.ts'
import { FakeRedis } from './fake-redis.ts'
import { mulberry } from './mulberry.ts'
import { drivers, freshFolder } from './sqlite-drivers.ts'

type Compression = CompressionFormat | CompressionOptions | undefined

/** A store with values of their own, and a way to what lies there. */
interface Place {
  store(compression: Compression): Store
  /** The bytes of all values, and how to put others in their place. */
  stored(): { length: number; change(alter: (bytes: Uint8Array) => void): void }
  dispose(): void
}

const places: [string, () => Place][] = [
  ['Redis', overRedis],
  ['Keyv', overKeyv],
  ...drivers.map(([name, open]): [string, () => Place] => [`SQLite by ${name}`, () => overSqlite(open)]),
]

const clock = new ManualClock()
const text = 'the same words again and again, '.repeat(300)
const values = {
  text,
  small: 'a small value',
  table: Array.from({ length: 400 }, (_, id) => ({ id, name: `name ${id % 7}` })),
  noise: noise(),
}

describe.each(places)('values of their own in %s', (_, make) => {
  test.each(['lz4', 'deflate', 'auto'] as const)("by '%s', are compressed where that pays, and read by everybody", async format => {
    const place = make()
    const tier = await open(place.store(format))
    await write(tier, values)
    const { before = 0, after = 0 } = tier.stats().compressed ?? {}
    expect(before).toBeGreaterThan(text.length + 4000)
    expect(after).toBeLessThan(8000)
    await tier.close()
    expect(place.stored().length).toBeLessThan(12_000)
    for (const reader of [format, undefined, 'none'] as const) {
      const other = await open(place.store(reader))
      expect(await read(other)).toEqual(values)
      expect(other.stats().errors).toEqual({})
      await other.close()
    }
    place.dispose()
  })

  test('a value that claims more than it may become is a counted miss', async () => {
    const place = make()
    const tier = await open(place.store('lz4'))
    await write(tier, values)
    await tier.close()
    const other = await open(place.store({ format: 'none', maxExpanded: 5000 }))
    expect(await read(other)).toEqual({ small: values.small, noise: values.noise })
    expect(other.stats().errors).toEqual({ expand: 2 })
    await other.close()
    place.dispose()
  })

  test('changed bytes give the value, or none', async () => {
    const random = mulberry(7)
    let lost = 0
    for (let round = 0; round < 60; round += 1) {
      const place = make()
      const tier = await open(place.store('lz4'))
      await write(tier, { text })
      await tier.close()
      place.stored().change(bytes => {
        bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
      })
      const other = await open(place.store('lz4'))
      const found = await read(other)
      if (found.text === undefined) lost += 1
      else expect(found.text).toBe(text)
      await other.close()
      place.dispose()
    }
    expect(lost).toBeGreaterThan(40)
  })
})

test('what is cleared while it is being compressed for Redis stays cleared', async () => {
  for (let ticks = 0; ticks < 40; ticks += 1) {
    const tier = await open(overRedis().store('lz4'))
    const writing = write(tier, { text }).catch(() => {})
    for (let tick = 0; tick < ticks; tick += 1) await Promise.resolve()
    await tier.clear()
    expect(await read(tier)).toEqual({})
    await writing
    expect(await read(tier)).toEqual({})
    await tier.close()
  }
})

describe.each(places.slice(1))('a store that compresses values of their own in %s', (name, make) => {
  const cases = testStore(
    () => {
      const place = make()
      return { store: () => place.store({ format: 'lz4', minSize: 1, minSaving: 0 }), dispose: () => place.dispose() }
    },
    { lacks: name === 'Keyv' ? ['compaction', 'budget'] : ['compaction'] },
  )
  for (const { name, run } of cases.filter(({ name }) => !name.includes('budget'))) test(name, run)
})

async function open(store: Store): Promise<Tier> {
  const tier = store.openTier(storeContext(clock))
  const opening = tier.open()
  await clock.advanceAsync(0)
  await opening
  return tier
}

function write(tier: Tier, all: Record<string, unknown>): Promise<void> {
  const entries = Object.entries(all).map(([key, value]) => ({ key, entry: { value, writtenAt: clock.wall(), expiresAt: Infinity } }))
  return tier.setMany(entries, { persist: 'stored' })
}

async function read(tier: Tier): Promise<Record<string, unknown>> {
  const keys = Object.keys(values)
  const found = await tier.getMany(keys)
  return Object.fromEntries(keys.flatMap((key, at) => (found[at] === undefined ? [] : [[key, found[at].value]])))
}

function noise(): Uint8Array {
  const random = mulberry(1)
  return Uint8Array.from({ length: 3000 }, () => Math.floor(random() * 256))
}

function overRedis(): Place {
  const server = new FakeRedis()
  return {
    store: compression => redis({ client: server, compression }),
    stored() {
      const entries = [...server.texts].filter(([, bytes]) => bytes.toString('latin1').startsWith('SL'))
      return {
        length: entries.reduce((sum, [, bytes]) => sum + bytes.length, 0),
        change(alter) {
          for (const [, bytes] of entries) alter(bytes)
        },
      }
    },
    dispose() {},
  }
}

function overKeyv(): Place {
  const map = new Map<string, string>()
  const keyv = {
    get: (key: string) => map.get(key),
    set(key: string, value: string) {
      map.set(key, value)
      return true
    },
    delete: (key: string) => map.delete(key),
    clear: () => map.clear(),
  }
  return {
    store: compression => keyvStore(keyv, { compression }),
    stored: () => ({
      length: [...map.values()].reduce((sum, { length }) => sum + length, 0),
      change(alter) {
        for (const [key, value] of map) {
          const bytes = Buffer.from(value, 'latin1')
          alter(bytes)
          map.set(key, bytes.toString('latin1'))
        }
      },
    }),
    dispose() {},
  }
}

function overSqlite(driver: (typeof drivers)[number][1]): Place {
  const { path, dispose } = freshFolder()
  const rows = () => {
    const database = driver(path)
    return { database, all: database.prepare('SELECT id, value FROM shelflife').all() as { id: number; value: Uint8Array }[] }
  }
  return {
    store: compression => sqlite({ path, driver, compression }),
    stored() {
      const { database, all } = rows()
      database.close()
      return {
        length: all.reduce((sum, { value }) => sum + value.length, 0),
        change(alter) {
          const { database, all } = rows()
          for (const { id, value } of all) {
            alter(value)
            database.prepare('UPDATE shelflife SET value = ? WHERE id = ?').run(value, id)
          }
          database.close()
        },
      }
    },
    dispose,
  }
}
