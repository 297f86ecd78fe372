import { describe, expect, it } from 'vitest'
import { compareRuns } from '../../../js/regression/compare.ts'
import { Random } from '../../../js/regression/random.ts'
import { createRun, readRun } from '../../../js/regression/run.ts'
import { comparisonMarkdown, comparisonText } from '../../../js/regression/text.ts'
import type { CompareOptions, MetricComparison, RunMetrics } from '../../../js/regression/types.ts'
import { scaled, shapes } from './samples.ts'

const samplesOf = (seed: number, count = 120) => shapes.lognormal(new Random(seed), count)
const BASE = samplesOf(1)
const SAME = samplesOf(2)
const SLOWER = scaled(samplesOf(3), 1.2)

function only(base: RunMetrics, now: RunMetrics, options?: CompareOptions): MetricComparison {
  const { metrics } = compareRuns(base, now, options)
  expect(metrics).toHaveLength(1)
  return metrics[0] as MetricComparison
}

const refused = (code: string) => expect.objectContaining({ code })

describe('a verdict', () => {
  it('goes by the direction of the metric', () => {
    expect(only({ t: BASE }, { t: SLOWER }).verdict).toBe('regressed')
    expect(only({ t: SLOWER }, { t: BASE }).verdict).toBe('improved')
    const rate = (samples: number[]) => ({ t: { samples, better: 'higher' as const } })
    expect(only(rate(BASE), rate(SLOWER)).verdict).toBe('improved')
    expect(only({ t: BASE }, { t: SAME }).verdict).toBe('unchanged')
  })

  it('comes with the change, an interval that holds it, and what could have been seen', () => {
    const { base, now, change, interval, pValue, minimumDetectableEffect, samples, samplesNeeded } = only({ t: BASE }, { t: SLOWER })
    expect(change).toBeCloseTo(now / base - 1, 10)
    const [from, to] = interval as [number, number]
    expect(from).toBeLessThan(0.2)
    expect(to).toBeGreaterThan(0.2)
    expect(from).toBeGreaterThan(0)
    expect(pValue).toBeLessThan(0.001)
    expect(minimumDetectableEffect).toBeGreaterThan(0.05)
    expect(minimumDetectableEffect).toBeLessThan(0.12)
    expect(samples).toEqual({ base: 120, now: 120 })
    expect(samplesNeeded).toBeLessThan(200)
  })

  it('needs a change as large as asked for, for all metrics or for one', () => {
    expect(only({ t: BASE }, { t: SLOWER }, { minEffect: 0.5 }).verdict).toBe('unchanged')
    expect(only({ t: BASE }, { t: SLOWER }, { metrics: { t: { minEffect: 0.5 } } }).verdict).toBe('unchanged')
    expect(only({ t: BASE }, { t: SLOWER }, { metrics: { other: { minEffect: 0.5 } } }).verdict).toBe('regressed')
  })

  it('is inconclusive with few samples, and says how many would do', () => {
    const few = only({ t: BASE.slice(0, 20) }, { t: SAME.slice(0, 20) })
    expect(few).toMatchObject({ verdict: 'inconclusive', reason: 'too few samples for how much they vary' })
    expect(few.samplesNeeded).toBeGreaterThan(40)
    expect(few.samplesNeeded).toBeLessThan(150)
    const none = only({ t: [1, 2, 3] }, { t: [] })
    expect(none).toMatchObject({ verdict: 'inconclusive', interval: null, minimumDetectableEffect: null, samplesNeeded: 5 })
    expect(only({ t: BASE }, { t: SAME }, { statistic: 0.99 })).toMatchObject({ verdict: 'inconclusive', samplesNeeded: 500 })
  })

  it('asks each further run to confirm it', () => {
    const confirm = [{ t: scaled(samplesOf(4), 1.2) }, { t: scaled(samplesOf(5), 1.2) }]
    expect(only({ t: BASE }, { t: SLOWER }, { confirm }).verdict).toBe('regressed')
    const denying = { verdict: 'inconclusive', reason: 'not confirmed by every further run' }
    expect(only({ t: BASE }, { t: SLOWER }, { confirm: [...confirm, { t: SAME }] })).toMatchObject(denying)
    expect(only({ t: BASE }, { t: SLOWER }, { confirm: [{ other: SLOWER }] })).toMatchObject(denying)
    expect(only({ t: BASE }, { t: SLOWER }, { confirm: [{ t: scaled(SAME, 0.8) }] })).toMatchObject(denying)
  })

  it('takes no change for one that the history shows between runs of the same', () => {
    const swinging = [1, 1.3, 0.9, 1.2, 0.85, 1.1].map((factor, at) => ({ t: scaled(samplesOf(10 + at), factor) }))
    const steady = [1, 1, 1, 1, 1, 1].map((factor, at) => ({ t: scaled(samplesOf(20 + at), factor) }))
    const { verdict, reason, noiseFloor } = only({ t: BASE }, { t: SLOWER }, { history: swinging })
    expect([verdict, reason]).toEqual(['inconclusive', 'it moves as much by itself'])
    expect(noiseFloor).toBeGreaterThan(0.3)
    expect(only({ t: BASE }, { t: SLOWER }, { history: steady }).verdict).toBe('regressed')
    expect(only({ t: BASE }, { t: SLOWER }, { history: swinging.slice(0, 4) }).verdict).toBe('regressed')
  })

  it('takes no change for one that is as large between processes of one run', () => {
    const processes = (seed: number, factors: number[]) => factors.map((factor, at) => scaled(samplesOf(seed + at, 30), factor))
    const apart = { t: processes(30, [0.7, 1.1, 0.9, 1.3]) }
    expect(only(apart, { t: processes(40, [1, 1.4, 0.9, 1.5]) })).toMatchObject({
      verdict: 'inconclusive',
      reason: 'it moves as much by itself',
    })
    expect(only({ t: processes(50, [1, 1, 1, 1]) }, { t: processes(60, [1.2, 1.2, 1.2, 1.2]) }).verdict).toBe('regressed')
  })

  it('is the same for the same input, whatever else is compared, and its p-value grows with what else there is', () => {
    const alone = only({ t: BASE }, { t: SLOWER })
    const { metrics } = compareRuns({ a: BASE, t: BASE, b: SAME }, { b: SAME, t: SLOWER, a: BASE })
    const among = metrics.find(({ name }) => name === 't') as MetricComparison
    expect(among).toEqual({ ...alone, pValue: among.pValue })
    expect(among.pValue).toBeCloseTo(3 * alone.pValue, 10)
    expect(compareRuns({ t: BASE }, { t: SAME }, { seed: 2 })).not.toEqual(compareRuns({ t: BASE }, { t: SAME }))
  })
})

