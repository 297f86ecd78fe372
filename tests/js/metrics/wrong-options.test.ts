/** What cannot be meant is refused, by name, and changes nothing. */

import { expect, test } from 'vitest'
import { createRegistry, otlpMetrics } from '../../../js/index.ts'

test.each<[string, (registry: ReturnType<typeof createRegistry>) => unknown]>([
  ['labels', registry => registry.gauge({ name: 'g' }).set({ a: 1 } as never, 5)],
  ['labels', registry => registry.counter({ name: 'n_total' }).with({ a: 1 } as never)],
  ['fn', registry => registry.timer({ name: 't_seconds' }).time(5 as never)],
  ['fn', registry => registry.timer({ name: 't_seconds' }).time(undefined as never)],
  ['fn', registry => registry.timer({ name: 'l_seconds', labelNames: ['a'] }).time({ a: 1 }, 5 as never)],
  ['options', registry => registry.dump(5 as never)],
  ['options', registry => registry.dump(null as never)],
  ['labels', registry => registry.select('n_total', 5 as never)],
  ['resource', registry => otlpMetrics(registry.dump(), { resource: 5 as never })],
  ['resource.a', registry => otlpMetrics(registry.dump(), { resource: { a: 5 as never } })],
])('%s (%s)', (name, call) => {
  const registry = createRegistry()
  expect(() => call(registry)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringMatching(new RegExp(`^${name} must be `)) }),
  )
  for (const { series } of registry.snapshot().metrics) for (const one of series) expect('value' in one ? one.value : one.count).toBe(0)
})

test('an Accept header that is no text', async () => {
  const registry = createRegistry()
  await expect(registry.exposition(5 as never)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  expect((await registry.exposition(null)).contentType).toContain('0.0.4')
})
