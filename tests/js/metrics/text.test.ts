import { execFileSync, spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRegistry } from '../../../js/metrics/registry.ts'
import { parseText } from './prometheus.ts'

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({
    unit: fc.constantFrom('\\', '"', '\n', '\r', 'n', '\ud800', '\udc00', '{', '}', ',', '=', '#', ' ', '\u2028', '\0'),
    maxLength: 12,
  }),
)
const shown = (text: string) => text.replace(/\r\n?/g, '\n').replace(/\p{Cs}/gu, '\ufffd')

describe('the text', () => {
  it('reads back as what was recorded, whatever the labels and the help', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(hostile, hostile, fc.double({ min: 0, noDefaultInfinity: true, noNaN: true })), { maxLength: 8 }),
        hostile,
        async (rows, help) => {
          const registry = createRegistry({ defaultLabels: { job: 'a"b' } })
          const counter = registry.counter({ name: 'c', help, labelNames: ['x', 'y'] })
          const expected = new Map<string, number>()
          for (const [x, y, n] of rows) {
            const key = JSON.stringify([shown(x), shown(y)])
            const total = (expected.get(key) ?? 0) + n
            if (!Number.isFinite(total)) continue
            expected.set(key, total)
            counter.with({ x, y }).inc(n)
          }
          const family = parseText(await registry.metrics()).get('c')
          const found = (family?.samples ?? []).map(({ labels, value }) => {
            expect(labels.get('job')).toBe('a"b')
            return [JSON.stringify([labels.get('x'), labels.get('y')]), value] as const
          })
          expect(new Map(found)).toEqual(expected)
          expect(found.length).toBe(expected.size)
          // A carriage return in help is told as a line feed, one for one.
          if (family !== undefined) expect(family.help).toBe(help.replace(/\r/g, '\n').replace(/\p{Cs}/gu, '\ufffd'))
        },
      ),
      { numRuns: 1000 },
    )
  })

  it('has every number in a form that reads back as the same number', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.double(), { minLength: 1, maxLength: 20 }), async numbers => {
        const registry = createRegistry()
        const gauge = registry.gauge({ name: 'g', labelNames: ['at'] })
        numbers.forEach((number, at) => {
          gauge.with({ at }).set(number)
        })
        const samples = parseText(await registry.metrics()).get('g')?.samples ?? []
        // Minus zero is told as 0.
        expect(samples.map(({ value }) => value)).toEqual(numbers.map(number => number + 0))
      }),
    )
  })

  it('has rising buckets that end in the count', async () => {
    const registry = createRegistry()
    const timer = registry.timer({ name: 't_seconds', labelNames: ['op'] })
    for (let at = 0; at < 1000; at += 1) timer.with({ op: at % 3 }).observe((at * at) / 5000)
    const samples = parseText(await registry.metrics()).get('t_seconds')?.samples ?? []
    for (const op of ['0', '1', '2']) {
      const mine = samples.filter(({ labels }) => labels.get('op') === op)
      const buckets = mine.filter(({ name }) => name === 't_seconds_bucket').map(({ value }) => value)
      expect(buckets).toEqual([...buckets].sort((a, b) => a - b))
      expect(buckets.at(-1)).toBe(mine.find(({ name }) => name === 't_seconds_count')?.value)
    }
  })

  it('is empty without metrics, and leaves out families without series', async () => {
    const registry = createRegistry()
    expect(await registry.metrics()).toBe('')
    registry.counter({ name: 'c', help: 'x', labelNames: ['a'] })
    expect(await registry.metrics()).toBe('')
    expect(registry.contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
  })

  it.skipIf(spawnSync('promtool', ['--version']).error !== undefined)('passes promtool check metrics', async () => {
    const registry = createRegistry({ prefix: 'app_' })
    const requests = registry.counter({ name: 'requests_total', help: 'All requests.\n"Quoted" \\.', labelNames: ['path'] })
    for (const path of ['/', 'a\\b', '"', '\n', '\r', '\ud800', 'ключ']) requests.with({ path }).inc()
    registry.gauge({ name: 'temperature_celsius', help: 'Now.' }).set(Number.NaN)
    registry.timer({ name: 'load_seconds', help: 'Loading.' }).observe(0.3)
    execFileSync('promtool', ['check', 'metrics'], { input: await registry.metrics() })
  })
})
