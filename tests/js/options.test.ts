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
