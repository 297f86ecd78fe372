import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { compareCommand } from '../../../js/cli/compare.ts'
import { Random } from '../../../js/regression/random.ts'
import { createRun } from '../../../js/regression/run.ts'
import type { RunMetrics } from '../../../js/regression/types.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'
import { scaled, shapes } from '../regression/samples.ts'

const folder = mkdtempSync(join(tmpdir(), 'shelflife-compare-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, value: unknown): string {
  const path = join(folder, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value))
  return path
}

const samples = (seed: number, factor = 1) => scaled(shapes.lognormal(new Random(seed), 120), factor)
const runOf = (metrics: RunMetrics, day = 1) => createRun({ metrics, clock: new ManualClock({ wall: Date.UTC(2026, 0, day) }) })
const base = file('base.json', runOf({ load: { samples: samples(1), unit: 'ms' } }))
const same = file('same.json', runOf({ load: { samples: samples(2), unit: 'ms' } }))
const slower = file('slower.json', runOf({ load: { samples: samples(3, 1.2), unit: 'ms' } }))
const plain = file('plain.json', `\uFEFF${JSON.stringify({ load: samples(1) })}`)
const plainSlower = file('plain-slower.json', { load: samples(3, 1.2) })

function run(...args: string[]) {
  const said = { out: '', complaints: '' }
  const exit = compareCommand(args, {
    write: text => {
      said.out += text
    },
    complain: text => {
      said.complaints += text
    },
  })
  return { exit, ...said }
}

describe('shelflife compare', () => {
  it('ends with what it found', () => {
    expect(run(base, same)).toMatchObject({ exit: 0, complaints: '', out: expect.stringMatching(/\nunchanged\n$/) })
    expect(run(base, slower)).toMatchObject({ exit: 1, complaints: '', out: expect.stringMatching(/^load .* regressed$/m) })
    expect(run(slower, base)).toMatchObject({ exit: 0, out: expect.stringMatching(/\nimproved\n$/) })
    const few = file('few.json', { load: [1, 2, 3] })
    expect(run(few, few).exit).toBe(2)
    expect(run(few, few, '--allow-inconclusive').exit).toBe(0)
  })

  it('takes plain objects of samples, and is told which way is good', () => {
    expect(run(plain, plainSlower).exit).toBe(1)
    expect(run(plain, plainSlower, '--higher', 'load').exit).toBe(0)
  })

  it('gives JSON and Markdown', () => {
    const { out } = run(base, slower, '--json')
    expect(JSON.parse(out)).toMatchObject({ verdict: 'regressed', metrics: [{ name: 'load', verdict: 'regressed' }], trends: [] })
    expect(run(base, slower, '--markdown').out).toMatch(/^\*\*regressed\*\*\n\n\| metric \|/)
  })

  it('reads ratios, percentages and quantiles', () => {
    expect(run(base, slower, '--min-effect', '50%').exit).toBe(0)
    expect(run(base, slower, '--min-effect=0.5').exit).toBe(0)
    expect(run(base, slower, '--statistic', 'p95', '--confidence', '99%').exit).toBe(2)
    expect(JSON.parse(run(base, same, '--json', '--confidence', '.99').out)).toMatchObject({ confidence: 0.99 })
  })

  it('has further runs confirm a change', () => {
    expect(run(base, slower, slower).exit).toBe(1)
    expect(run(base, slower, same)).toMatchObject({ exit: 2, out: expect.stringContaining('not confirmed') })
  })

  it('knows from a history what is usual, and tells since when it is worse', () => {
    const history = (name: string, factors: readonly number[]) => {
      for (const [at, factor] of factors.entries())
        file(`${name}/${factors.length - at}.json`, runOf({ load: { samples: samples(10 + at, factor), unit: 'ms' } }, at + 1))
      return join(folder, name)
    }
    file('steps/notes.txt', 'no run')
    const { exit, out } = run(base, slower, '--history', history('steps', [1, 1, 1, 1, 1, 1, 1.2, 1.2, 1.2, 1.2]))
    expect(exit).toBe(1)
    expect(out).toMatch(/^load: regressed by \+\d\d\.\d % with run 7 \(2026-01-07T00:00:00.000Z\)$/m)
    expect(run(base, slower, '--history', history('swings', [1, 1.3, 0.9, 1.2, 0.85, 1.1])).exit).toBe(2)
    mkdirSync(join(folder, 'empty'))
    expect(run(base, slower, '--history', join(folder, 'empty')).exit).toBe(1)
  })

  it.each([
    ['nothing', []],
    ['one file', [base]],
    ['an unknown option', [base, same, '--fast']],
    ['an option without its value', [base, same, '--min-effect']],
    ['a ratio that is none', [base, same, '--min-effect', 'five']],
    ['a confidence of more than one', [base, same, '--confidence', '95']],
    ['a statistic that is none', [base, same, '--statistic', 'median']],
    ['a quantile beyond all', [base, same, '--statistic', 'p100']],
    ['two forms', [base, same, '--json', '--markdown']],
  ])('ends with 64 for %s', (_, args) => {
    const { exit, out, complaints } = run(...args)
    expect([exit, out]).toEqual([64, ''])
    expect(complaints).toMatch(/^shelflife: /)
  })

  it('tells a file that holds no run from one that is not there', () => {
    expect(run(base, file('torn.json', '{ "load": [1,'))).toMatchObject({ exit: 65, complaints: expect.stringContaining('torn.json') })
    expect(run(base, file('odd.json', { load: ['x'] }))).toMatchObject({ exit: 65, complaints: expect.stringContaining("'load'") })
    expect(run(base, file('newer.json', { format: 'shelflife-run', version: 9 })).exit).toBe(65)
    expect(run(base, plain)).toMatchObject({ exit: 65, complaints: expect.stringContaining('unit') })
    expect(run(base, join(folder, 'gone.json'))).toMatchObject({ exit: 66, complaints: expect.stringContaining('ENOENT') })
    expect(run(base, folder).exit).toBe(66)
    expect(run(base, same, '--history', join(folder, 'gone')).exit).toBe(66)
  })

  it('explains itself', () => {
    expect(run('--help')).toMatchObject({ exit: 0, out: expect.stringMatching(/^usage: shelflife compare/) })
  })
})
