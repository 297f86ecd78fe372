/** What a log could not be told, and must not show in the place of what was lost. */

import { expect, test } from 'vitest'
import { storeContext } from '../../../js/core/tier-core.ts'
import { keyvStore } from '../../../js/stores/keyv.ts'
import type { Persist, StoreChange, Tier } from '../../../js/stores/tier.ts'
import { faultyStore, ManualClock, MemoryLog, MemoryMedium, memoryStore } from '../../../js/testing.ts'
import { segmentStore } from '../../../js/tier/segment-store.ts'
import { outcomeOf } from './outcome.ts'

/** A medium that another one on the log can follow. */
class Following extends MemoryMedium {
  async takeOver(): Promise<boolean> {
    await this.open()
    return this.writable
  }
}

function tagged(clock: ManualClock, tag: string) {
  return { value: 'old', writtenAt: clock.wall(), expiresAt: Number.POSITIVE_INFINITY, facts: { tags: [tag] } }
}

/** A tier whose appends fail or hang when told, and the clock that it goes by. */
function bench() {
  const clock = new ManualClock()
  const log = new MemoryLog()
  const is = { append: 'none' as 'none' | 'fail' | 'hang' }
  const store = faultyStore(memoryStore({ log }), call => (call === 'append' ? is.append : 'none'))
  const tier = store.openTier(storeContext(clock))
  const another = () => memoryStore({ log }).openTier(storeContext(clock))
  const settle = <T>(work: Promise<T>) => outcomeOf(work, () => clock.advanceAsync(1000), 300)
  const set = (key: string, value: unknown, persist: Persist = 'stored', to: Tier = tier) =>
    to.setMany([{ key, entry: { value, writtenAt: clock.wall(), expiresAt: Number.POSITIVE_INFINITY } }], { persist })
  const get = async (...keys: string[]) => (await tier.getMany(keys)).map(entry => entry?.value)
  return { clock, is, tier, another, settle, set, get }
}

test('a tier that comes back and may only read does not show what it could not overwrite', async () => {
  const { clock, is, tier, another, settle, set, get } = bench()
  for (const key of ['a', 'b', 'c']) await settle(set(key, 'old'))
  is.append = 'fail'
  expect(await settle(set('a', 'new'))).toMatchObject({ code: 'ERR_STORE' })
  expect(tier.stats().state).toBe('off')
  await settle(tier.deleteMany(['b']))
  is.append = 'none'
  const other = another()
  await other.open()
  expect(other.stats().state).toBe('on')
  await get('a')
  await clock.advanceAsync(2000)
  await get('a')
  await clock.advanceAsync(0)
  expect(tier.stats().state).toBe('read-only')
  expect(await get('a', 'b', 'c')).toEqual([undefined, undefined, 'old'])
  await settle(other.close())
  await settle(tier.close())
})

test('where everything is out of date, one that may only read stays off until it can be emptied', async () => {
  const { clock, is, tier, another, settle, set, get } = bench()
  await settle(set('a', 'old'))
  is.append = 'fail'
  await settle(set('b', 'new'))
  expect(await settle(tier.clear())).toMatchObject({ code: 'ERR_STORE' })
  is.append = 'none'
  const other = another()
  await other.open()
  for (let times = 0; times < 5; times += 1) {
    await clock.advanceAsync(10_000)
    expect(await get('a')).toEqual([undefined])
  }
  expect(tier.stats()).toMatchObject({ state: 'off', errors: { open: expect.any(Number) } })
  await settle(other.close())
  await clock.advanceAsync(300_000)
  await get('a')
  await clock.advanceAsync(0)
  expect([tier.stats().state, await get('a')]).toEqual(['on', [undefined]])
  await settle(tier.close())
})

test('of what a full queue refuses only so many names are remembered, and nothing older shows', async () => {
  const { is, tier, another, settle, set, get } = bench()
  const keyOf = (at: number) => `${at}${'k'.repeat(10_000)}`
  for (const at of [2000, 4499]) await settle(set(keyOf(at), 'old'))
  is.append = 'hang'
  for (let at = 0; at < 4500; at += 1) set(keyOf(at), at, 'memory').catch(() => {})
  expect(tier.stats().queuedBytes).toBeLessThan(68 * 1024 * 1024)
  const keys = [7, 2000, 4499].map(keyOf)
  expect(await get(...keys)).toEqual([7, undefined, undefined])
  is.append = 'none'
  await settle(tier.flush())
  await settle(tier.flush())
  expect(await get(...keys)).toEqual([7, undefined, undefined])
  expect(tier.stats()).toMatchObject({ queued: 0, errors: { timeout: 1 } })
  await settle(tier.close())
  const next = another()
  expect((await next.getMany(keys)).map(entry => entry?.value)).toEqual([7, undefined, undefined])
  await settle(next.close())
})

