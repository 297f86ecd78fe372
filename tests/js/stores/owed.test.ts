/** What a log could not be told, and must not show in the place of what was lost. */

import { expect, test } from 'vitest'
import { storeContext } from '../../../js/core/tier-core.ts'
import type { Persist, Tier } from '../../../js/stores/tier.ts'
import { faultyStore, ManualClock, MemoryLog, memoryStore } from '../../../js/testing.ts'

/** A tier whose appends fail or hang when told, and the clock that it goes by. */
function bench() {
  const clock = new ManualClock()
  const log = new MemoryLog()
  const is = { append: 'none' as 'none' | 'fail' | 'hang' }
  const store = faultyStore(memoryStore({ log }), call => (call === 'append' ? is.append : 'none'))
  const tier = store.openTier(storeContext(clock))
  const another = () => memoryStore({ log }).openTier(storeContext(clock))
  const settle = async <T>(work: Promise<T>): Promise<T | Error> => {
    let outcome: { value: T | Error } | undefined
    work.then(
      value => {
        outcome = { value }
      },
      error => {
        outcome = { value: error }
      },
    )
    for (let waited = 0; outcome === undefined; waited += 1) {
      if (waited > 300) throw new Error('it hangs')
      await clock.advanceAsync(1000)
    }
    return outcome.value
  }
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
  for (const at of [2000, 5999]) await settle(set(keyOf(at), 'old'))
  is.append = 'hang'
  for (let at = 0; at < 6000; at += 1) set(keyOf(at), at, 'memory').catch(() => {})
  expect(tier.stats().queuedBytes).toBeLessThan(68 * 1024 * 1024)
  const keys = [7, 2000, 5999].map(keyOf)
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
