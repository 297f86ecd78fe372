import Keyv from 'keyv'
import { describe, expect, test } from 'vitest'
import { storeContext } from '../../../js/core/tier-core.ts'
import { keyvStore } from '../../../js/stores/keyv.ts'
import type { Persist } from '../../../js/stores/tier.ts'
import { ManualClock, testStore } from '../../../js/testing.ts'

const LACKS = { lacks: ['compaction', 'budget'] } as const

describe('a store in a Keyv over a Map', () => {
  const cases = testStore(() => {
    const map = new Map()
    return { store: () => keyvStore(new Keyv({ store: map })) }
  }, LACKS)
  for (const { name, run } of cases) test(name, run)
})

describe('a store in a storage adapter that answers late, and has methods for many', () => {
  const cases = testStore(() => {
    const adapter = new SlowAdapter()
    return { store: () => keyvStore(adapter) }
  }, LACKS)
  for (const { name, run } of cases) test(name, run)
})

/** Answers in tasks to come, in no order. */
class SlowAdapter {
  readonly map = new Map<string, string>()
  readonly ttls = new Map<string, number | undefined>()
  fails: unknown
  hangs = false
  #release: (() => void)[] = []
  #calls = 0

  async get(key: string) {
    await this.#wait()
    return this.map.get(key)
  }
  async getMany(keys: string[]) {
    await this.#wait()
    return keys.map(key => this.map.get(key))
  }
  async set(key: string, value: string, ttl?: number) {
    await this.#wait()
    this.map.set(key, value)
    this.ttls.set(key, ttl)
    return true
  }
  async setMany(entries: { key: string; value: string; ttl?: number }[]) {
    await this.#wait()
    for (const { key, value } of entries) this.map.set(key, value)
  }
  async delete(key: string) {
    await this.#wait()
    return this.map.delete(key)
  }
  async deleteMany(keys: string[]) {
    await this.#wait()
    return keys.map(key => this.map.delete(key)).includes(true)
  }
  async clear() {
    await this.#wait()
    this.map.clear()
  }
  release() {
    this.hangs = false
    for (const go of this.#release.splice(0)) go()
  }
  async #wait() {
    this.#calls += 1
    if (this.fails !== undefined) throw this.fails
    if (this.hangs) await new Promise<void>(resolve => this.#release.push(resolve))
    for (let at = this.#calls % 3; at >= 0; at -= 1) await undefined
  }
}

async function opened(keyv: Parameters<typeof keyvStore>[0], options = {}) {
  const clock = new ManualClock()
  const tier = keyvStore(keyv, options).openTier(storeContext(clock))
  await tier.open()
  const set = (key: string, value: unknown, persist: Persist = 'stored', ttl = Number.POSITIVE_INFINITY) =>
    tier.setMany([{ key, entry: { value, writtenAt: clock.wall(), expiresAt: clock.wall() + ttl } }], { persist })
  const get = async (...keys: string[]) => (await tier.getMany(keys)).map(entry => entry?.value)
  const settle = async (work: Promise<unknown>, most = 60_000) => {
    let done: unknown
    const settled = work.then(
      value => {
        done = { value }
      },
      error => {
        done = error
      },
    )
    for (let waited = 0; done === undefined && waited < most; waited += 100) await clock.advanceAsync(100)
    await settled
    return done
  }
  return { tier, clock, set, get, settle }
}

describe('a store in Keyv', () => {
  test('keeps to the namespace, gives the time to live, and can be read in Keyv', async () => {
    const map = new Map()
    const keyv = new Keyv({ store: map, namespace: 'app' })
    const other = new Keyv({ store: map, namespace: 'other' })
    await other.set('a', 'theirs')
    const { set, get, tier } = await opened(keyv)
    await set('app:a', 1)
    await set('a', 2)
    await set('', 3, 'stored', 60_000)
    expect(await get('a', 'app:a', '')).toEqual([2, 1, 3])
    expect([...map.keys()].filter(key => !key.startsWith('app:'))).toEqual(['other:a'])
    expect(Object.keys(JSON.parse(map.get('app:=~""')))).toContain('expires')
    await tier.close()
    expect(await other.get('a')).toBe('theirs')
    const adapter = new SlowAdapter()
    const second = await opened(adapter)
    await second.set('a', 1, 'stored', 5000)
    expect([...adapter.ttls]).toEqual([['=a', 5000]])
    await second.tier.close()
  })

  test('what somebody else has written there is a miss, and is deleted', async () => {
    const keyv = new Keyv()
    const { set, get, tier } = await opened(keyv)
    await set('a', { n: 1 })
    const text = (await keyv.get('=a')) as string
    for (const wrong of [text.replace('1', '2'), 'sl1|', text.slice(0, -1), 7, { n: 1 }]) {
      await keyv.set('=b', wrong)
      expect(await get('b')).toEqual([undefined])
      await tier.flush()
    }
    await keyv.set('=b', text)
    expect(await get('a', 'b')).toEqual([{ n: 1 }, undefined])
    expect(tier.stats().errors).toEqual({ damaged: 6 })
    await tier.flush()
    expect(await keyv.get('=b')).toBeUndefined()
    await tier.close()
  })

  test.each([true, false])('a failing one: typed errors, counted misses, and no older value afterwards (of a Keyv: %s)', async isKeyv => {
    const adapter = new SlowAdapter()
    const { set, get, tier, settle } = await opened(isKeyv ? new Keyv({ store: adapter }) : adapter)
    await set('a', 'old')
    adapter.fails = new Error('broken')
    expect(await settle(set('a', 'new'))).toMatchObject({ code: 'ERR_STORE', retryable: true, cause: { message: 'broken' } })
    expect(await get('a', 'b')).toEqual([undefined, undefined])
    expect(tier.stats()).toMatchObject({ state: 'on', dropped: 1, errors: { write: 4 } })
    adapter.fails = undefined
    expect(await get('a')).toEqual([undefined])
    await settle(set('b', 1))
    await settle(tier.flush())
    expect(await get('a', 'b')).toEqual([undefined, 1])
    expect([...adapter.map.keys()].some(key => key.endsWith('=a'))).toBe(false)
    adapter.fails = new Error('broken')
    expect(await settle(tier.clear())).toMatchObject({ code: 'ERR_STORE' })
    adapter.fails = undefined
    expect(await get('b')).toEqual([undefined])
    await settle(tier.close())
  })

  test('a late one: a deadline for each command, and nothing late undoes anything newer', async () => {
    const adapter = new SlowAdapter()
    const { set, get, tier, settle, clock } = await opened(adapter, { timeout: 500 })
    await set('a', 1)
    adapter.hangs = true
    const began = clock.monotonic()
    expect(await settle(set('a', 2))).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(clock.monotonic() - began).toBeLessThanOrEqual(600)
    const reading = tier.getMany(['b'])
    expect(await settle(reading)).toEqual({ value: [undefined] })
    adapter.hangs = false
    // The late one is still under way: a write now might be undone by it.
    expect(await settle(set('a', 3))).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(await get('a')).toEqual([undefined])
    adapter.release()
    await clock.advanceAsync(0)
    expect(await get('a')).toEqual([undefined])
    expect(await settle(set('c', 4))).toEqual({ value: undefined })
    await settle(tier.flush())
    expect(await get('a', 'c')).toEqual([undefined, 4])
    expect([...adapter.map.keys()]).toEqual(['=c'])
    expect(tier.stats().errors).toMatchObject({ timeout: 3 })
    await settle(tier.close())
    expect(clock.timers).toBe(0)
  })

  test('what is no Keyv is refused', () => {
    for (const wrong of [undefined, {}, { get() {} }, 'redis://'])
      expect(() => keyvStore(wrong as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    expect(() => keyvStore(new Keyv(), { timeout: 0 })).toThrow('timeout')
  })
})
