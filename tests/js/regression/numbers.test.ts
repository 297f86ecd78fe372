import { describe, expect, it } from 'vitest'
import { Distribution } from '../../../js/regression/distribution.ts'
import { below, quantile, tOf, zOf } from '../../../js/regression/normal.ts'
import { Random } from '../../../js/regression/random.ts'
import { shapes } from './samples.ts'

describe('the normal distribution', () => {
  it.each([
    [0, 0.5],
    [1, 0.841344746],
    [1.959963985, 0.975],
    [-3, 0.001349898],
  ])('has below %d %d', (z, share) => {
    expect(below(z)).toBeCloseTo(share, 8)
    expect(quantile(share)).toBeCloseTo(z, 6)
  })

  it.each([
    [4, 2.776],
    [9, 2.262],
    [30, 2.042],
    [1e9, 1.96],
  ])('becomes t with %d degrees of freedom', (freedom, t) => {
    expect(tOf(1.959963985, freedom)).toBeCloseTo(t, 1)
    expect(zOf(tOf(-2.5, freedom), freedom)).toBeCloseTo(-2.5, 9)
  })
})

describe('a statistic', () => {
  /** From the definition, with each sample written out a hundred times, so that 5 % of them is a whole number. */
  function naive(samples: readonly number[], statistic: 'mean' | 'trimmedMean' | number): number {
    const sorted = samples.toSorted((a, b) => a - b)
    if (typeof statistic === 'number') {
      const place = (sorted.length - 1) * statistic
      const [lower, upper] = [sorted[Math.floor(place)] as number, sorted[Math.ceil(place)] as number]
      return lower + (upper - lower) * (place - Math.floor(place))
    }
    const all = sorted.flatMap(sample => Array.from({ length: 100 }, () => sample))
    const kept = statistic === 'mean' ? all : all.slice(all.length * 0.05, all.length * 0.95)
    return kept.reduce((sum, sample) => sum + sample, 0) / kept.length
  }

  it('is what its definition says, of samples and of counts', () => {
    const random = new Random(1)
    for (let trial = 0; trial < 200; trial += 1) {
      const samples = Array.from({ length: 1 + Math.trunc(random.next() * 30) }, () => Math.trunc(random.next() * 10) - 3)
      const times = new Map(samples.toSorted((a, b) => a - b).map(value => [value, samples.filter(one => one === value).length]))
      for (const statistic of ['mean', 'trimmedMean', 0.5, 0.25, 0.9, 0.99] as const) {
        const expected = naive(samples, statistic)
        expect(new Distribution({ samples }).statistic(statistic)).toBeCloseTo(expected, 9)
        expect(new Distribution({ counts: [...times] }).statistic(statistic)).toBeCloseTo(expected, 9)
      }
    }
  })

  it.each([['mean'], ['trimmedMean'], [0.5]] as const)('varies over resamples as theory says, %s', statistic => {
    const samples = shapes.lognormal(new Random(3), 300)
    const counts = [...new Map(samples.toSorted((a, b) => a - b).map(value => [value, 1]))] as [number, number][]
    const deviations = [new Distribution({ samples }), new Distribution({ counts })].map(distribution => {
      const drawn = [...distribution.resample(statistic, 4000, new Random(7))]
      const mean = drawn.reduce((sum, one) => sum + one, 0) / drawn.length
      return Math.sqrt(drawn.reduce((sum, one) => sum + (one - mean) ** 2, 0) / drawn.length)
    })
    // The deviation of a mean of 300; that of a median is a quarter more.
    const theory = (20 / Math.sqrt(300)) * (statistic === 0.5 ? 1.25 : 1)
    for (const deviation of deviations) {
      expect(deviation / theory).toBeGreaterThan(0.75)
      expect(deviation / theory).toBeLessThan(1.25)
    }
  })
})

it('numbers of the Poisson distribution have its mean and variance', () => {
  const random = new Random(1)
  for (const mean of [0.5, 7, 100]) {
    const drawn = Array.from({ length: 20_000 }, () => random.poisson(mean))
    const found = drawn.reduce((sum, one) => sum + one, 0) / drawn.length
    expect(found / mean).toBeCloseTo(1, 1)
    expect(drawn.reduce((sum, one) => sum + (one - found) ** 2, 0) / drawn.length / mean).toBeCloseTo(1, 1)
  }
})
