/** What a Node process does; see {@link collectDefaultMetrics}. Modules of Node are asked for when this runs, so that pages need none. */

import type { Registry } from '../registry.ts'
import { copiedFiles } from './proc.ts'

/** Where numbers come from. */
export interface NodeSources {
  process: NodeProcess
  perfHooks?: NodePerformance
  v8?: { getHeapSpaceStatistics(): HeapSpace[] }
  /** The text of a file, or the names in a folder when `names` is set; `undefined` where there is none. */
  read?: (path: string, names?: boolean) => string | undefined
}

/** What is used of `process`. */
export interface NodeProcess {
  readonly version: string
  cpuUsage(): { user: number; system: number }
  memoryUsage(): { rss: number; heapTotal: number; heapUsed: number; external: number; arrayBuffers: number }
  uptime(): number
  resourceUsage?(): { fsRead: number; fsWrite: number }
  getActiveResourcesInfo?(): string[]
}

/** What is used of `node:perf_hooks`. */
export interface NodePerformance {
  performance: { eventLoopUtilization(now?: unknown, before?: unknown): { utilization: number } }
  monitorEventLoopDelay(options: { resolution: number }): LoopDelay
  PerformanceObserver: new (
    callback: (list: { getEntries(): { duration: number; detail?: unknown }[] }) => void,
  ) => { observe(options: { entryTypes: string[] }): void; disconnect(): void }
}

/** Delays of the event loop, in nanoseconds. */
export interface LoopDelay {
  readonly min: number
  readonly max: number
  readonly mean: number
  readonly stddev: number
  percentile(percentile: number): number
  enable(): boolean
  disable(): boolean
  reset(): void
}

interface HeapSpace {
  space_name: string
  space_size: number
  space_used_size: number
  space_available_size: number
}

const GC_KINDS: Record<number, string> = { 1: 'minor', 4: 'major', 8: 'incremental', 16: 'weakcb' }

/** Registers everything; the functions end it. */
export function collectNode(registry: Registry, given: NodeSources | undefined, resolution: number): (() => void)[] {
  const sources = given ?? ownSources()
  const stops = [registry.onCollect(processNumbers(registry, sources)), registry.onCollect(copiedFiles(registry, sources))]
  if (sources.v8 !== undefined) stops.push(registry.onCollect(heapSpaces(registry, sources.v8)))
  if (sources.perfHooks !== undefined)
    stops.push(...eventLoop(registry, sources.perfHooks, resolution), garbage(registry, sources.perfHooks))
  return stops
}

function processNumbers(registry: Registry, { process }: NodeSources): () => void {
  const user = registry.counter({ name: 'process_cpu_user_seconds_total', help: 'Total user CPU time spent in seconds.' })
  const system = registry.counter({ name: 'process_cpu_system_seconds_total', help: 'Total system CPU time spent in seconds.' })
  const cpu = registry.counter({ name: 'process_cpu_seconds_total', help: 'Total user and system CPU time spent in seconds.' })
  const started = registry.gauge({ name: 'process_start_time_seconds', help: 'Start time of the process since unix epoch in seconds.' })
  const rss = registry.gauge({ name: 'process_resident_memory_bytes', help: 'Resident memory size in bytes.' })
  const total = registry.gauge({ name: 'nodejs_heap_size_total_bytes', help: 'Process heap size from Node.js in bytes.' })
  const used = registry.gauge({ name: 'nodejs_heap_size_used_bytes', help: 'Process heap size used from Node.js in bytes.' })
  const external = registry.gauge({ name: 'nodejs_external_memory_bytes', help: 'Node.js external memory size in bytes.' })
  const buffers = registry.gauge({ name: 'nodejs_array_buffers_bytes', help: 'Memory of ArrayBuffers and Buffers in bytes.' })
  const resources = registry.gauge({
    name: 'nodejs_active_resources',
    help: 'Number of active resources that are currently keeping the event loop alive, grouped by async resource type.',
    labelNames: ['type'],
  })
  const allResources = registry.gauge({ name: 'nodejs_active_resources_total', help: 'Total number of active resources.' })
  const reads = registry.counter({ name: 'process_fs_reads_total', help: 'Times that the file system had to read.' })
  const writes = registry.counter({ name: 'process_fs_writes_total', help: 'Times that the file system had to write.' })
  const [major = '', minor = '', patch = ''] = process.version.slice(1).split('.')
  const labelNames = ['version', 'major', 'minor', 'patch'] as const
  registry
    .gauge({ name: 'nodejs_version_info', help: 'Node.js version info.', labelNames })
    .set({ version: process.version, major, minor, patch }, 1)
  started.set(Math.round(Date.now() / 1000 - process.uptime()))
  const kinds = new Set<string>()
  return () => {
    const times = process.cpuUsage()
    user.setTotal(times.user / 1e6)
    system.setTotal(times.system / 1e6)
    cpu.setTotal((times.user + times.system) / 1e6)
    const memory = process.memoryUsage()
    rss.set(memory.rss)
    total.set(memory.heapTotal)
    used.set(memory.heapUsed)
    external.set(memory.external)
    buffers.set(memory.arrayBuffers)
    const active = new Map<string, number>()
    for (const kind of process.getActiveResourcesInfo?.() ?? []) {
      kinds.add(kind)
      active.set(kind, (active.get(kind) ?? 0) + 1)
    }
    let sum = 0
    for (const type of kinds) {
      resources.set({ type }, active.get(type) ?? 0)
      sum += active.get(type) ?? 0
    }
    allResources.set(sum)
    const io = process.resourceUsage?.()
    reads.setTotal(io?.fsRead ?? 0)
    writes.setTotal(io?.fsWrite ?? 0)
  }
}