describe('numbers that are no durations', () => {
  it.each([
    ['that never change', [5, 5, 5, 5, 5], [5, 5, 5, 5, 5], 'unchanged', 0],
    ['that change once and for all', [5, 5, 5, 5, 5], [6, 6, 6, 6, 6], 'regressed', 0.2],
    ['that are zero', [0, 0, 0, 0, 0], [0, 0, 0, 0, 0], 'unchanged', 0],
    ['that were zero', [0, 0, 0, 0, 0], [3, 3, 3, 3, 3], 'regressed', 1],
    ['below zero', [-5, -5, -5, -5, -5], [-6, -6, -6, -6, -6], 'improved', -0.2],
  ] as const)('%s', (_, base, now, verdict, change) => {
    const found = only({ t: base }, { t: now })
    expect(found).toMatchObject({ verdict, change })
    expect(JSON.parse(JSON.stringify(found))).toEqual(found)
  })

  it('around zero have a change and an interval', () => {
    const random = new Random(1)
    const around = (mean: number) => Array.from({ length: 200 }, () => mean + random.normal())
    const { verdict, interval } = only({ t: around(1) }, { t: around(3) })
    expect(verdict).toBe('regressed')
    expect(interval?.every(Number.isFinite)).toBe(true)
  })
})

describe('a comparison', () => {
  it('is regressed if one metric is, and inconclusive if one is missing', () => {
    expect(compareRuns({ a: BASE, b: BASE }, { a: SLOWER, b: SAME }).verdict).toBe('regressed')
    const missing = compareRuns({ a: BASE, b: BASE }, { a: SAME, c: SAME })
    expect(missing).toMatchObject({ verdict: 'inconclusive', missing: { base: ['c'], now: ['b'] } })
    expect(compareRuns({ a: BASE }, { a: SAME, c: SAME }).verdict).toBe('unchanged')
    expect(compareRuns({ a: BASE, b: SLOWER }, { a: SAME, b: BASE }).verdict).toBe('improved')
    expect(compareRuns({}, {}).verdict).toBe('inconclusive')
  })

  it('tells what differs of the environments', () => {
    const run = (environment: Record<string, string | number>) => createRun({ metrics: { t: BASE }, environment })
    expect(compareRuns(run({ node: 'v20', cpus: 2 }), run({ node: 'v22', cpus: 2, os: 'linux' })).environment).toEqual([
      { name: 'node', base: 'v20', now: 'v22' },
      { name: 'os', base: null, now: 'linux' },
    ])
  })

  it('sees the same in what is stored of many samples', () => {
    const many = (seed: number, factor: number) => createRun({ metrics: { t: scaled(samplesOf(seed, 20_000), factor) } })
    const stored = JSON.stringify(many(1, 1))
    expect(stored.length).toBeLessThan(8000)
    const { metrics } = compareRuns(readRun(JSON.parse(stored)), many(2, 1.06))
    expect(metrics[0]).toMatchObject({ verdict: 'regressed', samples: { base: 20_000, now: 20_000 } })
    expect(metrics[0]?.change).toBeCloseTo(0.06, 2)
    expect(compareRuns(readRun(JSON.parse(stored)), many(2, 1)).verdict).toBe('unchanged')
  })

  it.each([
    [{ confidence: 1 }],
    [{ confidence: '95' }],
    [{ resamples: 10 }],
    [{ resamples: 1e9 }],
    [{ seed: -1 }],
    [{ minEffect: -0.1 }],
    [{ equivalence: Number.NaN }],
    [{ statistic: 1 }],
    [{ statistic: 'p95' }],
    [{ metrics: { t: { minEffect: 'large' } } }],
    [{ metrics: { t: 5 } }],
    [{ confirm: { t: BASE } }],
    [null],
  ])('refuses the options %j', options => {
    expect(() => compareRuns({ t: BASE }, { t: SAME }, options as unknown as CompareOptions)).toThrow(refused('ERR_INVALID_ARGUMENT'))
  })

  it('refuses metrics that are not the same thing', () => {
    expect(() => compareRuns({ t: { samples: BASE, unit: 'ms' } }, { t: { samples: BASE, unit: 's' } })).toThrow(refused('ERR_PARSE'))
    expect(() => compareRuns({ t: BASE }, { t: { samples: BASE, better: 'higher' } })).toThrow(/'t' has 'lower' as its better/)
    expect(() => compareRuns({ t: BASE }, { t: BASE }, { history: [{ t: ['x'] as unknown as number[] }] })).toThrow(/history 1: 't'/)
  })
})

describe('its text', () => {
  const comparison = compareRuns({ 'a|b': BASE, few: [1, 2, 3], gone: BASE }, { 'a|b': SLOWER, few: [1, 2, 3], '\u001b[2Jnew\n': BASE })

  it('has a line for each metric, what is missing, and the verdict last', () => {
    const lines = comparisonText(comparison).split('\n')
    expect(lines[1]).toMatch(/^a\|b .* \+\d\d\.\d % .* regressed$/)
    expect(lines[2]).toMatch(/^few .* inconclusive: too few samples$/)
    expect(lines).toContain('gone: only in the base')
    expect(lines).toContain('?[2Jnew?: new')
    expect(lines.at(-2)).toBe('regressed')
  })

  it('is a table in Markdown that names cannot break', () => {
    const lines = comparisonMarkdown(comparison).split('\n')
    expect(lines[0]).toBe('**regressed**')
    const rows = lines.filter(line => line.startsWith('|'))
    expect(rows).toHaveLength(4)
    for (const row of rows) expect(row.match(/(?<!\\)\|/g)).toHaveLength(9)
  })
})
