import { keyvApiTests, keyvIteratorTests, keyvNamespaceTest, keyvValueTests } from '@keyv/test-suite'
import Keyv from 'keyv'
import * as vitest from 'vitest'
import { describe, expect, test } from 'vitest'
import { createCache, createMemoryCache } from '../../../js/index.ts'
import { KeyvShelflife } from '../../../js/keyv.ts'
import { MemoryLog, memoryStore } from '../../../js/testing.ts'

const caches = {
  'a memory cache': () => createMemoryCache<string, unknown>({ max: 1000 }),
  'a cache with a tier': () => createCache<unknown>({ max: 1000, store: memoryStore({ log: new MemoryLog() }) }),
}

for (const [name, create] of Object.entries(caches)) {
  describe(`Keyv's own tests, over ${name}`, () => {
    const cache = create()
    // The suite sets options of the adapter: one for all, as it expects.
    const adapter = new KeyvShelflife(cache)
    const suite = vitest as unknown as Parameters<typeof keyvApiTests>[0]
    const makeKeyv = Keyv as unknown as Parameters<typeof keyvApiTests>[1]
    const store = () => adapter as never
    describe('api', () => keyvApiTests(suite, makeKeyv, store))
    describe('values', () => keyvValueTests(suite, makeKeyv, store))
    describe('namespaces', () => keyvNamespaceTest(suite, makeKeyv, () => new KeyvShelflife(cache) as never))
    describe('iterator', () => keyvIteratorTests(suite, makeKeyv, store))
  })
}

describe('a storage adapter of Keyv', () => {
  test('passes times to live on, and clears its namespace only', async () => {
    const cache = createMemoryCache<string, unknown>({ max: 10 })
    const keyv = new Keyv({ store: new KeyvShelflife(cache), namespace: 'n' })
    await keyv.set('a', 1, 60_000)
    await keyv.set('b', 2)
    cache.set('mine', 3)
    expect(cache.info('n:a')?.ttl).toBeGreaterThan(59_000)
    expect(cache.info('n:b')?.ttl ?? Number.POSITIVE_INFINITY).toBe(Number.POSITIVE_INFINITY)
    await keyv.setMany([{ key: 'c', value: 4 }])
    expect(await keyv.getMany(['a', 'c', 'd'])).toEqual([1, 4, undefined])
    expect(await keyv.has(['a', 'd'])).toEqual([true, false])
    await keyv.clear()
    expect([...cache.keys()]).toEqual(['mine'])
    await keyv.disconnect()
  })

  test('a cache that fails is heard of by listeners of Keyv', async () => {
    const cache = createMemoryCache<string, unknown>({ max: 10 })
    const adapter = new KeyvShelflife({ ...methodsOf(cache), set: () => Promise.reject(new Error('no')) })
    const keyv = new Keyv({ store: adapter })
    const heard: unknown[] = []
    keyv.on('error', (error: Error) => heard.push(error.message))
    expect(await keyv.set('a', 1)).toBe(false)
    adapter.emit('error', new Error('more'))
    expect(heard).toEqual(['no', 'more'])
  })

  test('what is no cache is refused', () => {
    for (const wrong of [undefined, {}, new Map()])
      expect(() => new KeyvShelflife(wrong as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })
})

function methodsOf(cache: ReturnType<(typeof caches)['a memory cache']>): ConstructorParameters<typeof KeyvShelflife>[0] {
  return {
    get: key => cache.get(key),
    set: (key, value) => cache.set(key, value),
    has: key => cache.has(key),
    delete: key => cache.delete(key),
    deleteMany: keys => cache.deleteMany(keys),
    clear: () => cache.clear(),
    invalidatePrefix: prefix => cache.invalidatePrefix(prefix),
  }
}
