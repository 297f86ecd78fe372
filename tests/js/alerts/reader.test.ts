import { describe, expect, it } from 'vitest'
import { createAlerts } from '../../../js/alerts/alerts.ts'
import { burnRate } from '../../../js/alerts/burn-rate.ts'
import { Past } from '../../../js/alerts/past.ts'
import type { MetricReader } from '../../../js/alerts/types.ts'
import { createRegistry } from '../../../js/metrics/registry.ts'
import { Random } from '../../../js/regression/random.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'

/** What `ask` reads at each evaluation, every 15 s. */
function reading<T>(ask: (read: MetricReader) => T) {
  const clock = new ManualClock()
  const registry = createRegistry({ clock })
  let last: T | undefined
  const alerts = createAlerts(registry, {
    clock,
    rules: [
      {
        name: 'a',
        when: read => {
          last = ask(read)
          return false
        },
      },
    ],
  })
  clock.advance(0)
  return { clock, registry, alerts, latest: () => last }
}

describe('a reader', () => {
  it('reads sums, series and quantiles, and nothing where there is nothing', () => {
    const labels = { host: 'a' }
    const { clock, registry, latest } = reading(read => [
      read.value('n'),
      read.value('n', { labels }),
      read.value('n', { labels: { host: /./g, other: 1 } }),
      read.series('n').length,
      read.value('t_seconds', { labels }),
      read.quantile('t_seconds', 0.5),
      read.quantile('t_seconds', 0.5, { labels, window: '1m' }),
      read.quantile('n', 0.5),
    ])
    expect(latest()).toEqual([null, null, null, 0, null, null, null, null])
    const counter = registry.counter({ name: 'n', labelNames: ['host'] })
    const timer = registry.timer({ name: 't_seconds', labelNames: ['host'] })
    counter.inc({ host: 'a' }, 2)
    counter.inc({ host: 'b' }, 3)
    for (const host of ['a', 'b']) timer.with({ host }).observe(host === 'a' ? 1 : 9)
    clock.advance(15_000)
    const [all, one, none, series, count, , inWindow, ofCounter] = latest() ?? []
    expect([all, one, none, series, count, ofCounter]).toEqual([5, 2, null, 2, 1, null])
    // The window began with the question.
    expect(inWindow).toBeNull()
    timer.with({ host: 'a' }).observe(4)
    clock.advance(15_000)
    expect(latest()?.[6]).toBeCloseTo(4, 1)
    expect(latest()?.[5]).toBeCloseTo(4, 1)
  })

  it('knows by how much counters rose, from the first evaluation on, even if they began anew', () => {
    const { clock, registry, latest } = reading(read => [
      read.increase('n_total', '1m'),
      read.rate('n_total', '1m'),
      read.increase('n_total', '1h'),
    ])
    expect(latest()).toEqual([0, 0, 0])
    const counter = registry.counter({ name: 'n_total' })
    counter.inc(30)
    clock.advance(15_000)
    expect(latest()).toEqual([30, 2, 30])
    registry.reset()
    counter.inc(10)
    clock.advance(15_000)
    expect(latest()).toEqual([40, 40 / 30, 40])
    clock.advance(45_000)
    expect(latest()).toEqual([10, 10 / 60, 40])
    clock.advance(15_000)
    expect(latest()).toEqual([0, 0, 40])
    clock.advance(3_600_000)
    expect(latest()).toEqual([0, 0, 0])
  })

  it('does not forget what a rule does not always ask for', () => {
    let asks = true
    const { clock, registry, latest } = reading(read => (asks ? read.increase('n_total', '5m') : undefined))
    const counter = registry.counter({ name: 'n_total' })
    asks = false
    counter.inc(7)
    clock.advance(60_000)
    registry.reset()
    counter.inc(1)
    clock.advance(60_000)
    asks = true
    clock.advance(15_000)
    expect(latest()).toBe(8)
  })

  it('remembers a bounded number of counters', () => {
    const { alerts } = reading(read => Array.from({ length: 1001 }, (_, at) => read.increase(`n${at}`, '1m')))
    expect(alerts.check()[0]?.error).toContain('1000')
  })
})

