import { describe, expect, it } from 'vitest'
import { plantTrap } from '../../../js/core/door.ts'
import { createRegistry } from '../../../js/metrics/registry.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'

const seriesOf = (registry: ReturnType<typeof createRegistry>, name: string) =>
  registry.snapshot().metrics.find(metric => metric.name === name)?.series

describe('a counter', () => {
  it('counts exactly, by label and without', () => {
    const registry = createRegistry()
    const plain = registry.counter({ name: 'plain_total' })
    const labelled = registry.counter({ name: 'labelled_total', labelNames: ['method', 'status'] })
    plain.inc()
    plain.inc(0.5)
    const get = labelled.with({ method: 'GET', status: 200 })
    get.inc(3)
    labelled.with({ status: '200', method: 'GET' }).inc()
    labelled.with({ method: 'PUT', status: 200 }).setTotal(7)
    expect(get.value).toBe(4)
    expect(registry.snapshot().metrics).toEqual([
      { name: 'plain_total', type: 'counter', help: '', overflowed: 0, series: [{ labels: {}, value: 1.5 }] },
      {
        name: 'labelled_total',
        type: 'counter',
        help: '',
        overflowed: 0,
        series: [
          { labels: { method: 'GET', status: '200' }, value: 4 },
          { labels: { method: 'PUT', status: '200' }, value: 7 },
        ],
      },
    ])
  })

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 'x', null])('refuses %s', value => {
    const counter = createRegistry().counter({ name: 'a' })
    expect(() => counter.inc(value as number)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    expect(() => counter.setTotal(value as number)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    expect(counter.with({}).value).toBe(0)
  })

  it('keeps its number while others begin', () => {
    const registry = createRegistry()
    const counter = registry.counter({ name: 'n', labelNames: ['id'] })
    const first = counter.with({ id: 0 })
    for (let id = 0; id < 1000; id += 1) counter.with({ id }).inc(id)
    first.inc()
    expect(seriesOf(registry, 'n')?.map(series => 'value' in series && series.value)).toEqual([
      1,
      ...Array.from({ length: 999 }, (_, at) => at + 1),
    ])
  })
})

describe('a gauge', () => {
  it('goes up and down, and may be no number', () => {
    const gauge = createRegistry().gauge({ name: 'g' })
    gauge.set(5)
    gauge.inc(2)
    gauge.dec()
    expect(gauge.with({}).value).toBe(6)
    gauge.set(Number.NEGATIVE_INFINITY)
    expect(gauge.with({}).value).toBe(Number.NEGATIVE_INFINITY)
    expect(() => gauge.set('1' as never)).toThrow('value must be a number')
    expect(() => gauge.inc(Number.NaN)).toThrow('n must be a finite number')
  })
})

