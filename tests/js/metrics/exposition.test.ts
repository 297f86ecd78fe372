import { describe, expect, it } from 'vitest'
import { textFormat } from '../../../js/metrics/exposition.ts'
import { createRegistry } from '../../../js/metrics/registry.ts'

describe('the Accept header', () => {
  it.each([
    [undefined, 'prometheus'],
    [null, 'prometheus'],
    ['', 'prometheus'],
    ['*/*', 'prometheus'],
    ['text/html, application/xhtml+xml, */*;q=0.8', 'prometheus'],
    ['text/plain;version=0.0.4;q=0.9,application/openmetrics-text;version=1.0.0;q=0.5', 'prometheus'],
    ['application/openmetrics-text;version=1.0.0;q=0', 'prometheus'],
    ['application/openmetrics-text;version=0.0.1', 'prometheus'],
    ['application/openmetrics-text', 'openmetrics'],
    ['Application/OpenMetrics-Text; Version=1.0.0; charset=utf-8', 'openmetrics'],
    // As Prometheus 2 and 3 send it.
    [
      'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
      'openmetrics',
    ],
    [
      'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.3',
      'openmetrics',
    ],
  ])('%s is answered as %s', (accept, format) => {
    expect(textFormat(accept)).toBe(format)
  })
})

describe('a text', () => {
  it('is what was asked for', async () => {
    const registry = createRegistry()
    registry.counter({ name: 'requests_total', help: 'All.' }).inc(2)
    registry.histogram({ name: 'h', buckets: [1, 2.5] }).observe(2)
    expect(await registry.exposition('application/openmetrics-text')).toEqual({
      contentType: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
      body:
        '# HELP requests All.\n# TYPE requests counter\nrequests_total 2\n' +
        '# TYPE h histogram\nh_bucket{le="1.0"} 0\nh_bucket{le="2.5"} 1\nh_bucket{le="+Inf"} 1\nh_sum 2\nh_count 1\n# EOF\n',
    })
    const { contentType, body } = await registry.exposition()
    expect(contentType).toBe(registry.contentType)
    expect(body).toBe(await registry.metrics())
    await expect(registry.metrics('xml' as never)).rejects.toThrow('format')
  })

  it('is of one moment, whatever is recorded while it is told', async () => {
    const registry = createRegistry()
    const labelNames = ['l'] as const
    const counter = registry.counter({ name: 'c', labelNames })
    const histogram = registry.histogram({ name: 'h', labelNames })
    for (let l = 0; l < 1500; l += 1) {
      counter.inc({ l })
      histogram.observe({ l }, 1)
    }
    const texts = [registry.metrics(), registry.metrics()]
    let rounds = 0
    const recording = setInterval(() => {
      rounds += 1
      for (let l = 0; l < 1500; l += 1) {
        counter.inc({ l })
        histogram.observe({ l }, 1)
      }
    }, 0)
    const [first, second] = await Promise.all(texts)
    clearInterval(recording)
    expect(rounds).toBeGreaterThan(0)
    for (const text of [first, second]) {
      const counts = new Set(text?.split('\n').flatMap(line => /^(?:c|h_count)\{.*\} (\d+)$/.exec(line)?.[1] ?? []))
      expect(counts.size).toBe(1)
    }
    expect(histogram.distribution().count).toBe(1500 * (rounds + 1))
  })
})
