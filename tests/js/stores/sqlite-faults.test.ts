import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { storeContext } from '../../../js/core/tier-core.ts'
import { findDriver } from '../../../js/stores/sqlite/driver.ts'
import type { OpenSqlite, SqliteDatabase, SqliteStatement } from '../../../js/stores/sqlite.ts'
import { sqlite } from '../../../js/stores/sqlite.ts'
import type { Persist, Tier } from '../../../js/stores/tier.ts'
import { ManualClock } from '../../../js/testing.ts'
import { mulberry } from './mulberry.ts'
import { outcomeOf } from './outcome.ts'
import { drivers, freshFolder } from './sqlite-drivers.ts'

/** Longer than all deadlines and retries of one operation together. */
const LONG_MS = 300_000
/** Between the statements that fail, for each kind of failure. `SHELFLIFE_FAULT_STEP=1` for all. */
const STEP = Number(process.env.SHELFLIFE_FAULT_STEP ?? 17)
const CODES = /^ERR_(STORE|QUOTA|TIMEOUT|CLOSED)$/

/** Waits for `work`, letting time pass until it settles; fails when it never does. */
function settle<T>(clock: ManualClock, work: Promise<T>): Promise<T | Error> {
  // Rounds give others a turn: a task of the host, which no clock knows.
  const pass = () => new Promise(setImmediate).then(() => clock.advanceAsync(10))
  return outcomeOf(work, pass, LONG_MS / 10)
}

type Plan = (call: number, sql: string) => string | undefined

/** A driver whose `n`-th statement fails as the plan says. */
function faulty(open: OpenSqlite, plan: Plan): { driver: OpenSqlite; calls(): number } {
  let calls = 0
  const perhaps = (sql: string) => {
    calls += 1
    const code = plan(calls, sql)
    if (code !== undefined) throw Object.assign(new Error(`planned: ${code} in ${sql}`), { code })
  }
  const driver: OpenSqlite = path => {
    const database = open(path)
    const statement = (sql: string, real: SqliteStatement): SqliteStatement => {
      const checked = <T>(work: () => T) => {
        perhaps(sql)
        return work()
      }
      return {
        run: (...values) => checked(() => real.run(...values)),
        get: (...values) => checked(() => real.get(...values)),
        all: (...values) => checked(() => real.all(...values)),
      }
    }
    const wrapped: SqliteDatabase = {
      exec: sql => {
        perhaps(sql)
        return database.exec(sql)
      },
      prepare: sql => statement(sql, database.prepare(sql)),
      close: () => database.close(),
    }
    return wrapped
  }
  return { driver, calls: () => calls }
}

/** A day in the life of a tier: every read gives the newest value or nothing, and what was acknowledged is there. */
async function live(open: OpenSqlite, plan: Plan): Promise<{ calls: number; stats: ReturnType<Tier['stats']> }> {
  const { path, dispose } = freshFolder()
  const clock = new ManualClock()
  const { driver, calls } = faulty(open, plan)
  const tier = sqlite({ path, driver, maxSize: 200_000, busyTimeout: 300 }).openTier(storeContext(clock))
  const newest = new Map<string, number>()
  const check = async () => {
    const keys = [...newest.keys()]
    const found = await settle(clock, tier.getMany(keys))
    if (found instanceof Error) throw found
    for (const [at, entry] of found.entries())
      if (entry !== undefined) expect((entry.value as { serial: number }).serial).toBe(newest.get(keys[at] as string))
    return new Map(keys.map((key, at) => [key, found[at]]))
  }
  try {
    for (let serial = 1; serial <= 16; serial += 1) {
      const persist = (['stored', 'memory', 'durable'] as const)[serial % 3] as Persist
      const key = `k${serial % 6}`
      newest.set(key, serial)
      const entry = { value: { serial, text: 'x'.repeat(3000) }, writtenAt: clock.wall(), expiresAt: Infinity }
      const outcome = await settle(clock, tier.setMany([{ key, entry }], { persist }))
      if (outcome instanceof Error) expect(outcome).toMatchObject({ code: expect.stringMatching(CODES) })
      const before = tier.stats().errors
      const found = await check()
      const isSound = JSON.stringify(before) === JSON.stringify(tier.stats().errors) && before.deleted === undefined
      if (!(outcome instanceof Error) && persist !== 'memory' && isSound) expect(found.get(key)).toBeDefined()
      if (serial === 8) {
        await settle(clock, tier.deleteMany(['k1'], { persist: 'stored' }))
        newest.set('k1', -1)
        await check()
      }
      if (serial === 11) {
        const cleared = await settle(clock, tier.clear())
        if (!(cleared instanceof Error)) newest.clear()
        else for (const key of newest.keys()) newest.set(key, -1)
        await check()
      }
    }
    // Still queued when it is closed.
    await tier.setMany([{ key: 'k0', entry: { value: { serial: 17 }, writtenAt: clock.wall(), expiresAt: Infinity } }], {
      persist: 'memory',
    })
    expect(await settle(clock, tier.close())).toBeUndefined()
    expect(clock.timers).toBe(0)
    return { calls: calls(), stats: tier.stats() }
  } finally {
    dispose()
  }
}

