import { describe, expect, it } from 'vitest'
import { scanRuns } from '../../../js/regression/history.ts'
import { Random } from '../../../js/regression/random.ts'
import type { ScanOptions, Trend } from '../../../js/regression/types.ts'

/** Runs whose values are `levels`, each off by some per cent. */
function runsAt(levels: readonly number[], { seed = 1, noise = 0.03, better = 'lower' as 'lower' | 'higher' } = {}) {
  const random = new Random(seed)
  return levels.map(level => ({ t: { samples: [level * (1 + noise * random.normal())], better } }))
}

const times = (count: number, level: number) => Array.from({ length: count }, () => level)

function scan(levels: readonly number[], how?: Parameters<typeof runsAt>[1], options?: ScanOptions): Trend {
  return scanRuns(runsAt(levels, how), options)[0] as Trend
}

describe('a scan of runs', () => {
  it('finds where the level changed, which way and by how much', () => {
    const { changes, level } = scan([...times(10, 100), ...times(10, 115), ...times(10, 90)])
    expect(changes.map(({ run, verdict }) => [run, verdict])).toEqual([
      [10, 'regressed'],
      [20, 'improved'],
    ])
    expect(changes[0]?.change).toBeCloseTo(0.15, 1)
    expect(level).toBeCloseTo(90, -1)
    expect(scan([...times(10, 100), ...times(10, 115)], { better: 'higher' }).changes[0]?.verdict).toBe('improved')
  })

  it('finds a level that came and went', () => {
    expect(scan([...times(12, 100), ...times(6, 130), ...times(14, 100)]).changes.map(({ run }) => run)).toEqual([12, 18])
  })

  it('takes no outlier for a change, and no small one', () => {
    expect(scan([...times(10, 100), 300, ...times(10, 100)]).changes).toEqual([])
    expect(scan([...times(10, 100), ...times(10, 103)], { noise: 0.001 }).changes).toEqual([])
    expect(scan([...times(10, 100), ...times(10, 103)], { noise: 0.001 }, { minEffect: 0.02 }).changes).toHaveLength(1)
  })

  it('needs enough runs', () => {
    expect(scan([...times(3, 100), ...times(3, 200)]).changes).toEqual([])
    expect(scan([...times(4, 100), ...times(4, 200)]).changes).toHaveLength(1)
  })

  it('finds changes where there are none at most once in twenty', () => {
    let found = 0
    for (let seed = 0; seed < 400; seed += 1) if (scan(times(20, 100), { seed, noise: 0.2 }).changes.length > 0) found += 1
    expect(found / 400).toBeLessThanOrEqual(0.05)
  })

  it('tells metrics apart, and runs without one', () => {
    const runs = Array.from({ length: 12 }, (_, at) => (at % 2 === 0 ? { a: [at < 6 ? 1 : 2] } : { b: [1], c: [] }))
    const trends = scanRuns([...runs, ...runs.slice(6)], { minEffect: 0.5 })
    expect(trends.map(({ name, values, level }) => [name, values.length, level])).toEqual([
      ['a', 9, 2],
      ['b', 9, 1],
      ['c', 0, null],
    ])
    expect(trends[0]?.values.slice(0, 2)).toEqual([
      { run: 0, value: 1 },
      { run: 2, value: 1 },
    ])
    expect(scanRuns([])).toEqual([])
  })

  it('refuses what is no history', () => {
    expect(() => scanRuns({} as [])).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    expect(() => scanRuns([{ a: ['x'] } as unknown as { a: number[] }])).toThrow(expect.objectContaining({ code: 'ERR_PARSE' }))
    expect(() => scanRuns([], { confidence: 2 })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })
})
