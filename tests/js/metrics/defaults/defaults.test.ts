import { describe, expect, it } from 'vitest'
import { collectBrowser } from '../../../../js/metrics/defaults/browser.ts'
import { collectDefaultMetrics } from '../../../../js/metrics/defaults/collect.ts'
import type { NodeSources } from '../../../../js/metrics/defaults/node.ts'
import { createRegistry } from '../../../../js/metrics/registry.ts'

const valuesOf = (registry: ReturnType<typeof createRegistry>, name: string) =>
  registry
    .snapshot()
    .metrics.find(metric => metric.name === name)
    ?.series.map(series => ('value' in series ? series.value : series.count))

function fake() {
  const files: Record<string, string> = {
    '/proc/self/status': 'Name:\tnode\nVmSize:\t  100 kB\nVmData:\t   50 kB\n',
    '/proc/self/fd': '0\n1\n2\n17',
    '/proc/self/limits': 'Limit  Soft\nMax open files            1024                 4096                 files\n',
    '/proc/self/io': 'rchar: 500\nwchar: 700\n',
    '/proc/self/net/netstat': 'TcpExt: A B\nTcpExt: 1 2\nIpExt: InNoRoutes InOctets OutOctets\nIpExt: 0 1000 2000\n',
  }
  const state = {
    cpu: 1_500_000,
    resources: ['Timeout', 'Timeout', 'TCPSocketWrap'],
    enabled: 0,
    observed: [] as string[],
    gc: (_: number, __: number) => {},
  }
  const sources: NodeSources = {
    process: {
      version: 'v20.1.2',
      cpuUsage: () => ({ user: state.cpu, system: 500_000 }),
      memoryUsage: () => ({ rss: 1, heapTotal: 2, heapUsed: 3, external: 4, arrayBuffers: 5 }),
      uptime: () => 10,
      resourceUsage: () => ({ fsRead: 6, fsWrite: 7 }),
      getActiveResourcesInfo: () => state.resources,
    },
    v8: { getHeapSpaceStatistics: () => [{ space_name: 'old_space', space_size: 8, space_used_size: 9, space_available_size: 10 }] },
    read: path => files[path],
    perfHooks: {
      performance: { eventLoopUtilization: (_now?: unknown, before?: unknown) => ({ utilization: before === undefined ? 0 : 0.25 }) },
      monitorEventLoopDelay: () => ({
        min: 20e6,
        max: 120e6,
        mean: 40e6,
        stddev: Number.NaN,
        percentile: p => p * 1e6,
        enable() {
          state.enabled += 1
          return true
        },
        disable() {
          state.enabled -= 1
          return true
        },
        reset: () => {},
      }),
      PerformanceObserver: class {
        constructor(callback: (list: { getEntries(): { duration: number; detail: unknown }[] }) => void) {
          state.gc = (kind, duration) => callback({ getEntries: () => [{ duration, detail: { kind } }] })
        }
        observe({ entryTypes }: { entryTypes: string[] }) {
          state.observed.push(...entryTypes)
        }
        disconnect() {
          state.observed.length = 0
        }
      },
    },
  }
  return { sources, state, files }
}

