import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createAlerts } from '../../../js/alerts/alerts.ts'
import type { Alert, AlertRule, AlertsOptions } from '../../../js/alerts/types.ts'
import { createRegistry } from '../../../js/metrics/registry.ts'
import { createMonitor } from '../../../js/monitor/monitor.ts'
import { Random } from '../../../js/regression/random.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'
import { type Evaluation, naiveState } from './naive-alerts.ts'

function setUp(rules: AlertRule[], options: Partial<AlertsOptions> = {}) {
  const clock = new ManualClock()
  const registry = createRegistry({ clock })
  const told: string[] = []
  const tell = (event: string) => (alert: Alert) => void told.push(`${event} ${alert.name}`)
  const alerts = createAlerts(registry, {
    rules,
    interval: '10s',
    clock,
    onFiring: tell('firing'),
    onResolved: tell('resolved'),
    ...options,
  })
  const states = () => alerts.list().map(({ state }) => state)
  return { clock, registry, alerts, told, states }
}

/** Warnings of the process, which is where failures of callbacks go. */
function warnings(): unknown[] {
  const seen: unknown[] = []
  const spy = vi.spyOn(process, 'emitWarning').mockImplementation(warning => void seen.push(warning))
  onTestFinished(() => spy.mockRestore())
  return seen
}

describe('an alert', () => {
  it('is pending for a while, fires, and is resolved', () => {
    const { clock, registry, alerts, told, states } = setUp([
      {
        name: 'long queue',
        when: read => read.value('queue_depth'),
        above: 100,
        for: '20s',
        labels: { severity: 'warning', team: 'web' },
        annotations: { summary: '{team}: {value} wait {there}' },
      },
    ])
    const depth = registry.gauge({ name: 'queue_depth' })
    clock.advance(0)
    expect(alerts.list()).toMatchObject([{ name: 'long queue', state: 'inactive', value: 0 }])
    depth.set(123.456)
    clock.advance(10_000)
    expect(states()).toEqual(['pending'])
    clock.advance(10_000)
    expect([states(), told]).toEqual([['pending'], []])
    const before = clock.wall()
    clock.advance(10_000)
    clock.advance(5000)
    expect(alerts.list()).toEqual([
      {
        name: 'long queue',
        state: 'firing',
        severity: 'warning',
        summary: 'web: 123.5 wait {there}',
        value: 123.456,
        since: before + 10_000,
        labels: { severity: 'warning', team: 'web' },
        annotations: { summary: 'web: 123.5 wait {there}' },
      },
    ])
    depth.set(100)
    clock.advance(5000)
    expect([states(), told]).toEqual([['resolved'], ['firing long queue', 'resolved long queue']])
    clock.advance(16 * 60_000)
    expect(states()).toEqual(['inactive'])
  })

  it('goes on firing for as long as asked, and is not pending again meanwhile', () => {
    let wrong = true
    const { clock, told, states } = setUp([{ name: 'flapping', when: () => wrong, for: '10s', keepFiringFor: '30s' }])
    clock.advance(10_000)
    expect(states()).toEqual(['firing'])
    for (let turn = 0; turn < 5; turn += 1) {
      wrong = false
      clock.advance(20_000)
      wrong = true
      clock.advance(10_000)
    }
    expect([states(), told]).toEqual([['firing'], ['firing flapping']])
    wrong = false
    clock.advance(30_000)
    expect(states()).toEqual(['firing'])
    clock.advance(10_000)
    expect([states(), told]).toEqual([['resolved'], ['firing flapping', 'resolved flapping']])
  })

  it('is what a naive reading of all evaluations says', () => {
    const random = new Random(11)
    for (let trial = 0; trial < 300; trial += 1) {
      const [forMs, keepFiringForMs] = [0, 1].map(() => Math.trunc(random.next() * 4) * 10_000) as [number, number]
      const share = random.next()
      const evaluations: Evaluation[] = []
      const changes: string[] = []
      const when = () => {
        const wrong = random.next() < share
        evaluations.push({ at: clock.monotonic(), wrong })
        return wrong
      }
      const { clock, alerts } = setUp([{ name: 'a', when, for: forMs, keepFiringFor: keepFiringForMs }], {
        interval: '1m',
        onChange: ({ state }, before) => changes.push(`${before} ${state}`),
      })
      for (let turn = 0; turn < 40; turn += 1) {
        // Some by the timer, which also catches up after a long time, and some on demand.
        clock.advance(random.next() < 0.05 ? 1_000_000 : 10_000 + Math.trunc(random.next() * 3) * 5000)
        const [alert] = alerts.check()
        expect([trial, turn, alert?.state]).toEqual([trial, turn, naiveState(evaluations, forMs, keepFiringForMs)])
      }
      const states = ['inactive', ...evaluations.map((_, at) => naiveState(evaluations.slice(0, at + 1), forMs, keepFiringForMs))]
      const expected = states.slice(1).map((state, at) => `${states[at]} ${state}`)
      expect(changes).toEqual(expected.filter(change => new Set(change.split(' ')).size === 2))
    }
  })

  it('is one for each set of labels', () => {
    const { clock, registry, alerts, told } = setUp([
      {
        name: 'circuit',
        when: read => read.series('circuit_state', { labels: { kind: /^h/ } }).map(({ labels, value }) => ({ labels, value: value === 1 })),
        annotations: { summary: '{host} is left alone' },
      },
    ])
    const states = registry.gauge({ name: 'circuit_state', labelNames: ['kind', 'host'] })
    states.set({ kind: 'http', host: 'a' }, 1)
    states.set({ kind: 'http', host: 'b' }, 0)
    states.set({ kind: 'redis', host: 'c' }, 1)
    clock.advance(0)
    expect(alerts.list()).toMatchObject([{ state: 'firing', summary: 'a is left alone', labels: { kind: 'http', host: 'a' } }])
    states.set({ kind: 'http', host: 'b' }, 1)
    states.set({ kind: 'http', host: 'a' }, 0)
    clock.advance(10_000)
    expect(alerts.list().map(({ state, labels }) => [labels.host, state])).toEqual([
      ['a', 'resolved'],
      ['b', 'firing'],
    ])
    expect(told).toEqual(['firing circuit', 'resolved circuit', 'firing circuit'])
  })

  it('is bounded in number, whatever labels come', () => {
    let turn = 0
    const samples = () => Array.from({ length: 100 }, (_, at) => ({ labels: { id: `${turn}.${at}` }, value: true }))
    const { clock, alerts } = setUp([
      { name: 'over', when: samples },
      { name: 'kept', when: samples, keepFiringFor: '1d' },
    ])
    for (turn = 0; turn < 30; turn += 1) clock.advance(10_000)
    const [over, kept] = ['over', 'kept'].map(name => alerts.list().filter(alert => alert.name === name)) as [Alert[], Alert[]]
    expect([over.length, kept.length]).toEqual([1000, 1000])
    expect(over.filter(({ state }) => state === 'firing')).toHaveLength(100)
    expect(kept[0]?.error).toContain('left out')
  })
})

