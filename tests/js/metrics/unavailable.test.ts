import { afterEach, expect, it, vi } from 'vitest'
import { createRegistry } from '../../../js/metrics/registry.ts'

afterEach(() => vi.unstubAllGlobals())

it('without WebAssembly recording goes on, samples that are lost are counted, and only answers about histograms fail', async () => {
  vi.stubGlobal('WebAssembly', undefined)
  const counting = createRegistry()
  counting.counter({ name: 'c' }).inc()
  expect(counting.snapshot().metrics).toMatchObject([{ series: [{ value: 1 }] }])

  const registry = createRegistry()
  const histogram = registry.histogram({ name: 'h' })
  for (let at = 0; at < 1500; at += 1) histogram.observe(at)
  expect(registry.droppedSamples).toBe(1024)
  expect(() => registry.snapshot()).toThrow(expect.objectContaining({ code: 'ERR_WASM_UNAVAILABLE' }))
  await expect(registry.metrics()).rejects.toMatchObject({ code: 'ERR_WASM_UNAVAILABLE' })

  vi.unstubAllGlobals()
  expect(registry.snapshot().metrics).toMatchObject([{ series: [{ count: 476, min: 1024 }] }])
})