describe('the numbers of a Node process', () => {
  it('are those of its sources, under their usual names', () => {
    const { sources, state } = fake()
    const registry = createRegistry()
    const defaults = collectDefaultMetrics(registry, { sources })
    state.gc(4, 12)
    const expected: Record<string, number[]> = {
      process_cpu_seconds_total: [2],
      process_cpu_user_seconds_total: [1.5],
      process_resident_memory_bytes: [1],
      nodejs_heap_size_used_bytes: [3],
      nodejs_heap_space_size_used_bytes: [9],
      nodejs_active_resources: [2, 1],
      nodejs_active_resources_total: [3],
      nodejs_version_info: [1],
      nodejs_eventloop_lag_seconds: [0.1],
      nodejs_eventloop_lag_p99_seconds: [0.099],
      nodejs_eventloop_lag_stddev_seconds: [0],
      nodejs_eventloop_utilization: [0.25],
      nodejs_gc_duration_seconds: [1],
      process_virtual_memory_bytes: [102_400],
      process_open_fds: [3],
      process_max_fds: [1024],
      process_io_read_bytes_total: [500],
      process_network_transmit_bytes_total: [2000],
    }
    for (const [name, value] of Object.entries(expected)) expect([name, valuesOf(registry, name)]).toEqual([name, value])
    state.resources = ['TCPSocketWrap']
    state.cpu += 1e6
    expect(valuesOf(registry, 'nodejs_active_resources')).toEqual([0, 1])
    expect(valuesOf(registry, 'process_cpu_seconds_total')).toEqual([3])
    expect([state.enabled, state.observed]).toEqual([1, ['gc']])
    defaults.stop()
    defaults.stop()
    expect([state.enabled, state.observed]).toEqual([0, []])
    state.cpu += 1e6
    expect(valuesOf(registry, 'process_cpu_seconds_total')).toEqual([3])
  })

  it('are there without the files of Linux too', () => {
    const { sources } = fake()
    const registry = createRegistry()
    collectDefaultMetrics(registry, { sources: { process: sources.process } })
    expect(valuesOf(registry, 'process_resident_memory_bytes')).toEqual([1])
    expect(registry.get('process_open_fds')).toBeUndefined()
    expect(registry.lastCollectError).toBeUndefined()
  })

  it('are those of this process by default', async () => {
    const registry = createRegistry()
    const defaults = collectDefaultMetrics(registry)
    const text = await registry.metrics()
    defaults.stop()
    expect(registry.lastCollectError).toBeUndefined()
    expect(text).toMatch(/^process_resident_memory_bytes [1-9]\d{6,}$/m)
    expect(text).toMatch(/^nodejs_heap_space_size_used_bytes\{space="old"\} [1-9]/m)
    expect(() => collectDefaultMetrics(undefined as never)).toThrow('registry')
    expect(() => collectDefaultMetrics(registry, { eventLoopResolution: 0 })).toThrow('eventLoopResolution')
  })
})

it('a page tells long tasks, memory, storage, navigation and network', async () => {
  const registry = createRegistry()
  const callbacks = new Map<string, (list: { getEntries(): unknown[] }) => void>()
  class PerformanceObserver {
    static supportedEntryTypes = ['longtask', 'resource']
    readonly #callback: (list: { getEntries(): unknown[] }) => void
    constructor(callback: (list: { getEntries(): unknown[] }) => void) {
      this.#callback = callback
    }
    observe({ type }: { type: string }) {
      callbacks.set(type, this.#callback)
    }
    disconnect() {
      callbacks.clear()
    }
  }
  const page = {
    performance: {
      memory: { usedJSHeapSize: 5, jsHeapSizeLimit: 50 },
      getEntriesByType: () => [{ responseStart: 100, domInteractive: 200, domContentLoadedEventEnd: 0, loadEventEnd: 0 }],
    },
    navigator: { storage: { estimate: async () => ({ usage: 7, quota: 70 }) } },
    PerformanceObserver,
  }
  const stops = collectBrowser(registry, page as never)
  callbacks.get('longtask')?.({ getEntries: () => [{ duration: 80 }] })
  callbacks.get('resource')?.({
    getEntries: () => [
      { initiatorType: 'fetch', transferSize: 300 },
      { initiatorType: '', transferSize: 1 },
    ],
  })
  const text = await registry.metrics()
  for (const line of [
    'browser_long_task_duration_seconds_count 1',
    'browser_requests_total{initiator="fetch"} 1',
    'browser_network_receive_bytes_total{initiator="other"} 1',
    'browser_heap_size_used_bytes 5',
    'browser_storage_quota_bytes 70',
    'browser_navigation_seconds{until="response"} 0.1',
  ])
    expect(text).toContain(`${line}\n`)
  expect(text).not.toContain('content_loaded')
  for (const stop of stops) stop()
  expect(callbacks.size).toBe(0)
  expect(collectBrowser(createRegistry(), { performance: {} } as never)).toEqual([])
})