test('a tier that could not be opened at first knows, once it is, what was given up before', async () => {
  const clock = new ManualClock()
  const log = new MemoryLog()
  const first = memoryStore({ log }).openTier(storeContext(clock))
  await first.setMany([{ key: 'a', entry: tagged(clock, 't') }], { persist: 'stored' })
  clock.advance(10)
  await first.invalidate({ tags: ['t'] })
  expect(await first.getMany(['a'])).toEqual([undefined])
  await first.close()
  let isBroken = true
  const second = faultyStore(memoryStore({ log }), call => (isBroken && call === 'open' ? 'fail' : 'none')).openTier(storeContext(clock))
  await second.open()
  expect(second.stats().state).toBe('off')
  isBroken = false
  await clock.advanceAsync(2000)
  expect(await second.getMany(['a'])).toEqual([undefined])
  await clock.advanceAsync(0)
  expect(second.stats().state).toBe('on')
  expect(await second.getMany(['a'])).toEqual([undefined])
  await second.invalidate({ tags: ['u'] })
  await second.close()
  const third = memoryStore({ log }).openTier(storeContext(clock))
  expect(await third.getMany(['a'])).toEqual([undefined])
  await third.close()
})

test('what was given up while somebody else held the log is said once it may be', async () => {
  const clock = new ManualClock()
  const log = new MemoryLog()
  const store = segmentStore({ name: 'following', maxSize: Number.POSITIVE_INFINITY, openMedium: () => new Following(log) })
  const openTier = () => store.openTier(storeContext(clock))
  // Of sixteen records one is taken by chance: many pairs meet in the same, too.
  for (let round = 0; round < 20; round += 1) {
    const [first, second] = [openTier(), openTier()]
    const keys = [`a${round}`, `b${round}`, `c${round}`]
    await first.setMany(
      keys.map(key => ({ key, entry: tagged(clock, `tag of ${key}`) })),
      { persist: 'stored' },
    )
    clock.advance(10)
    await second.open()
    expect(second.stats().state).toBe('read-only')
    await first.invalidate({ tags: [`tag of a${round}`] })
    await second.invalidate({ tags: [`tag of b${round}`] }, { persist: 'memory' })
    await first.close()
    await second.getMany(keys)
    await clock.advanceAsync(2000)
    await second.getMany(keys)
    await clock.advanceAsync(0)
    expect(second.stats().state).toBe('on')
    await clock.advanceAsync(1000)
    // It dies here, without being closed.
    log.held = 0
    const third = openTier()
    expect((await third.getMany(keys)).map(entry => entry?.value)).toEqual([undefined, undefined, 'old'])
    await third.close()
    await second.close()
    log.held = 0
  }
})

test('a record that could not be written is said again, with what it said before', async () => {
  const clock = new ManualClock()
  const texts = new Map<string, string>()
  let isAway = false
  const there = <T>(answer: () => T) => (isAway ? Promise.reject(new Error('away')) : answer())
  const keyv = {
    get: (key: string) => texts.get(key),
    set: (key: string, text: string) => there(() => texts.set(key, text) !== undefined),
    delete: (key: string) => there(() => texts.delete(key)),
    clear: () => there(() => texts.clear()),
  }
  const openTier = () => keyvStore(keyv).openTier(storeContext(clock))
  const tier = openTier()
  const keys = ['a', 'b', 'c']
  for (const key of keys) await tier.setMany([{ key, entry: tagged(clock, `tag of ${key}`) }], { persist: 'stored' })
  const from = (...dependsOn: string[]) => ({ ...tagged(clock, 'made'), facts: { dependsOn } })
  await tier.setMany([{ key: 'made', entry: from('source') }], { persist: 'stored' })
  clock.advance(10)
  await tier.invalidate({ tags: ['tag of a'] })
  isAway = true
  await tier.invalidate({ tags: ['tag of b'] }, { persist: 'memory' })
  // Of the records of sources there are 32: one of these lies where the first does.
  const more = Array.from({ length: 100 }, (_, at) => `source ${at}`)
  await tier.setMany([{ key: 'more', entry: from(...more) }], { persist: 'memory' })
  await clock.advanceAsync(60_000)
  expect(tier.stats()).toMatchObject({ queued: 0, state: 'on' })
  isAway = false
  await tier.setMany([{ key: 'd', entry: tagged(clock, 'd') }], { persist: 'stored' })
  await clock.advanceAsync(1000)
  // It dies here, without being closed.
  const next = openTier()
  const found = await next.getMany([...keys, 'd', 'made'])
  expect(found.map(entry => entry?.value)).toEqual([undefined, undefined, 'old', 'old', 'old'])
  await next.setMany([{ key: 'source', entry: tagged(clock, 's') }], { persist: 'stored' })
  expect(await next.getMany(['made'])).toEqual([undefined])
  await next.close()
  await tier.close()
})