function heapSpaces(registry: Registry, v8: NonNullable<NodeSources['v8']>): () => void {
  const labelNames = ['space'] as const
  const gauge = (part: string) =>
    registry.gauge({
      name: `nodejs_heap_space_size_${part}_bytes`,
      help: `Process heap space size ${part} from Node.js in bytes.`,
      labelNames,
    })
  const [total, used, available] = [gauge('total'), gauge('used'), gauge('available')]
  return () => {
    for (const one of v8.getHeapSpaceStatistics()) {
      const space = one.space_name.replace(/_space$/, '')
      total.set({ space }, one.space_size)
      used.set({ space }, one.space_used_size)
      available.set({ space }, one.space_available_size)
    }
  }
}

function eventLoop(registry: Registry, { performance, monitorEventLoopDelay }: NodePerformance, resolution: number): (() => void)[] {
  const gauge = (part: string, help: string) => registry.gauge({ name: `nodejs_eventloop_lag_${part}seconds`, help })
  const now = gauge('', 'Lag of event loop in seconds: the longest since the last look.')
  const parts = [
    { gauge: gauge('min_', 'The minimum recorded event loop delay.'), read: (delay: LoopDelay) => delay.min },
    { gauge: gauge('max_', 'The maximum recorded event loop delay.'), read: (delay: LoopDelay) => delay.max },
    { gauge: gauge('mean_', 'The mean of the recorded event loop delays.'), read: (delay: LoopDelay) => delay.mean },
    { gauge: gauge('stddev_', 'The standard deviation of the recorded event loop delays.'), read: (delay: LoopDelay) => delay.stddev },
    ...[50, 90, 99].map(p => ({
      gauge: gauge(`p${p}_`, `The ${p}th percentile of the recorded event loop delays.`),
      read: (delay: LoopDelay) => delay.percentile(p),
    })),
  ]
  const utilization = registry.gauge({
    name: 'nodejs_eventloop_utilization',
    help: 'The share of time since the last look in which the event loop was not idle.',
  })
  const delay = monitorEventLoopDelay({ resolution })
  delay.enable()
  let before = performance.eventLoopUtilization()
  const stop = registry.onCollect(() => {
    const current = performance.eventLoopUtilization()
    utilization.set(performance.eventLoopUtilization(current, before).utilization)
    before = current
    // What is measured is the time between two ticks; a loop without delay has one every `resolution`. Before the first it is no number.
    const seconds = (nanoseconds: number) => (Number.isFinite(nanoseconds) && nanoseconds < 1e18 ? nanoseconds / 1e9 : 0)
    for (const part of parts) part.gauge.set(seconds(part.read(delay)))
    now.set(seconds(Math.max(0, delay.max - resolution * 1e6)))
    delay.reset()
  })
  return [stop, () => void delay.disable()]
}

function garbage(registry: Registry, { PerformanceObserver }: NodePerformance): () => void {
  const durations = registry.histogram({
    name: 'nodejs_gc_duration_seconds',
    help: 'Garbage collection duration by kind, one of major, minor, incremental or weakcb.',
    labelNames: ['kind'],
    buckets: [0.001, 0.01, 0.1, 1, 2, 5],
  })
  const observer = new PerformanceObserver(list => {
    for (const { duration, detail } of list.getEntries()) {
      const kind = GC_KINDS[(detail as { kind?: number } | undefined)?.kind ?? 0] ?? 'other'
      durations.observe({ kind }, duration / 1000)
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  return () => observer.disconnect()
}

function ownSources(): NodeSources {
  const { process } = globalThis as unknown as { process: NodeProcess & { getBuiltinModule?: (name: string) => unknown } }
  const module = <T>(name: string) => process.getBuiltinModule?.(name) as T | undefined
  const perfHooks = module<NodePerformance>('node:perf_hooks')
  const v8 = module<NonNullable<NodeSources['v8']>>('node:v8')
  const fs = module<{ readFileSync(path: string, encoding: string): string; readdirSync(path: string): string[] }>('node:fs')
  const read = (path: string, names = false) => {
    try {
      return names ? fs?.readdirSync(path).join('\n') : fs?.readFileSync(path, 'utf8')
    } catch {
      return undefined
    }
  }
  return { process, read, ...(perfHooks && { perfHooks }), ...(v8 && { v8 }) }
}
