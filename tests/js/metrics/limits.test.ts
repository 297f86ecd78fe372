import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { createRegistry } from '../../../js/metrics/registry.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

function heap(): number {
  gc()
  gc()
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  return heapUsed + external + arrayBuffers
}

it('a million label values take a few megabytes, lose nothing, and are scraped within 50 ms', async () => {
  const registry = createRegistry()
  const counter = registry.counter({ name: 'attack_total', labelNames: ['user', 'method'] })
  const histogram = registry.histogram({ name: 'attack_seconds', labelNames: ['user'] })
  await registry.metrics()
  const before = heap()
  for (let user = 0; user < 1_000_000; user += 1) {
    counter.inc({ user: `user-${user}`, method: user % 2 === 0 ? 'GET' : 'PUT' })
    histogram.observe({ user: `user-${user}` }, user % 10)
  }
  let shortest = Number.POSITIVE_INFINITY
  for (let scrape = 0; scrape < 5; scrape += 1) {
    const start = performance.now()
    await registry.metrics()
    shortest = Math.min(shortest, performance.now() - start)
  }
  expect(shortest).toBeLessThan(50)
  expect(heap() - before).toBeLessThan(5 * 2 ** 20)
  const [attack, seconds] = registry.snapshot().metrics
  expect(attack?.series.length).toBe(2001)
  expect(attack?.series.reduce((sum, series) => sum + ('value' in series ? series.value : 0), 0)).toBe(1_000_000)
  expect(seconds?.series.reduce((sum, series) => sum + ('count' in series ? series.count : 0), 0)).toBe(1_000_000)
  expect(seconds?.series.reduce((sum, series) => sum + ('sum' in series ? series.sum : 0), 0)).toBe(4_500_000)
  expect(attack).toMatchObject({ exploding: { label: 'user' } })
  expect(Math.abs((attack?.exploding?.values ?? 0) - 1_000_000)).toBeLessThan(100_000)
}, 60_000)

/** A small generator with a seed, so that a failure comes again. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state + 0.5) / 2 ** 32
  }
}

const next = numbers(7)
const normal = () => Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next())
const distributions: Record<string, () => number> = {
  lognormal: () => Math.exp(normal() - 4),
  'two humps': () => (next() < 0.7 ? 0.01 : 1) * (1 + 0.1 * normal()),
  'heavy tail': () => next() ** -1.5,
  constant: () => 0.123,
  negative: () => -Math.exp(normal()),
  'around zero': () => Math.round(normal() * 3) / 2,
  zero: () => 0,
}

it.each(Object.keys(distributions))('quantiles of %s are within the stated error, of windows and of merged registries too', name => {
  for (const relativeError of [0.01, 0.002]) {
    const clock = new ManualClock()
    const registries = [1, 2, 3].map(() => createRegistry({ clock, windows: true }))
    const histograms = registries.map(registry => registry.histogram({ name: 'h', relativeError }))
    const samples = Array.from({ length: 30_000 }, () => distributions[name]?.() as number)
    samples.forEach((value, at) => {
      histograms[at % 3]?.observe(value)
      if (at % 1000 === 0) clock.advance(100)
    })
    const [first, ...others] = registries
    for (const other of others) first?.merge(other.dump())
    const sorted = Float64Array.from(samples).sort()
    const asked = [0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1]
    for (const window of ['all', '1m'] as const) {
      const found = histograms[0]?.quantiles(asked, { window }) ?? []
      expect(histograms[0]?.distribution({ window }).count).toBe(30_000)
      for (const [at, q] of asked.entries()) {
        const exact = sorted[Math.floor(q * 29_999)] as number
        expect(Math.abs((found[at] as number) - exact)).toBeLessThanOrEqual(Math.abs(exact) * relativeError * (1 + 1e-9))
      }
    }
  }
})
