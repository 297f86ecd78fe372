import { describe, expect, it } from 'vitest'
import { compareRuns } from '../../../js/regression/compare.ts'
import { Random } from '../../../js/regression/random.ts'
import type { CompareOptions, MetricComparison, Verdict } from '../../../js/regression/types.ts'
import { drifting, scaled, shapes } from './samples.ts'

type Draw = (random: Random, count: number) => number[]

const TRIALS = 1000
/** What the documentation says is enough for a change of 10 % where samples vary by 20 %. */
const ENOUGH = 120

/** How often each verdict was given, as a share of all trials; `effect` is what `now` is more. */
function shares(draw: Draw, effect: number, { samples = ENOUGH, trials = TRIALS, ...options }: Trial = {}) {
  const random = new Random(Math.round(effect * 100) + samples)
  const seen: Record<Verdict, number> = { regressed: 0, improved: 0, unchanged: 0, inconclusive: 0 }
  let effects = 0
  for (let seed = 0; seed < trials; seed += 1) {
    const base = draw(random, samples)
    const now = scaled(draw(random, samples), 1 + effect)
    const { metrics } = compareRuns({ time: base }, { time: now }, { resamples: 500, seed, ...options })
    const [{ verdict, minimumDetectableEffect }] = metrics as [MetricComparison]
    seen[verdict] += 1 / trials
    effects += (minimumDetectableEffect ?? Number.NaN) / trials
  }
  return { ...seen, alarms: seen.regressed + seen.improved, minimumDetectableEffect: effects }
}

interface Trial extends CompareOptions {
  samples?: number
  trials?: number
}

describe.each(Object.entries(shapes))('on samples that vary by a fifth, %s', (_, draw) => {
  it('gives at most 5 % of false alarms, and mostly says that nothing has changed', () => {
    const { alarms, unchanged } = shares(draw, 0)
    expect(alarms).toBeLessThanOrEqual(0.05)
    expect(unchanged).toBeGreaterThan(0.8)
  })

  it('finds 10 % more four times in five, and calls it unchanged at most once in twenty', () => {
    const { regressed, improved, unchanged, minimumDetectableEffect } = shares(draw, 0.1, { trials: 500 })
    expect(regressed).toBeGreaterThanOrEqual(0.8)
    expect(improved).toBe(0)
    expect(unchanged).toBeLessThan(0.07)
    expect(minimumDetectableEffect).toBeLessThan(0.1)
  })

  it.each([6, 12, 30])('gives no more false alarms with %i samples, where it can say little', samples => {
    const { alarms } = shares(draw, 0, { samples, trials: 400 })
    expect(alarms).toBeLessThanOrEqual(0.06)
  })

  it.each([['mean'], [0.5], [0.9]] as const)('nor by %s', statistic => {
    const { alarms } = shares(draw, 0, { statistic, trials: 300, resamples: 1000 })
    expect(alarms).toBeLessThanOrEqual(0.05)
  })
})

it('finds the smallest effect that it states four times in five', () => {
  const { minimumDetectableEffect } = shares(shapes.lognormal, 0, { samples: 60, trials: 200 })
  const { regressed } = shares(shapes.lognormal, minimumDetectableEffect, { samples: 60, trials: 400 })
  expect(regressed).toBeGreaterThan(0.72)
  expect(regressed).toBeLessThan(0.9)
})

it('sees by the parts of a run that it drifts, and takes less of that for a change', () => {
  const { alarms } = shares(drifting, 0, { samples: 400, trials: 300, minEffect: 0.01, equivalence: 0.1 })
  expect(alarms).toBeLessThanOrEqual(0.08)
})

it('gives at most 5 % of false alarms for all metrics of a run together', () => {
  const random = new Random(5)
  const run = () => Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`m${at}`, shapes.lognormal(random, 60)]))
  let alarms = 0
  for (let seed = 0; seed < 300; seed += 1) {
    const { metrics } = compareRuns(run(), run(), { resamples: 500, seed })
    if (metrics.some(({ verdict }) => verdict === 'regressed' || verdict === 'improved')) alarms += 1 / 300
  }
  expect(alarms).toBeLessThanOrEqual(0.05)
})
