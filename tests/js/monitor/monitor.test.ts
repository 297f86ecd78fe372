import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  bulkhead,
  circuitBreaker,
  createBatcher,
  createCache,
  createFetch,
  createMemoryCache,
  createMemoryGovernor,
  createMonitor,
  createPool,
  createQueue,
  createRateLimiter,
  createRegistry,
  type Monitor,
  type MonitorOptions,
  type MonitorPoint,
  type MonitorSnapshot,
  processBatch,
} from '../../../js/index.ts'
import { nextTask } from '../../../js/next-task.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'
import { MapStore } from '../cache/map-store.ts'

const open: Monitor[] = []
afterEach(() => {
  for (const monitor of open.splice(0)) monitor.close()
})

function monitored(options: MonitorOptions = {}) {
  const clock = new ManualClock()
  const monitor = createMonitor({ clock, ...options })
  open.push(monitor)
  return { clock, monitor }
}

describe('points', () => {
  it('tell what happened since the one before, per second', () => {
    const { clock, monitor } = monitored({ interval: '2s' })
    const cache = createMemoryCache<string, number>({ max: 2, clock })
    cache.set('before', 1)
    monitor.watch('users', cache)
    cache.set('a', 1)
    for (let at = 0; at < 6; at += 1) cache.get('a')
    cache.get('nobody')
    cache.get('no one')
    clock.advance(2000)
    const [point] = monitor.history()
    expect(point).toMatchObject({ at: clock.wall(), seconds: 2 })
    const users = point?.sources.users
    expect(users).toMatchObject({ kind: 'memory-cache', hitRate: 0.75, latency: null })
    expect(users?.rates).toMatchObject({ hits: 3, misses: 1, sets: 0.5, 'missesByReason.cold': 1, 'missesByReason.evicted': 0 })
    expect(users?.levels).toMatchObject({ entries: 2, max: 2 })
    // What is infinite is no level.
    expect(users?.levels).not.toHaveProperty('maxSize')

    clock.advance(2000)
    expect(monitor.history()[1]?.sources.users).toMatchObject({ hitRate: null, rates: { hits: 0, misses: 0 } })
  })

  it('are kept up to a number, and one stands for all of a sleep', () => {
    const { clock, monitor } = monitored({ history: 3 })
    clock.advance(5000)
    const at = monitor.history().map(point => point.at)
    expect(at.map(one => clock.wall() - one)).toEqual([2000, 1000, 0])
    const late = new ManualClock()
    const slept = createMonitor({ clock: { ...clockOf(late), timer: (due, wake) => late.timer(due + 60_000, wake) } })
    open.push(slept)
    late.advance(61_000)
    expect(slept.history().map(({ seconds }) => seconds)).toEqual([61])
  })

  it('do not keep the process, and end with the monitor', () => {
    const { clock, monitor } = monitored()
    expect(clock.heldTimers).toBe(0)
    const told = vi.fn()
    const off = monitor.on('point', told)
    clock.advance(1000)
    off()
    clock.advance(1000)
    expect(told).toHaveBeenCalledTimes(1)
    monitor.close()
    clock.advance(10_000)
    expect(monitor.history()).toHaveLength(2)
    expect(() => monitor.watch('late', createMemoryCache({ max: 1 }))).toThrow('closed')
  })

  it('go on when a listener throws, and without what cannot be read', () => {
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const { clock, monitor } = monitored()
    const stats = vi.fn(() => ({ running: 1, waiting: 2 }))
    monitor.watch('gate', { stats })
    stats.mockImplementation(() => {
      throw new Error('gone')
    })
    const told: MonitorPoint[] = []
    monitor.on('point', () => {
      throw new Error('mine')
    })
    monitor.on('point', point => void told.push(point))
    clock.advance(1000)
    expect(told[0]?.sources).toEqual({})
    expect(monitor.snapshot().sources).toEqual([{ name: 'gate', kind: 'bulkhead', stats: {}, error: 'gone' }])
    expect(warnings).toHaveBeenCalledTimes(1)
    warnings.mockRestore()
  })

  it('have the timers of a registry, in milliseconds', () => {
    const clock = new ManualClock()
    const registry = createRegistry({ clock })
    const { monitor } = monitored({ registry, clock })
    registry
      .timer({ name: 'load_seconds', labelNames: ['kind'] })
      .with({ kind: 'a "b"' })
      .observe(0.25)
    registry.histogram({ name: 'sizes' }).observe(7)
    clock.advance(1000)
    const timers = monitor.history()[0]?.timers ?? {}
    expect(Object.keys(timers)).toEqual(['load_seconds{kind="a \\"b\\""}'])
    expect(timers['load_seconds{kind="a \\"b\\""}']?.p50).toBeCloseTo(250, -1)
    expect(monitor.snapshot().slow).toEqual([{ name: 'load{kind="a \\"b\\""}', ms: 250, at: clock.wall() - 1000 }])
    // Those of the last seconds: what was slow long ago is not slow now.
    clock.advance(20_000)
    expect(Object.values(monitor.history().at(-1)?.timers ?? {})).toEqual([{ count: 0, p50: null, p95: null, p99: null }])
  })
})