it('the past of a counter is right within a hundredth of its window, in a few points', () => {
  const random = new Random(1)
  const past = new Past(60_000)
  const points: number[] = []
  const events: { at: number; total: number }[] = []
  let [at, total] = [0, 0]
  for (let turn = 0; turn < 3000; turn += 1) {
    at += Math.trunc(random.next() * 900)
    total += Math.trunc(random.next() * 5)
    events.push({ at, total })
    past.add(at, total)
    points.push(past.size)
    const { increase, spanMs } = past.increase(at)
    const from = events.find(event => event.at >= at - spanMs) as { at: number; total: number }
    expect(increase).toBe(total - from.total)
    if (at > 62_000) expect(spanMs).toBeGreaterThanOrEqual(60_000)
    expect(spanMs).toBeLessThan(60_000 + 600 + 1800)
  }
  expect(Math.max(...points)).toBeLessThan(110)
})

describe('burn rates', () => {
  function service(options: Partial<Parameters<typeof burnRate>[0]> = {}) {
    const clock = new ManualClock()
    const registry = createRegistry({ clock })
    const requests = registry.counter({ name: 'requests_total', labelNames: ['status'] })
    const told: string[] = []
    const alerts = createAlerts(registry, {
      clock,
      rules: burnRate({
        objective: 0.999,
        errors: { name: 'requests_total', labels: { status: /^5/ } },
        total: 'requests_total',
        ...options,
      }),
      onFiring: ({ name, severity }) => told.push(`${name} ${severity}`),
      onResolved: ({ name }) => told.push(`${name} over`),
    })
    /** Minutes of 60 requests, of which a share fails. */
    const serve = (minutes: number, share: number) => {
      for (let turn = 0; turn < minutes * 4; turn += 1) {
        requests.inc({ status: 500 }, 15 * share)
        requests.inc({ status: 200 }, 15 * (1 - share))
        clock.advance(15_000)
      }
    }
    return { alerts, told, serve }
  }

  it('are told when both windows burn, and soon after the cause no more', () => {
    const { told, serve, alerts } = service()
    serve(400, 0.0005)
    expect(told).toEqual([])
    serve(10, 0.5)
    expect(told).toEqual(['error budget (1h) critical', 'error budget (6h) warning'])
    expect(alerts.list()[0]?.summary).toMatch(/^errors use up the budget \d+(\.\d+)? times as fast as 99.9 % allows$/)
    serve(6, 0)
    expect(told).toHaveLength(3)
    expect(told[2]).toBe('error budget (1h) over')
    serve(30, 0)
    expect(told).toHaveLength(4)
  })

  it('keep quiet as long as the budget is burnt slowly, and tell of it when it goes on', () => {
    const slow = service()
    slow.serve(420, 0.005)
    expect(slow.told).toEqual([])
    const steady = service()
    steady.serve(420, 0.008)
    expect(steady.told).toEqual(['error budget (6h) warning'])
    const once = service()
    once.serve(400, 0.0005)
    once.serve(1, 0.3)
    once.serve(3, 0)
    expect(once.told).toEqual([])
  })

  it('take no first failure for a catastrophe', () => {
    const few = service({ minTotal: 100 })
    few.serve(1, 1)
    expect(few.told).toEqual([])
    few.serve(1, 1)
    expect(few.told).toHaveLength(2)
  })

  it.each([
    [{ objective: 1 }],
    [{ objective: 0.9 }],
    [{ objective: '99.9%' }],
    [{ errors: '' }],
    [{ total: {} }],
    [{ windows: [] }],
    [{ windows: [{ factor: 2, long: '5m', short: '1h' }] }],
    [{ windows: [{ factor: 0, long: '1h', short: '5m' }] }],
    [{ minTotal: 0 }],
    [{ name: '' }],
  ])('refuse %j', options => {
    expect(() => service(options as object)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })
})
