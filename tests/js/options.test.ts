import { describe, expect, test } from 'vitest'
import {
  cached,
  createCache,
  createFetch,
  createMemoryCache,
  createMemoryGovernor,
  createRateLimiter,
  createRegistry,
  lazy,
  processBatch,
} from '../../js/index.ts'

const makers: Record<string, (options: object) => unknown> = {
  createCache,
  createMemoryCache,
  createFetch,
  cached: options => cached(options),
  createMemoryGovernor: options => createMemoryGovernor({ reclaim: [], limit: 1, ...options }),
  createRateLimiter: options => createRateLimiter({ tokensPerInterval: 1, interval: 1, ...options }),
  processBatch: options => processBatch([], async () => [], options),
}

function refusal(name: string) {
  return expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringMatching(new RegExp(`^${name} must be `)) })
}

/** What a maker throws or rejects with. */
async function failureOf(make: () => unknown): Promise<unknown> {
  try {
    await make()
  } catch (error) {
    return error
  }
  return undefined
}

describe.each(Object.entries(makers))('%s', (_, make) => {
  test.each([null, 'wall', 5, {}, { wall: () => 0, monotonic: () => 0 }])('refuses %j as its clock, by name', async clock => {
    expect(await failureOf(() => make({ clock }))).toEqual(refusal('clock'))
  })

  test.each([null, 'registry', true, {}, new Map()])('refuses %j as its metrics, by name', async metrics => {
    expect(await failureOf(() => make({ metrics }))).toEqual(refusal('metrics'))
  })
})

test('lazy and createRegistry refuse what is no clock', () => {
  expect(() => lazy(() => 1, { clock: {} as never })).toThrow(refusal('clock'))
  expect(() => createRegistry({ clock: null as never })).toThrow(refusal('clock'))
})

test.each([undefined, null, 'GET', 5])('labels that are no object are refused: %j', labels => {
  const registry = createRegistry()
  const counter = registry.counter({ name: 'requests_total', labelNames: ['method'] })
  expect(() => counter.with(labels as never)).toThrow(refusal('labels'))
  expect(() => registry.counter({ name: 'others_total' }).with(undefined as never)).not.toThrow()
})

describe('options of a call that are no object are refused by name', () => {
  const cache = createCache<number>()
  const memory = createMemoryCache<string, number>({ maxSize: 100 })
  const limiter = createRateLimiter({ tokensPerInterval: 1, interval: '1s' })
  const nothing = null as never
  test.each<[string, string, () => unknown]>([
    ['resize', 'limits', () => memory.resize(nothing)],
    ['set in memory', 'options', () => memory.set('a', 1, nothing)],
    ['invalidate in memory', 'options', () => memory.invalidate('a*', nothing)],
    ['invalidateTags in memory', 'options', () => memory.invalidateTags(['a'], nothing)],
    ['set', 'options', () => cache.set('a', 1, nothing)],
    ['getOrSet', 'options', () => cache.getOrSet('a', () => 1, nothing)],
    ['prefetch', 'options', () => cache.prefetch(['a'], () => 1, nothing)],
    ['wrap', 'options', () => cache.wrap(async () => 1, nothing)],
    ['acquire', 'options', () => limiter.acquire(1, nothing)],
  ])('%s', async (_, name, call) => {
    expect(await failureOf(call)).toEqual(refusal(name))
  })
})

test('a duration that may be zero says so, and may be zero in any unit', () => {
  expect(() => createMemoryCache({ jitter: -1 })).toThrow(/^jitter must be zero, a positive number of milliseconds or a duration/)
  expect(() => createMemoryCache({ cleanupInterval: '0s' })).not.toThrow()
  expect(() => createMemoryCache({ ttl: '0s' })).toThrow(/^ttl must be a positive number of milliseconds/)
})

describe('a refusal says what would do', () => {
  test.each([['./cache'], [() => {}], [null], [{}], [[]]])('a store that is %j', async store => {
    const said = /^store must be a store, such as indexedDB\({ name: 'app' }\); received /
    expect(() => createCache({ store: store as never })).toThrow(said)
    expect(() => createCache({ tiers: [store as never] })).toThrow(said)
  })

  test('a path where there is no baseUrl', async () => {
    await expect(createFetch().json('users/7')).rejects.toThrow('url must be an absolute URL where there is no baseUrl; received "users/7"')
  })

  test('a name that another metric has', () => {
    const registry = createRegistry()
    registry.histogram({ name: 'loads' })
    expect(() => registry.gauge({ name: 'loads' })).toThrow('name must be free: there is a metric of that name with another definition')
    expect(() => registry.gauge({ name: 'loads_sum' })).toThrow('name must be free: loads_sum belongs to loads')
  })
})
