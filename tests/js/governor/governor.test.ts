import { describe, expect, test, vi } from 'vitest'
import {
  createCache,
  createMemoryCache,
  createMemoryGovernor,
  createRegistry,
  type MemoryReading,
  type PressureEvent,
} from '../../../js/index.ts'
import { ManualClock } from '../../../js/testing.ts'

function fullCache(clock: ManualClock, entries = 1000) {
  const cache = createMemoryCache<number, string>({ maxSize: '64mb', clock })
  for (let at = 0; at < entries; at += 1) cache.set(at, 'x'.repeat(500), at % 10 === 0 ? { ttl: '1s' } : {})
  return cache
}

describe('memory governor', () => {
  test('from high on it reclaims in steps until low, at once where memory is accounted for', () => {
    const clock = new ManualClock()
    const cache = fullCache(clock)
    const events: PressureEvent[] = []
    const governor = createMemoryGovernor({
      reclaim: [cache],
      limit: 1_100_000,
      clock,
      read: () => [],
      onPressure: event => events.push(event),
    })
    expect(governor.stats()).toMatchObject({ pressured: false, steps: 0 })
    clock.advance(5000)
    expect(events.map(({ share }) => share)).toEqual([0, 0.1, 0.25])
    expect(events.every(({ kind }) => kind === 'accounted')).toBe(true)
    expect(governor.stats().ratio).toBeLessThanOrEqual(0.7)
    expect(events.reduce((sum, { freedBytes }) => sum + freedBytes, 0)).toBe(governor.stats().freedBytes)
    expect(governor.stats().pressured).toBe(false)
    expect(cache.has(999)).toBe(true)
    cache.validate()
  })

  test('between low and high it goes on only when it has begun (hysteresis)', () => {
    const clock = new ManualClock()
    let used = 75
    const read = (): MemoryReading[] => [{ kind: 'heap', used, limit: 100 }]
    const shares: number[] = []
    const governor = createMemoryGovernor({
      reclaim: [fullCache(clock)],
      clock,
      read,
      interval: '1s',
      onPressure: ({ share }) => shares.push(share),
    })
    clock.advance(3000)
    expect(shares).toEqual([])
    used = 81
    clock.advance(1000)
    used = 75
    clock.advance(2000)
    expect(shares).toEqual([0, 0.1, 0.25])
    used = 69
    clock.advance(5000)
    used = 79
    clock.advance(5000)
    expect(shares).toEqual([0, 0.1, 0.25])
    governor.close()
    expect(clock.timers).toBe(0)
  })

  test('the scarcest memory counts, and it keeps nothing alive', () => {
    const clock = new ManualClock()
    const read = (): MemoryReading[] => [
      { kind: 'heap', used: 10, limit: 100 },
      { kind: 'container', used: 90, limit: 100 },
    ]
    const kinds: string[] = []
    createMemoryGovernor({ reclaim: [fullCache(clock)], clock, read, onPressure: ({ kind }) => kinds.push(kind) })
    clock.advance(5000)
    expect(kinds).toEqual(['container'])
    expect(clock.heldTimers).toBe(0)
  })

  test('on Node it reads the heap against the limit of the heap', () => {
    const governor = createMemoryGovernor({ reclaim: [] })
    const heap = governor.stats().readings.find(({ kind }) => kind === 'heap')
    expect(heap?.limit).toBeGreaterThan(100_000_000)
    expect(heap?.used).toBeLessThan(heap?.limit ?? 0)
    governor.close()
  })

  test('nothing left to free ends a pass; a callback that throws does not stop the watch', () => {
    const clock = new ManualClock()
    const stubborn = { accountedBytes: () => 100, trim: () => ({ bytes: 0 }) }
    let calls = 0
    const onPressure = () => {
      calls += 1
      if (calls === 1) throw new Error('a callback failed')
    }
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    createMemoryGovernor({ reclaim: [stubborn], limit: 100, clock, read: () => [], onPressure })
    clock.advance(5000)
    expect(warn).toHaveBeenCalledWith(expect.objectContaining({ message: expect.stringContaining('a callback failed') }))
    warn.mockRestore()
    clock.advance(5000)
    expect(calls).toBeGreaterThan(1)
    expect(calls).toBeLessThan(10)
  })

  test('a dispose callback that throws does not spare the other caches', () => {
    const clock = new ManualClock()
    const dispose = () => {
      throw new Error('a callback failed')
    }
    const [one, other] = [
      createMemoryCache<number, string>({ maxSize: 1000, dispose }),
      createMemoryCache<number, string>({ maxSize: 1000 }),
    ]
    const governor = createMemoryGovernor({ reclaim: [one, other], limit: 100, clock, read: () => [] })
    for (let n = 0; n < 10; n += 1) {
      one.set(n, 'x'.repeat(10))
      other.set(n, 'x'.repeat(10))
    }
    for (let turn = 0; turn < 20; turn += 1) {
      try {
        governor.check()
      } catch (error) {
        expect(error).toEqual(new Error('a callback failed'))
      }
    }
    expect(other.size).toBeLessThan(10)
    expect(governor.stats()).toMatchObject({ pressured: false })
    expect(governor.stats().freedBytes).toBeGreaterThan(0)
  })

  test('caches of both kinds and namespaces are registered and let go, each counted once', async () => {
    const clock = new ManualClock()
    const whole = createMemoryCache<string, string>({ maxSize: '1mb', clock })
    const users = whole.namespace('users')
    const stored = createCache<string>({ maxSize: '1mb', clock })
    const governor = createMemoryGovernor({ limit: 1000, clock, read: () => [] })
    const used = () => governor.stats().readings[0]?.used
    users.set('a', 'x'.repeat(100))
    await stored.set('b', 'x'.repeat(100))
    expect(used()).toBe(0)
    governor.register(whole)
    governor.register(whole)
    const unregister = governor.register(stored)
    const each = users.accountedBytes()
    expect(each).toBeGreaterThan(200)
    expect(used()).toBe(2 * each)
    unregister()
    expect(used()).toBe(each)
    governor.register(stored)
    for (const one of [users, whole]) one.set('c', 'x'.repeat(100))
    governor.check()
    const { pressured, ratio, freedBytes } = governor.stats()
    expect([pressured, used(), ratio]).toEqual([false, 4 * each - freedBytes, (4 * each - freedBytes) / 1000])
    expect(ratio).toBeLessThanOrEqual(0.7)
  })

  test('reports into a registry', async () => {
    const clock = new ManualClock()
    const metrics = createRegistry()
    createMemoryGovernor({ reclaim: [], limit: 100, clock, metrics, read: () => [] })
    expect(await metrics.metrics()).toContain('memory_pressure_ratio{governor="memory",kind="accounted"} 0')
  })

  test('closed from within onPressure, it measures no more', () => {
    const clock = new ManualClock()
    const governor = createMemoryGovernor({
      reclaim: [],
      clock,
      read: () => [{ kind: 'heap', used: 9, limit: 10 }],
      onPressure: () => governor.close(),
    })
    clock.advance(60_000)
    expect([governor.stats().steps, clock.timers]).toEqual([1, 0])
  })

  test('bad input', () => {
    const invalid = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' })
    for (const options of [
      { reclaim: 5 },
      { reclaim: [{}] },
      { reclaim: [], high: 2 },
      { reclaim: [], low: 0.9 },
      { reclaim: [], limit: -1 },
      { reclaim: [], interval: 0 },
    ]) {
      expect(() => createMemoryGovernor(options as never)).toThrow(invalid)
    }
    expect(() => createMemoryGovernor({ reclaim: [], read: () => [] })).toThrow(/limit must be given/)
    expect(() => createMemoryGovernor({ limit: 1 }).register({} as never)).toThrow(invalid)
  })
})

test('trim gives up what has expired, then the coldest share', () => {
  const clock = new ManualClock()
  const cache = createMemoryCache<number, number>({ max: 100, clock })
  for (let at = 0; at < 90; at += 1) cache.set(at + 10, at)
  expect(cache.trim(0)).toEqual({ entries: 0, bytes: 0 })
  for (let at = 0; at < 10; at += 1) cache.set(at, at, { ttl: 1 })
  clock.sleep(2000)
  expect(cache.trim(0)).toEqual({ entries: 10, bytes: 0 })
  cache.get(10)
  expect(cache.trim(0.5).entries).toBe(45)
  expect([cache.has(10), cache.has(11), cache.has(99)]).toEqual([true, false, true])
  expect(() => cache.trim(2)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  cache.validate()
})
