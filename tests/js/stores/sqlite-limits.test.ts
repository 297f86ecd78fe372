/** What drivers, other programs and operators may do to a file of SQLite beside failing. */

import { rmSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Cache, createCache } from '../../../js/index.ts'
import type { OpenSqlite, SqliteDatabase, SqliteStatement, SqliteValue } from '../../../js/stores/sqlite.ts'
import { sqlite } from '../../../js/stores/sqlite.ts'
import { ManualClock } from '../../../js/testing.ts'
import { drivers, freshFolder } from './sqlite-drivers.ts'

describe.skipIf(drivers.length > 0)('no driver of SQLite', () => {
  test.skip('on this machine', () => {})
})

/** `database`, whose integers pass through `read` on their way out of columns. */
function reading(database: SqliteDatabase, read: (value: number) => SqliteValue): SqliteDatabase {
  const row = (columns: unknown): unknown => {
    if (typeof columns !== 'object' || columns === null) return columns
    const values = Object.entries(columns).map(([name, value]) => [name, Number.isInteger(value) ? read(value as number) : value])
    return Object.fromEntries(values)
  }
  const statement = (real: SqliteStatement): SqliteStatement => ({
    run: (...values) => row(real.run(...values)),
    get: (...values) => row(real.get(...values)),
    all: (...values) => real.all(...values).map(row),
  })
  return {
    exec: sql => database.exec(sql),
    prepare: sql => statement(database.prepare(sql)),
    close: () => database.close(),
  }
}

describe.each(drivers)('a file of SQLite, by %s', (_, open) => {
  function cacheOn(path: string, driver: OpenSqlite = open) {
    const clock = new ManualClock()
    const cache: Cache<unknown> = createCache({ clock, persist: 'stored', store: sqlite({ path, driver }) })
    const errors = () => cache.stats().tiers[0]?.errors
    const hears = async () => {
      await clock.advanceAsync(500)
      await cache.flush()
    }
    return { cache, errors, hears }
  }

  test('a life beyond the numbers that a driver can give back is for ever', async () => {
    const { path, dispose } = freshFolder()
    const strict = (value: number) => {
      if (Math.abs(value) > Number.MAX_SAFE_INTEGER) throw Object.assign(new RangeError('too large'), { code: 'ERR_OUT_OF_RANGE' })
      return value
    }
    const driver: OpenSqlite = name => reading(open(name), strict)
    const { cache, errors } = cacheOn(path, driver)
    await cache.set('a', 1, { ttl: Number.MAX_SAFE_INTEGER })
    await cache.set('b', 2, { ttl: 1e300 })
    await cache.set('c', 3, { ttl: 1000 })
    const below = (key: string) => cache.get(key, { skipMemoryRead: true })
    expect([await below('a'), await below('b'), await below('c')]).toEqual([1, 2, 3])
    expect(errors()).toEqual({})
    // What is damaged so that the driver chokes on it is a miss, and no reason to doubt the file.
    const somebody = open(path)
    somebody.prepare('UPDATE shelflife SET written = 1152921504606846977 WHERE key = ?').run('a')
    somebody.close()
    expect([await below('a'), await below('b'), errors()]).toEqual([undefined, 2, { damaged: 1 }])
    await cache.close()
    dispose()
  })

  test('a driver may give integers as BigInt', async () => {
    const { path, dispose } = freshFolder()
    const { cache, errors } = cacheOn(path, name => reading(open(name), BigInt))
    await cache.set('a', 1, { ttl: '1h' })
    await cache.set('b', 2)
    const below = (key: string) => cache.get(key, { skipMemoryRead: true })
    expect([await below('a'), await below('b'), errors()]).toEqual([1, 2, {}])
    await cache.close()
    dispose()
  })

  test.each(['{', '{"a":1}', '[1]', '7'])('news that are none (%s) may have been of anything', async keys => {
    const { path, dispose } = freshFolder()
    const [one, other] = [cacheOn(path), cacheOn(path)]
    await one.cache.set('a', 'old')
    await one.hears()
    await other.hears()
    expect(await other.cache.get('a')).toBe('old')
    await one.cache.set('a', 'new')
    const somebody = open(path)
    somebody.prepare('UPDATE shelflife_news SET keys = ?').run(keys)
    somebody.close()
    await other.hears()
    expect([await other.cache.get('a'), other.errors()]).toEqual(['new', {}])
    await one.cache.close()
    await other.cache.close()
    dispose()
  })

  test('who only reads hears that the file was replaced, and reads the new one', async () => {
    const { path, dispose } = freshFolder()
    const [one, other] = [cacheOn(path), cacheOn(path)]
    await one.cache.set('a', 'old', { tags: ['t'] })
    await one.cache.set('b', 'old')
    await other.hears()
    expect([await other.cache.get('a'), await other.cache.get('b')]).toEqual(['old', 'old'])
    for (const ending of ['', '-wal', '-shm']) rmSync(path + ending, { force: true })
    await one.cache.set('a', 'new')
    await other.hears()
    await other.hears()
    expect([await other.cache.get('a'), await other.cache.get('b'), other.errors()]).toEqual(['new', undefined, { lost: 1, reopened: 1 }])
    await one.cache.close()
    await other.cache.close()
    dispose()
  })
})