test.each(['others', 'nobody'])('of a tier that comes back it is told that %s may have written meanwhile', async who => {
  const clock = new ManualClock()
  const log = new MemoryLog()
  log.writers = 2
  let isBroken = false
  const store = faultyStore(memoryStore({ log }), call => (isBroken && call === 'append' ? 'fail' : 'none'))
  const changes: StoreChange[] = []
  const tier = store.openTier({ ...storeContext(clock), onChange: change => changes.push(change) })
  const other = memoryStore({ log }).openTier(storeContext(clock))
  const entry = tagged(clock, 't')
  await tier.setMany([{ key: 'a', entry }], { persist: 'stored' })
  isBroken = true
  const failing = expect(tier.setMany([{ key: 'b', entry }], { persist: 'stored' })).rejects.toMatchObject({ code: 'ERR_STORE' })
  await clock.advanceAsync(60_000)
  await failing
  expect(tier.stats().state).toBe('off')
  if (who === 'others') await other.setMany([{ key: 'a', entry: { ...entry, value: 'new' } }], { persist: 'stored' })
  isBroken = false
  await tier.getMany(['a'])
  await clock.advanceAsync(0)
  expect(tier.stats().state).toBe('on')
  expect((await tier.getMany(['a', 'b'])).map(found => found?.value)).toEqual([who === 'others' ? 'new' : 'old', undefined])
  expect(changes).toEqual(who === 'others' ? [{ all: true }] : [])
  await tier.close()
  await other.close()
})

test('who may only read and empties the log sees nothing of it any more, nor does he when he may write', async () => {
  const clock = new ManualClock()
  const log = new MemoryLog()
  const store = segmentStore({ name: 'following', maxSize: Number.POSITIVE_INFINITY, openMedium: () => new Following(log) })
  const openTier = () => store.openTier(storeContext(clock))
  const [first, second] = [openTier(), openTier()]
  const keys = ['a', 'b', 'c']
  const values = async () => (await second.getMany(keys)).map(entry => entry?.value)
  for (const key of ['a', 'b']) await first.setMany([{ key, entry: tagged(clock, key) }], { persist: 'stored' })
  await second.open()
  await second.invalidate({ tags: ['b'] }, { persist: 'memory' })
  expect(await values()).toEqual(['old', undefined, undefined])
  await expect(second.clear()).rejects.toMatchObject({ code: 'ERR_STORE' })
  expect(await values()).toEqual([undefined, undefined, undefined])
  clock.advance(10)
  await first.setMany([{ key: 'c', entry: tagged(clock, 'c') }], { persist: 'stored' })
  await clock.advanceAsync(2000)
  await values()
  await clock.advanceAsync(0)
  expect(await values()).toEqual([undefined, undefined, 'old'])
  await first.close()
  await clock.advanceAsync(2000)
  await values()
  await clock.advanceAsync(0)
  expect(second.stats().state).toBe('on')
  await second.close()
  const third = openTier()
  expect((await third.getMany(['a', 'b'])).map(entry => entry?.value)).toEqual([undefined, undefined])
  await third.close()
})

test('a log that could not be emptied still knows what was given up before', async () => {
  const clock = new ManualClock()
  const log = new MemoryLog()
  const store = faultyStore(memoryStore({ log }), call => (call === 'clear' ? 'fail' : 'none'))
  const tier = store.openTier(storeContext(clock))
  await tier.setMany([{ key: 'a', entry: tagged(clock, 't') }], { persist: 'stored' })
  const made = { ...tagged(clock, 'made'), facts: { dependsOn: ['source'] } }
  await tier.setMany([{ key: 'made', entry: made }], { persist: 'stored' })
  clock.advance(10)
  await tier.invalidate({ tags: ['t'] })
  await expect(tier.clear()).rejects.toMatchObject({ code: 'ERR_STORE' })
  await clock.advanceAsync(1000)
  await tier.close()
  const next = memoryStore({ log }).openTier(storeContext(clock))
  expect(await next.getMany(['a'])).toEqual([undefined])
  await next.setMany([{ key: 'source', entry: tagged(clock, 's') }], { persist: 'stored' })
  expect(await next.getMany(['made'])).toEqual([undefined])
  await next.close()
})