describe('a number', () => {
  it.each([
    [
      'above',
      { above: 5 },
      [
        [4, 5, null, Number.NaN, undefined],
        [5.1, Number.POSITIVE_INFINITY],
      ],
    ],
    [
      'below',
      { below: 5 },
      [
        [5, 6, null, Number.NaN],
        [4, -1],
      ],
    ],
    [
      'outside',
      { below: 2, above: 5 },
      [
        [2, 5],
        [1, 6],
      ],
    ],
    [
      'not zero',
      {},
      [
        [0, null, Number.NaN, false],
        [1, -1, true],
      ],
    ],
  ] as const)('is wrong %s', (_, bounds, [right, wrong]) => {
    let value: number | boolean | null | undefined
    const { alerts } = setUp([{ name: 'a', when: () => value, ...bounds }])
    for (const [values, state] of [
      [right, 'inactive'],
      [wrong, 'firing'],
    ] as const) {
      for (value of values) expect([value, alerts.check()[0]?.state]).toEqual([value, state])
    }
  })
})

describe('a failure', () => {
  it('of a rule leaves its alerts as they are, and the other rules alone', () => {
    let broken = false
    const failing = () => {
      if (broken) throw new Error('no such thing')
      return true
    }
    const { clock, alerts, states, told } = setUp([
      { name: 'a', when: failing, for: '10s' },
      { name: 'b', when: () => broken },
    ])
    clock.advance(10_000)
    broken = true
    clock.advance(10_000)
    expect(states()).toEqual(['firing', 'firing'])
    expect(alerts.list()[0]).toMatchObject({ error: 'no such thing' })
    broken = false
    clock.advance(10_000)
    expect(alerts.list()[0]).not.toHaveProperty('error')
    expect(told).toEqual(['firing a', 'firing b', 'resolved b'])
  })

  it.each([
    ['a promise', async () => true],
    ['a text', () => 'yes'],
    ['an object', () => ({})],
    ['too many samples', () => Array.from({ length: 101 }, (_, at) => ({ labels: { at: `${at}` }, value: true }))],
    ['a sample that is none', () => [null]],
  ])('is %s instead of an answer', (_, when) => {
    const { alerts } = setUp([{ name: 'a', when: when as unknown as AlertRule['when'] }])
    expect(alerts.check()).toMatchObject([{ state: 'inactive', error: expect.any(String) }])
  })

  it('of a callback is reported, and the others are called', async () => {
    const seen = warnings()
    const { clock, told } = setUp([{ name: 'a', when: () => true }], {
      onFiring: async () => {
        throw new Error('pager')
      },
      onChange: ({ name }, before) => {
        told.push(`${name} was ${before}`)
        throw new Error('log')
      },
    })
    await clock.advanceAsync(20_000)
    expect(told).toEqual(['a was inactive'])
    expect(seen.map(String)).toEqual(expect.arrayContaining([expect.stringContaining('log'), expect.stringContaining('pager')]))
    expect(seen).toHaveLength(2)
  })
})