describe('a histogram', () => {
  it('says count, sum, extremes and quantiles within its error', () => {
    const registry = createRegistry()
    const histogram = registry.histogram({ name: 'h' })
    for (let value = 1; value <= 10_000; value += 1) histogram.observe(value)
    const [series] = seriesOf(registry, 'h') ?? []
    expect(series).toMatchObject({ count: 10_000, sum: 50_005_000, min: 1, max: 10_000, mean: 5000.5 })
    for (const [name, exact] of [
      ['p50', 5000],
      ['p95', 9500],
      ['p99', 9900],
    ] as const) {
      expect(Math.abs((series as Record<typeof name, number>)[name] - exact) / exact).toBeLessThanOrEqual(0.0101)
    }
  })

  it('has no quantiles while it is empty', () => {
    const registry = createRegistry()
    registry.histogram({ name: 'h' })
    expect(seriesOf(registry, 'h')).toEqual([
      { labels: {}, count: 0, sum: 0, min: null, max: null, mean: null, latest: null, p50: null, p95: null, p99: null },
    ])
  })

  it('counts into its buckets, upper bounds included', async () => {
    const registry = createRegistry()
    const histogram = registry.histogram({ name: 'h', buckets: [-1, 0, 2] })
    for (const value of [-2, -1, -0.5, 0, 1, 2, 3]) histogram.observe(value)
    expect(await registry.metrics()).toBe(
      '# TYPE h histogram\nh_bucket{le="-1"} 2\nh_bucket{le="0"} 4\nh_bucket{le="2"} 6\nh_bucket{le="+Inf"} 7\nh_sum 2.5\nh_count 7\n',
    )
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, '1', undefined])('refuses %s', value => {
    const registry = createRegistry()
    const histogram = registry.histogram({ name: 'h' })
    expect(() => histogram.observe(value as number)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    expect(seriesOf(registry, 'h')).toMatchObject([{ count: 0 }])
  })
})

describe('a timer', () => {
  it('observes seconds, once for each start', () => {
    const clock = new ManualClock()
    const registry = createRegistry({ clock })
    const timer = registry.timer({ name: 't', labelNames: ['kind'] })
    const end = timer.with({ kind: 'a' }).start()
    clock.advance(250)
    expect(end()).toBe(0.25)
    clock.advance(250)
    expect(end()).toBe(0.25)
    expect(seriesOf(registry, 't')).toMatchObject([{ labels: { kind: 'a' }, count: 1, sum: 0.25, p50: 0.25 }])
  })

  it('times functions, also those that fail', async () => {
    const clock = new ManualClock()
    const registry = createRegistry({ clock })
    const timer = registry.timer({ name: 't' })
    expect(timer.time(() => clock.advance(1000))).toBeUndefined()
    expect(() =>
      timer.time(() => {
        clock.advance(2000)
        throw new Error('a')
      }),
    ).toThrow('a')
    const late = timer.time(async () => {
      await Promise.resolve()
      clock.advance(3000)
      return 7
    })
    expect(await late).toBe(7)
    await expect(timer.time(() => Promise.reject(new Error('b')))).rejects.toThrow('b')
    expect(seriesOf(registry, 't')).toMatchObject([{ count: 4, sum: 6, max: 3 }])
  })
})

describe('labels', () => {
  it('may have any text, with names of prototypes too', () => {
    const registry = createRegistry()
    const counter = registry.counter({ name: 'c', labelNames: ['constructor', 'key'] })
    for (const key of ['__proto__', 'constructor', 'toString', '', ' ', '\0', 'ключ']) counter.with({ constructor: 'x', key }).inc()
    expect(seriesOf(registry, 'c')?.map(({ labels }) => labels.key)).toEqual([
      '__proto__',
      'constructor',
      'toString',
      '',
      ' ',
      '\0',
      'ключ',
    ])
    expect(Object.prototype).not.toHaveProperty('polluted')
  })

  it('that would look the same are the same', async () => {
    const registry = createRegistry()
    const counter = registry.counter({ name: 'c', labelNames: ['k'] })
    for (const k of ['a\r\nb', 'a\nb', 'a\rb']) counter.with({ k }).inc()
    for (const k of ['\ud800', '\udfff', '\ufffd']) counter.with({ k }).inc()
    counter.with({ k: 'x'.repeat(5000) }).inc()
    expect(seriesOf(registry, 'c')).toEqual([
      { labels: { k: 'a\nb' }, value: 3 },
      { labels: { k: '\ufffd' }, value: 3 },
      { labels: { k: `${'x'.repeat(1023)}…` }, value: 1 },
    ])
  })

  it.each<[string, unknown]>([
    ['missing', { a: '1' }],
    ['too many', { a: '1', b: '2', c: '3' }],
    ['null', { a: null, b: '2' }],
    ['objects', { a: {}, b: '2' }],
    ['inherited', { a: '1', __proto__: { b: '2', c: '3' } }],
  ])('that are %s are refused, before and after the series is known', (_, labels) => {
    const counter = createRegistry().counter({ name: 'c', labelNames: ['a', 'b'] })
    const resolve = () => counter.with(labels as { a: string; b: string })
    expect(resolve).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    counter.with({ a: '1', b: '2' })
    expect(resolve).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    expect(() => counter.inc()).toThrow('labels must be given by with({ a, b })')
  })

  it('beyond the limit are one series with exact totals, in bounded memory', async () => {
    const registry = createRegistry({ maxSeries: 10 })
    const counter = registry.counter({ name: 'c', labelNames: ['user', 'kind'] })
    const timer = registry.timer({ name: 't', labelNames: ['user'] })
    for (let user = 0; user < 1000; user += 1) {
      counter.with({ user, kind: 'k' }).inc(user)
      timer.with({ user }).observe(1)
    }
    const series = seriesOf(registry, 'c') as { labels: object; value: number }[]
    expect(series.length).toBe(11)
    expect(series.at(-1)).toEqual({ labels: { user: 'overflow', kind: 'overflow' }, value: (999 * 1000) / 2 - 45 })
    expect(seriesOf(registry, 't')?.at(-1)).toMatchObject({ labels: { user: 'overflow' }, count: 990, sum: 990 })
    expect(counter.overflowed).toBe(990)
    expect(registry.snapshot().metrics[0]?.overflowed).toBe(990)
    counter.with({ user: 3, kind: 'k' }).inc()
    expect(counter.overflowed).toBe(990)
  })
})

describe('definitions', () => {
  it('that are equal give the same instrument, others are refused', () => {
    const registry = createRegistry({ prefix: 'app_', defaultLabels: { job: 'j' } })
    const counter = registry.counter({ name: 'c', help: 'h', labelNames: ['a'] })
    expect(counter.name).toBe('app_c')
    expect(registry.counter({ name: 'c', help: 'h', labelNames: ['a'] })).toBe(counter)
    for (const other of [
      { name: 'c', help: 'h' },
      { name: 'c', labelNames: ['a'] },
      { name: 'c', help: 'h', labelNames: ['a', 'b'] },
    ]) {
      expect(() => registry.counter(other)).toThrow('name must be free')
    }
    expect(() => registry.gauge({ name: 'c', help: 'h', labelNames: ['a'] })).toThrow('name must be free')
    registry.histogram({ name: 'h', buckets: [1] })
    expect(() => registry.histogram({ name: 'h', buckets: [2] })).toThrow('name must be free')
    expect(() => registry.timer({ name: 'h', buckets: [1] })).toThrow('name must be free')
    expect(() => registry.counter({ name: 'h_count' })).toThrow('name must be free')
    registry.counter({ name: 'x_sum' })
    expect(() => registry.histogram({ name: 'x' })).toThrow('name must be free')
  })

  it.each<[string, () => unknown]>([
    ['a name with a dash', () => createRegistry().counter({ name: 'a-b' })],
    ['no name', () => createRegistry().counter({} as never)],
    ['no options', () => createRegistry().counter(undefined as never)],
    ['a label with a colon', () => createRegistry().counter({ name: 'a', labelNames: ['b:c'] })],
    ['a reserved label', () => createRegistry().counter({ name: 'a', labelNames: ['__proto__'] })],
    ['the label le', () => createRegistry().histogram({ name: 'a', labelNames: ['le'] })],
    ['a label twice', () => createRegistry().counter({ name: 'a', labelNames: ['b', 'b'] })],
    ['labels as text', () => createRegistry().counter({ name: 'a', labelNames: 'b' as never })],
    ['a default label again', () => createRegistry({ defaultLabels: { b: 1 } }).counter({ name: 'a', labelNames: ['b'] })],
    ['falling buckets', () => createRegistry().histogram({ name: 'a', buckets: [2, 1] })],
    ['a bucket at infinity', () => createRegistry().histogram({ name: 'a', buckets: [1, Number.POSITIVE_INFINITY] })],
    ['no error at all', () => createRegistry().histogram({ name: 'a', relativeError: 0 })],
    ['a help that is no text', () => createRegistry().counter({ name: 'a', help: 5 as never })],
    ['a bad prefix', () => createRegistry({ prefix: '1' })],
    ['a limit of 0', () => createRegistry({ maxSeries: 0 })],
    ['a bad default label', () => createRegistry({ defaultLabels: { 'a b': 1 } })],
    ['a collector that is none', () => createRegistry().onCollect(1 as never)],
  ])('with %s are typed errors', (_, define) => {
    expect(define).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })
})

describe('collectors', () => {
  it('run before each answer, until they are removed; one that throws is counted', async () => {
    const registry = createRegistry()
    const total = registry.counter({ name: 'copied_total' })
    let mine = 0
    const remove = registry.onCollect(() => total.setTotal(++mine))
    const removeBroken = registry.onCollect(() => {
      throw new Error('broken')
    })
    expect(seriesOf(registry, 'copied_total')).toMatchObject([{ value: 1 }])
    expect(await registry.metrics()).toContain('copied_total 2\n')
    expect(registry.lastCollectError).toMatchObject({ message: 'broken' })
    expect(seriesOf(registry, 'metrics_collect_errors_total')).toMatchObject([{ value: 3 }])
    remove()
    remove()
    removeBroken()
    expect(seriesOf(registry, 'copied_total')).toMatchObject([{ value: 3 }])
  })
})

describe('reset', () => {
  it('sets all numbers to zero and keeps the series', () => {
    const registry = createRegistry()
    const counter = registry.counter({ name: 'c', labelNames: ['a'] }).with({ a: 1 })
    const histogram = registry.histogram({ name: 'h' })
    counter.inc(5)
    histogram.observe(1)
    registry.snapshot()
    histogram.observe(2)
    registry.reset()
    expect(registry.snapshot().metrics).toMatchObject([
      { series: [{ labels: { a: '1' }, value: 0 }] },
      { series: [{ count: 0, p50: null }] },
    ])
    counter.inc()
    histogram.observe(3)
    expect(registry.snapshot().metrics).toMatchObject([{ series: [{ value: 1 }] }, { series: [{ count: 1, sum: 3 }] }])
  })
})

describe('a trap of the core', () => {
  it('leaves counters and gauges, and histograms begin again with what was not drained', async () => {
    const registry = createRegistry()
    const counter = registry.counter({ name: 'c', labelNames: ['a'] }).with({ a: 'x' })
    const histogram = registry.histogram({ name: 'h', labelNames: ['a'] })
    const gauge = registry.gauge({ name: 'g' })
    counter.inc(3)
    gauge.set(4)
    histogram.with({ a: 'x' }).observe(1)
    expect(seriesOf(registry, 'h')).toMatchObject([{ count: 1 }])
    histogram.with({ a: 'x' }).observe(2)
    expect(() => plantTrap()).toThrow('trapped')
    histogram.with({ a: 'y' }).observe(3)
    counter.inc()
    expect(registry.snapshot().metrics).toMatchObject([
      { series: [{ value: 4 }] },
      {
        series: [
          { labels: { a: 'x' }, count: 1, sum: 2 },
          { labels: { a: 'y' }, count: 1, sum: 3 },
        ],
      },
      { series: [{ value: 4 }] },
    ])
    expect(() => plantTrap()).toThrow('trapped')
    expect(await registry.metrics()).toContain('c{a="x"} 4\n')
    expect(() => plantTrap()).toThrow('trapped')
    for (let at = 0; at < 5000; at += 1) histogram.with({ a: 'x' }).observe(at)
    expect(seriesOf(registry, 'h')).toMatchObject([{ count: 5000 }, { count: 0 }])
    expect(() => plantTrap()).toThrow('trapped')
    registry.reset()
    expect(seriesOf(registry, 'c')).toMatchObject([{ value: 0 }])
    expect([registry.restarts, registry.droppedSamples]).toEqual([4, 0])
  })

  it('in the middle of a long text begins the text again', async () => {
    const registry = createRegistry()
    const timer = registry.timer({ name: 't', labelNames: ['n'] })
    for (let n = 0; n < 1000; n += 1) timer.with({ n }).observe(1)
    const text = registry.metrics()
    expect(() => plantTrap()).toThrow('trapped')
    const lines = (await text).split('\n')
    expect(lines.filter(line => line.startsWith('t_count'))).toHaveLength(1000)
    expect(new Set(lines).size).toBe(lines.length)
  })
})