describe.each(drivers)('SQLite by %s, when things fail', (_, open) => {
  test('at every statement, once and from then on: success or a counted failure, never a wrong value', { timeout: 600_000 }, async () => {
    const { calls, stats } = await live(open, () => undefined)
    expect(stats.errors).toEqual({})
    expect(calls).toBeGreaterThan(150)
    const codes = ['SQLITE_IOERR_WRITE', 'SQLITE_BUSY', 'SQLITE_FULL', 'SQLITE_CORRUPT', 'SQLITE_ERROR']
    for (const [at, code] of codes.entries()) {
      for (let n = 1 + (at % STEP); n <= calls; n += STEP) {
        const once = await live(open, call => (call === n ? code : undefined))
        const { errors } = once.stats
        if (code === 'SQLITE_CORRUPT') expect(Object.keys(errors).length, `${code} at ${n}`).toBeGreaterThan(0)
      }
      for (const n of [1, 20, 60, 100, 140]) {
        const { stats } = await live(open, call => (call >= n ? code : undefined))
        expect(Object.keys(stats.errors).length, `${code} from ${n} on`).toBeGreaterThan(0)
      }
    }
  })

  const opened = async (path: string, clock = new ManualClock(), options: object = {}) => {
    const tier = sqlite({ path, driver: open, ...options }).openTier(storeContext(clock))
    await tier.open()
    const set = (values: Record<string, unknown>, persist: Persist = 'stored') =>
      tier.setMany(
        Object.entries(values).map(([key, value]) => ({ key, entry: { value, writtenAt: clock.wall(), expiresAt: Infinity } })),
        { persist },
      )
    const get = async (...keys: string[]) => (await tier.getMany(keys)).map(entry => entry?.value)
    return { tier, set, get, clock }
  }

  test('a file that is no database is set aside, one of somebody else or of a newer format is not touched', async () => {
    const { path, dispose } = freshFolder()
    writeFileSync(path, 'my diary, which I put here by mistake '.repeat(100))
    const first = await opened(path)
    expect(first.tier.stats()).toMatchObject({ state: 'on', errors: { reopened: 1, deleted: 1 } })
    expect(readFileSync(`${path}.corrupt`, 'utf8')).toContain('my diary')
    await first.tier.close()

    const foreign = `${path}.foreign`
    const database = open(foreign)
    database.exec('CREATE TABLE precious (id INTEGER PRIMARY KEY)')
    database.close()
    const second = await opened(foreign)
    expect(second.tier.stats()).toMatchObject({ state: 'off', reason: expect.stringContaining('somebody else') })
    await expect(second.set({ a: 1 })).rejects.toMatchObject({ code: 'ERR_STORE' })
    await second.tier.close()

    const newer = open(path)
    newer.exec('PRAGMA user_version = 99')
    newer.close()
    const third = await opened(path)
    expect(third.tier.stats()).toMatchObject({ state: 'off', reason: expect.stringContaining('newer version') })
    await third.tier.close()
    expect(existsSync(path)).toBe(true)
    dispose()
  })

  test('a file that was deleted, or closed behind our back, is opened again', async () => {
    const { path, dispose } = freshFolder()
    const handles: SqliteDatabase[] = []
    const driver: OpenSqlite = name => {
      const database = open(name)
      handles.push(database)
      return database
    }
    const { tier, set, get } = await opened(path, undefined, { driver })
    await set({ a: 1 })
    for (const ending of ['', '-wal', '-shm']) rmSync(path + ending, { force: true })
    await set({ b: 2 })
    expect(await get('a', 'b')).toEqual([undefined, 2])
    expect(tier.stats().errors).toEqual({ lost: 1, reopened: 1 })
    handles.at(-1)?.close()
    await set({ c: 3 })
    expect(await get('b', 'c')).toEqual([2, 3])
    expect(tier.stats().errors).toMatchObject({ reopened: 2 })
    await tier.close()
    dispose()
  })

  test('of 150 files with random damage no wrong value comes, and each can be written again', { timeout: 120_000 }, async () => {
    const { path, dispose } = freshFolder()
    const random = mulberry(41)
    const { tier, set } = await opened(path)
    const values = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`k${at}`, { at, text: `${at};`.repeat(at) }]))
    await set(values)
    await tier.close()
    const sound = readFileSync(path)
    let found = 0
    for (let round = 0; round < 150; round += 1) {
      const bytes = Buffer.from(sound)
      const places = 1 + Math.floor(random() * 20)
      const from = round % 3 === 0 ? 0 : 4096
      for (let place = 0; place < places; place += 1) {
        const at = from + Math.floor(random() * (bytes.length - from))
        if (round % 5 === 0) bytes.fill(0, at, at + 512)
        else bytes[at] = Math.floor(random() * 256)
      }
      writeFileSync(path, round % 7 === 0 ? bytes.subarray(0, Math.floor(random() * bytes.length)) : bytes)
      for (const ending of ['-wal', '-shm', '-2', '-3', '.corrupt']) rmSync(path + ending, { force: true })
      const { tier, get, set } = await opened(path)
      const read = await get(...Object.keys(values))
      for (const [at, value] of read.entries()) {
        if (value === undefined) continue
        found += 1
        expect(value).toEqual(values[`k${at}`])
      }
      if (tier.stats().state === 'on') {
        await set({ again: round })
        expect(await get('again')).toEqual([round])
      } else expect(tier.stats().reason).toMatch(/somebody else|newer/)
      await tier.close()
    }
    expect(found).toBeGreaterThan(1000)
    dispose()
  })

  test('what is to be durable is committed with a sync, and nothing else is', async () => {
    const { path, dispose } = freshFolder()
    const said: string[] = []
    const driver: OpenSqlite = name => {
      const database = open(name)
      const exec = (sql: string) => {
        said.push(sql)
        return database.exec(sql)
      }
      return { exec, prepare: sql => database.prepare(sql), close: () => database.close() }
    }
    const { tier, set } = await opened(path, undefined, { driver })
    const during = async (work: () => Promise<unknown>) => {
      said.length = 0
      await work()
      return said.filter(sql => /synchronous|BEGIN|COMMIT/.test(sql))
    }
    expect(said.filter(sql => sql.includes('synchronous = NORMAL'))).toHaveLength(1)
    expect(await during(() => set({ a: 1 }))).toEqual(['BEGIN IMMEDIATE', 'COMMIT'])
    expect(await during(() => set({ a: 2 }, 'durable'))).toEqual([
      'PRAGMA synchronous = 2',
      'BEGIN IMMEDIATE',
      'COMMIT',
      'PRAGMA synchronous = 1',
    ])
    expect(await during(() => tier.deleteMany(['a'], { persist: 'durable' }))).toContain('PRAGMA synchronous = 2')
    await tier.close()
    dispose()
  })

  test('two tiers on one file see what the other has written, and wait for each other', async () => {
    const { path, dispose } = freshFolder()
    const one = await opened(path)
    const two = await opened(path, one.clock)
    await one.set({ a: 1, b: 1 })
    await two.set({ b: 2 })
    expect([await one.get('a', 'b'), await two.get('a', 'b')]).toEqual([
      [1, 2],
      [1, 2],
    ])
    const holder = open(path)
    holder.exec('BEGIN IMMEDIATE')
    const waiting = one.set({ c: 3 })
    await one.clock.advanceAsync(100)
    expect(await two.get('a', 'c')).toEqual([1, undefined])
    holder.exec('COMMIT')
    expect(await settle(one.clock, waiting)).toBeUndefined()
    expect(await two.get('c')).toEqual([3])
    holder.exec('BEGIN IMMEDIATE')
    expect(await settle(one.clock, one.set({ a: 4 }))).toMatchObject({ code: 'ERR_TIMEOUT', retryable: true })
    expect(one.tier.stats()).toMatchObject({ state: 'on', dropped: 1, errors: { busy: 1 } })
    expect(await one.get('a')).toEqual([undefined])
    holder.exec('COMMIT')
    holder.close()
    expect(await settle(one.clock, one.set({ d: 4 }))).toBeUndefined()
    expect(await settle(one.clock, one.tier.flush())).toBeUndefined()
    expect(await two.get('a', 'd')).toEqual([undefined, 4])
    await one.tier.close()
    await two.tier.close()
    dispose()
  })

  test('what is read stays when room is needed, what has expired goes first, and the file keeps to its budget', async () => {
    const { path, dispose } = freshFolder()
    const maxSize = 400_000
    const { tier, set, get, clock } = await opened(path, undefined, { maxSize })
    const text = 'x'.repeat(8000)
    const short = { value: text, writtenAt: clock.wall(), expiresAt: clock.wall() + 1000 }
    await set({ hot: text, cold: text })
    await tier.setMany(
      Array.from({ length: 10 }, (_, at) => ({ key: `short${at}`, entry: short })),
      { persist: 'stored' },
    )
    clock.advance(2000)
    for (let at = 0; at < 28; at += 1) await set({ [`k${at}`]: text })
    expect(tier.stats().reclaimed).toBe(0)
    for (let at = 28; at < 90; at += 1) {
      await set({ [`k${at}`]: text })
      await get('hot')
      expect(statSync(path).size).toBeLessThanOrEqual(maxSize)
    }
    expect((await get('hot', 'cold', 'k89')).map(value => value !== undefined)).toEqual([true, false, true])
    expect(tier.stats().reclaimed).toBeGreaterThan(30)
    await tier.close()
    dispose()
  })
})

test('which driver is taken, and what is said when there is none', async () => {
  class DatabaseSync {
    exec(): void {}
  }
  const missing = () => Promise.reject(new Error('no such module'))
  const opens = (module: string) => async (name: string) => (name === module ? { DatabaseSync, default: DatabaseSync } : missing())
  for (const module of ['node:sqlite', 'better-sqlite3'])
    expect((await findDriver('auto', opens(module)))('x')).toBeInstanceOf(DatabaseSync)
  await expect(findDriver('better-sqlite3', opens('node:sqlite'))).rejects.toMatchObject({ code: 'ERR_STORE' })
  await expect(findDriver('auto', missing)).rejects.toThrow('better-sqlite3')
})

test('options that cannot be meant', () => {
  const wrong: object[] = [
    {},
    { path: '' },
    { path: ':memory:' },
    { path: 'file:x' },
    { path: 'x', table: 'a"b' },
    { path: 'x', maxSize: 0 },
    { path: 'x', busyTimeout: -1 },
    { path: 'x', driver: 'sqlite3' },
    { database: {} },
    { database: { exec() {}, prepare() {}, close() {} }, path: 'x' },
  ]
  for (const options of wrong) expect(() => sqlite(options as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
})