describe('the evaluation', () => {
  it('has one timer, which keeps nothing alive, and ends with close', () => {
    let asked = 0
    const when = () => {
      asked += 1
      return false
    }
    const { clock, alerts } = setUp([{ name: 'a', when }])
    expect([clock.timers, clock.heldTimers, asked]).toEqual([1, 0, 0])
    clock.advance(60_000)
    expect([clock.timers, asked]).toEqual([1, 7])
    alerts.close()
    clock.advance(60_000)
    expect([clock.timers, asked]).toEqual([0, 7])
    alerts.check()
    expect(asked).toBe(8)
  })

  it('is not begun within itself', () => {
    let asked = 0
    const { alerts } = setUp(
      [
        {
          name: 'a',
          when: () => {
            asked += 1
            alerts.check()
            return true
          },
        },
      ],
      { onFiring: () => alerts.check() },
    )
    expect(alerts.check()).toMatchObject([{ state: 'firing' }])
    expect(asked).toBe(1)
  })

  it('sees what collectors copy', () => {
    const { alerts, registry } = setUp([{ name: 'a', when: read => read.value('copied') }])
    const copied = registry.gauge({ name: 'copied' })
    registry.onCollect(() => copied.set(3))
    expect(alerts.check()).toMatchObject([{ state: 'firing', value: 3 }])
  })
})

it('a monitor tells of them', () => {
  const { clock, alerts } = setUp([{ name: 'a', when: () => true, labels: { severity: 'critical' } }])
  const monitor = createMonitor({ alerts, clock })
  clock.advance(0)
  expect(monitor.snapshot().alerts).toMatchObject([{ name: 'a', state: 'firing', severity: 'critical' }])
  expect(() => createMonitor({ alerts: {} as never, clock })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
})

describe('options', () => {
  const rule: AlertRule = { name: 'a', when: () => true }
  it.each([
    ['no options', undefined],
    ['no rules', {}],
    ['a rule for rules', { rules: rule }],
    ['nothing for a rule', { rules: [null] }],
    ['a rule without a name', { rules: [{ when: () => true }] }],
    ['a rule without when', { rules: [{ name: 'a' }] }],
    ['two of one name', { rules: [rule, rule] }],
    ['a bound that is none', { rules: [{ ...rule, above: '5' }] }],
    ['a duration that is none', { rules: [{ ...rule, for: 'long' }] }],
    ['a negative duration', { rules: [{ ...rule, keepFiringFor: -1 }] }],
    ['labels that are no texts', { rules: [{ ...rule, labels: { a: 1 } }] }],
    ['annotations that are none', { rules: [{ ...rule, annotations: 'x' }] }],
    ['an interval too short', { rules: [rule], interval: 1 }],
    ['a callback that is none', { rules: [rule], onFiring: 'page' }],
    ['a clock that is none', { rules: [rule], clock: {} }],
  ])('are refused with %s', (_, options) => {
    const refused = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' })
    expect(() => createAlerts(createRegistry(), options as unknown as AlertsOptions)).toThrow(refused)
    expect(() => createAlerts(undefined as never, { rules: [rule] })).toThrow(refused)
  })
})
