/** What a page or worker does; see {@link collectDefaultMetrics}. What a browser does not tell is not registered. */

import type { Registry } from '../registry.ts'

interface Entry {
  readonly duration: number
  readonly initiatorType?: string
  readonly transferSize?: number
}

interface Observer {
  observe(options: { type: string; buffered: boolean }): void
  disconnect(): void
}

interface Page {
  readonly performance: {
    readonly memory?: { usedJSHeapSize: number; jsHeapSizeLimit: number }
    getEntriesByType?(type: string): unknown[]
  }
  readonly navigator?: { readonly storage?: { estimate?(): Promise<{ usage?: number; quota?: number }> } }
  readonly PerformanceObserver?: {
    new (callback: (list: { getEntries(): Entry[] }) => void): Observer
    readonly supportedEntryTypes?: readonly string[]
  }
}

/** Registers everything; the functions end it. */
export function collectBrowser(registry: Registry, page: Page = globalThis as unknown as Page): (() => void)[] {
  return [...observed(registry, page), ...memory(registry, page), ...storage(registry, page), ...navigation(registry, page)]
}

function observed(registry: Registry, { PerformanceObserver }: Page): (() => void)[] {
  const stops: (() => void)[] = []
  const observe = (type: string, take: (entry: Entry) => void) => {
    if (PerformanceObserver?.supportedEntryTypes?.includes(type) !== true) return
    const observer = new PerformanceObserver(list => {
      for (const entry of list.getEntries()) take(entry)
    })
    observer.observe({ type, buffered: true })
    stops.push(() => observer.disconnect())
  }
  const tasks = registry.histogram({
    name: 'browser_long_task_duration_seconds',
    help: 'Tasks that held the event loop for 50 ms or longer.',
  })
  observe('longtask', ({ duration }) => tasks.observe(duration / 1000))
  const labelNames = ['initiator'] as const
  const requests = registry.counter({ name: 'browser_requests_total', help: 'Requests of the page, by what began them.', labelNames })
  const bytes = registry.counter({
    name: 'browser_network_receive_bytes_total',
    help: 'Bytes received, by what asked for them; 0 from the cache of the browser, and from other origins that do not tell.',
    labelNames,
  })
  observe('resource', ({ initiatorType, transferSize = 0 }) => {
    const initiator = initiatorType || 'other'
    requests.inc({ initiator })
    bytes.inc({ initiator }, transferSize)
  })
  return stops
}

function memory(registry: Registry, { performance }: Page): (() => void)[] {
  if (performance.memory === undefined) return []
  const used = registry.gauge({ name: 'browser_heap_size_used_bytes', help: 'JavaScript heap in use, as far as the browser tells.' })
  const limit = registry.gauge({ name: 'browser_heap_size_limit_bytes', help: 'JavaScript heap that the browser allows.' })
  return [
    registry.onCollect(() => {
      used.set(performance.memory?.usedJSHeapSize ?? Number.NaN)
      limit.set(performance.memory?.jsHeapSizeLimit ?? Number.NaN)
    }),
  ]
}

function storage(registry: Registry, { navigator }: Page): (() => void)[] {
  const estimate = navigator?.storage?.estimate
  if (estimate === undefined) return []
  const usage = registry.gauge({ name: 'browser_storage_usage_bytes', help: 'Storage of the origin, as the browser estimates it.' })
  const quota = registry.gauge({ name: 'browser_storage_quota_bytes', help: 'Storage that the origin may use.' })
  const collect = async () => {
    const found = await estimate.call(navigator?.storage)
    usage.set(found.usage ?? Number.NaN)
    quota.set(found.quota ?? Number.NaN)
  }
  return [registry.onCollect(collect)]
}

function navigation(registry: Registry, { performance }: Page): (() => void)[] {
  const timing = () => performance.getEntriesByType?.('navigation')[0] as Record<string, number> | undefined
  if (timing() === undefined) return []
  const labelNames = ['until'] as const
  const gauge = registry.gauge({ name: 'browser_navigation_seconds', help: 'Time since the navigation began.', labelNames })
  const moments = {
    response: 'responseStart',
    interactive: 'domInteractive',
    content_loaded: 'domContentLoadedEventEnd',
    loaded: 'loadEventEnd',
  }
  return [
    registry.onCollect(() => {
      const entry = timing()
      for (const [until, moment] of Object.entries(moments)) {
        const at = entry?.[moment] ?? 0
        if (at > 0) gauge.set({ until }, at / 1000)
      }
    }),
  ]
}