describe('what is watched', () => {
  const pool = () => createPool({ create: async () => 1, destroy: () => {}, max: 1 })
  const things = {
    cache: () => createCache({ max: 10 }),
    'memory-cache': () => createMemoryCache({ max: 10 }),
    fetch: () => createFetch(),
    queue: () => createQueue({ concurrency: 1 }),
    batcher: () => createBatcher(async (keys: readonly number[]) => keys),
    pool,
    'rate-limiter': () => createRateLimiter({ tokensPerInterval: 1, interval: 1000 }),
    'circuit-breaker': () => circuitBreaker(),
    bulkhead: () => bulkhead({ concurrency: 1 }),
    governor: () => createMemoryGovernor({ limit: '1gb' }),
  } as const

  for (const [kind, make] of Object.entries(things)) {
    it(`a ${kind} is known by its numbers, all of which exist`, async () => {
      const { clock, monitor } = monitored()
      const thing = make()
      monitor.watch('it', thing)
      clock.advance(1000)
      const point = monitor.history()[0]?.sources.it
      expect(point?.kind).toBe(kind)
      for (const number of Object.values({ ...point?.rates, ...point?.levels })) expect(number).toBeTypeOf('number')
      const { totals, levels } = (await import('../../../js/monitor/kinds.ts')).NUMBERS[kind as keyof typeof things]
      for (const path of [...totals, ...levels]) {
        const found = path.split('.').reduce((at: unknown, part) => (at as Record<string, unknown>)[part], thing.stats() as unknown)
        expect(found, path).toBeTypeOf('number')
      }
      const [snapshot] = monitor.snapshot().sources
      expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot)
      if (thing.stats().constructor !== Object) throw new Error('stats are plain')
    })
  }

  it('is refused when it is nothing of ours, or the name is taken', () => {
    const { monitor } = monitored()
    for (const thing of [{}, null, { stats: () => ({ a: 1 }) }, { stats: 1 }])
      expect(() => monitor.watch('it', thing as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    const unwatch = monitor.watch('it', createMemoryCache({ max: 1 }))
    expect(() => monitor.watch('it', createMemoryCache({ max: 1 }))).toThrow('free')
    unwatch()
    monitor.watch('it', createMemoryCache({ max: 1 }))
    unwatch()
    expect(monitor.snapshot().sources).toHaveLength(1)
  })

  it('says what other sizes would do, and its hottest keys where asked', () => {
    const { monitor } = monitored()
    const cache = createMemoryCache<string, number>({ max: 8 })
    monitor.watch('users', cache)
    for (let round = 0; round < 50; round += 1) for (const key of ['a', 'b', 'c']) cache.get(key) ?? cache.set(key, 1)
    const [plain] = monitor.snapshot().sources
    expect(plain?.curve?.map(({ scale }) => scale)).toContain(1)
    expect(plain).not.toHaveProperty('hottest')
    expect(monitor.snapshot({ keys: true }).sources[0]?.hottest?.toSorted()).toEqual(['a', 'b', 'c'])
  })

  it('has tiers with numbers of their own', async () => {
    const { clock, monitor } = monitored()
    const cache = createCache<number>({ max: 10, clock, store: new MapStore() })
    monitor.watch('users', cache)
    await cache.set('a', 1)
    clock.advance(1000)
    const { levels, rates } = monitor.history()[0]?.sources.users ?? { levels: {}, rates: {} }
    expect(Object.keys(levels).some(name => /^tiers\.1:.*\.entries$/.test(name))).toBe(true)
    expect(Object.keys(rates).some(name => /^tiers\.1:.*\.hits$/.test(name))).toBe(true)
  })
})

describe('runs', () => {
  it('are shown while they go and for a minute', async () => {
    const { clock, monitor } = monitored()
    await processBatch([1, 2, 3], async items => items, { clock, batchSize: 1, concurrency: 1, onProgress: monitor.batch('import') })
    expect(monitor.snapshot().batches).toMatchObject([{ name: 'import', state: 'done', done: 3, failed: 0, total: 3 }])
    {
      using unknown = monitor.batch('stream')
      unknown({ done: 1, failed: 0, skipped: 0, total: undefined, batches: 1, batchSize: 1, rate: 2, remainingMs: undefined })
      expect(monitor.snapshot().batches[1]).toMatchObject({ state: 'running', total: null, rate: 2, remainingMs: null })
    }
    expect(monitor.snapshot().batches[1]).toMatchObject({ state: 'done' })
    clock.advance(61_000)
    expect(monitor.snapshot().batches).toEqual([])
  })

  it('are limited in number', () => {
    const { monitor } = monitored()
    for (let at = 0; at < 80; at += 1) monitor.batch(`run ${at}`)
    expect(monitor.snapshot().batches.map(({ name }) => name)).toEqual(Array.from({ length: 50 }, (_, at) => `run ${at + 30}`))
  })
})

describe('what others give', () => {
  it('is in every snapshot, and can be applied', async () => {
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const { monitor } = monitored()
    const apply = vi.fn(async () => 'done')
    monitor.provide('alerts', () => [{ name: 'slow', state: 'firing', value: Number.POSITIVE_INFINITY }])
    monitor.provide('recommendations', () => {
      throw new Error('mine')
    })
    const off = monitor.provide('recommendations', () => [
      { id: 'max', severity: 'warning', title: 'More room', apply },
      { id: 'look', severity: 'info', title: 'Look' },
    ])
    const { alerts, recommendations } = monitor.snapshot()
    expect(alerts).toEqual([{ name: 'slow', state: 'firing', value: null }])
    expect(recommendations).toEqual([
      { id: 'max', severity: 'warning', title: 'More room', canApply: true },
      { id: 'look', severity: 'info', title: 'Look', canApply: false },
    ])
    expect(await monitor.apply('max')).toBe('done')
    await expect(monitor.apply('look')).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    off()
    await expect(monitor.apply('max')).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    warnings.mockRestore()
  })

  it('has bounds', () => {
    const { monitor } = monitored()
    const long = 'x'.repeat(10_000)
    let deep: unknown = 1
    for (let at = 0; at < 50; at += 1) deep = { deep }
    monitor.provide('slow', () => Array.from({ length: 5000 }, () => ({ name: long, ms: 1, at: 1, detail: deep as string })))
    const { slow } = monitor.snapshot()
    expect(slow).toHaveLength(100)
    expect(slow[0]?.name).toHaveLength(501)
    expect(JSON.stringify(slow[0]?.detail).length).toBeLessThan(100)
    expect(JSON.stringify(monitor.snapshot()).length).toBeLessThan(100_000)
    const cache = createMemoryCache<string, number>({ max: 100 })
    const breaker = circuitBreaker()
    monitor.watch('long keys', cache)
    monitor.watch('long circuits', breaker)
    for (let at = 0; at < 100; at += 1) {
      cache.set(`${at}${long}`, 1)
      breaker.isolate(`${at}${long}`)
      monitor.batch(long)
    }
    expect(() => monitor.watch(long, cache)).toThrow('200')
    expect(JSON.stringify(monitor.snapshot({ keys: true })).length).toBeLessThan(200_000)
  })
})

describe('several on a channel', () => {
  it('hear of each other until they are closed or fall silent', async () => {
    const channel = `test-${Math.random()}`
    const one = monitored({ name: 'one', channel })
    const two = monitored({ name: 'two', channel })
    const deaf = monitored({ name: 'deaf', channel, collect: false })
    const heard: MonitorSnapshot[] = []
    const both = new Promise<void>(resolve =>
      one.monitor.on('other', other => {
        heard.push(other)
        if (heard.length === 2) resolve()
      }),
    )
    two.clock.advance(1000)
    deaf.clock.advance(1000)
    await both
    expect(heard.map(({ name }) => name).toSorted()).toEqual(['deaf', 'two'])
    expect(one.monitor.others()).toHaveLength(2)
    expect(deaf.monitor.others()).toEqual([])
    one.clock.advance(5500)
    expect(one.monitor.others()).toEqual([])

    const again = new Promise<void>(resolve => one.monitor.on('other', () => resolve()))
    two.clock.advance(1000)
    await again
    expect(one.monitor.others()).toHaveLength(1)
    two.monitor.close()
    await vi.waitFor(() => expect(one.monitor.others()).toEqual([]))
  })

  it('take only snapshots', async () => {
    const channel = `test-${Math.random()}`
    const { monitor } = monitored({ channel })
    const stranger = new BroadcastChannel(`shelflife:monitor:${channel}`)
    for (const message of [null, 1, 'x', {}, { version: 2, id: 'a' }, { version: 1, id: 1 }, { gone: 'nobody' }])
      stranger.postMessage(message)
    stranger.postMessage({ version: 1, id: 'a', name: 'a', interval: 1000, sources: [] })
    await vi.waitFor(() => expect(monitor.others().map(({ id }) => id)).toEqual(['a']))
    stranger.close()
    await nextTask()
  })
})

function clockOf(clock: ManualClock) {
  return { wall: () => clock.wall(), monotonic: () => clock.monotonic() }
}
