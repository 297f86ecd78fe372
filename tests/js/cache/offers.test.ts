/** A tier that takes entries within the call: when it is asked to, and when not. */

import { expect, test } from 'vitest'
import { createCache, type TierMode } from '../../../js/index.ts'
import type { Store, StoreContext, Tier, TierEntry } from '../../../js/stores/tier.ts'
import { ManualClock, memoryStore } from '../../../js/testing.ts'
import { deferred } from './deferred.ts'

/** Takes all that is offered; other calls wait for `gate`, where there is one. */
class OfferedStore implements Store {
  readonly name = 'offered'
  readonly entries = new Map<string, TierEntry>()
  readonly calls: string[] = []
  gate: Promise<void> | undefined
  answer: boolean | Promise<void> = true

  openTier(_: StoreContext): Tier {
    const { entries, calls } = this
    const call = async <T>(what: string, act: () => T): Promise<T> => {
      calls.push(what)
      const result = act()
      await this.gate
      return result
    }
    return {
      name: this.name,
      open: async () => {},
      getMany: keys => call(`get ${keys}`, () => keys.map(key => entries.get(key))),
      setMany: writes =>
        call(`set ${writes.map(({ key }) => key)}`, () => {
          for (const { key, entry } of writes) entries.set(key, entry)
        }),
      offer: (key, entry) => {
        if (this.answer === false) return false
        calls.push(`offer ${key}`)
        entries.set(key, entry)
        return this.answer
      },
      deleteMany: keys => call(`delete ${keys}`, () => keys.map(key => entries.delete(key))),
      invalidate: () => call('invalidate', () => {}),
      clear: () => call('clear', () => entries.clear()),
      flush: async () => {},
      close: async () => {},
      stats: () => ({ state: 'on', hits: 0, misses: 0, dropped: 0, errors: {} }) as never,
    }
  }
}

async function opened(options: { mode?: TierMode; buster?: string; ttl?: string } = {}) {
  const store = new OfferedStore()
  const clock = new ManualClock()
  const { buster, mode = 'write-through', ...rest } = options
  const cache = createCache<number>({ clock, ...(buster !== undefined && { buster }), tiers: [{ store, mode, ...(rest as object) }] })
  await cache.get('nothing')
  store.calls.length = 0
  return { store, clock, cache }
}

test('what is only to be queued is offered, with what the tier keeps of it; more is not', async () => {
  const { store, clock, cache } = await opened({ ttl: '1m', buster: 'v2' })
  await cache.set('a', 1)
  await cache.setMany([
    ['b', 2],
    ['c', 3],
  ])
  await cache.getOrSet('d', () => 4)
  await cache.set('e', 5, { persist: 'stored' })
  await cache.set('f', 6, { skipTierWrite: true })
  expect(store.calls).toEqual(['offer a', 'offer b', 'offer c', 'get d', 'offer d', 'set e', 'delete f'])
  expect(store.entries.get('a')).toMatchObject({ value: 1, expiresAt: clock.wall() + 60_000, facts: { buster: 'v2' } })
})

test('a tier that gets only what memory gives up is offered nothing, nor is one among others', async () => {
  const { store, cache } = await opened({ mode: 'on-evict' })
  await cache.set('a', 1)
  const two = createCache<number>({ tiers: [store, memoryStore()] })
  await two.get('nothing')
  await two.set('b', 1)
  expect(store.calls.filter(call => call.startsWith('offer'))).toEqual([])
  await two.close()
})

test('nothing is offered past a write of the same key that has not been answered, nor while everything is being removed', async () => {
  const { store, cache } = await opened()
  const gate = deferred<void>()
  store.gate = gate.promise
  const slow = cache.set('a', 1, { persist: 'stored' })
  void cache.set('a', 2)
  void cache.set('b', 2)
  const cleared = cache.clear()
  void cache.set('c', 3)
  expect(store.calls).toEqual(['set a', 'set a', 'offer b', 'clear', 'set c'])
  gate.resolve()
  await Promise.all([slow, cleared])
})

test('before the tier is open, and while it has missed something, nothing is offered', async () => {
  const store = new OfferedStore()
  const clock = new ManualClock()
  const cache = createCache<number>({ clock, store })
  void cache.set('a', 1)
  expect(store.calls).toEqual([])
  await cache.get('nothing', { skipMemoryRead: true })
  store.gate = Promise.reject(new Error('no connection'))
  store.gate.catch(() => {})
  await expect(cache.set('b', 1, { persist: 'stored' })).rejects.toThrow('no connection')
  store.calls.length = 0
  void cache.set('c', 1)
  expect(store.calls).toEqual(['set c'])
  store.gate = undefined
  await clock.advanceAsync(2000)
  await cache.set('d', 1)
  expect(store.calls.at(-1)).toBe('offer d')
})

test('a read that found another version does not remove what was offered meanwhile', async () => {
  const { store, cache } = await opened({ buster: 'v2' })
  store.entries.set('a', { value: 1, writtenAt: 0, expiresAt: Number.POSITIVE_INFINITY, facts: { buster: 'v1' } })
  const gate = deferred<void>()
  store.gate = gate.promise
  const reading = cache.get('a')
  await Promise.resolve()
  await Promise.resolve()
  await cache.set('b', 2)
  await cache.set('a', 2)
  gate.resolve()
  expect(await reading).toBeOneOf([undefined, 2])
  expect(store.calls).toEqual(['get a', 'offer b', 'offer a'])
  expect(store.entries.get('a')?.value).toBe(2)
})

test('who sets waits for the turn that the tier asks for, unless nobody waits for that tier', async () => {
  const waits = async (mode: TierMode) => {
    const { store, cache } = await opened({ mode })
    const turn = deferred<void>()
    store.answer = turn.promise
    let done = 0
    for (const set of [cache.set('a', 1), cache.setMany([['b', 2]])])
      void set.then(() => {
        done += 1
      })
    for (let times = 0; times < 5; times += 1) await Promise.resolve()
    const before = done
    turn.resolve()
    for (let times = 0; times < 5; times += 1) await Promise.resolve()
    return [before, done]
  }
  expect([await waits('write-through'), await waits('write-behind')]).toEqual([
    [0, 2],
    [2, 2],
  ])
})

test('what cannot be kept is not taken, and nothing older of its key is found', async () => {
  const cache = createCache<unknown>({ store: memoryStore() })
  await cache.set('a', 1)
  await cache.get('nothing')
  const unkept = () => {}
  const set = cache.setMany([
    ['a', 2],
    ['a', unkept],
    ['b', 3],
  ])
  await expect(set).rejects.toMatchObject({ code: 'ERR_CODEC' })
  expect([cache.memory.get('a'), await cache.get('a', { skipMemoryRead: true })]).toEqual([unkept, undefined])
  expect(cache.stats().tiers[0]).toMatchObject({ dropped: 1, errors: { codec: 1 } })
  await cache.close()
})
