/**
 * How much memory is used of how much. The denominator is what the process may have: V8's heap limit, not the heap it
 * has taken so far (a healthy heap is nearly full of itself), and the container's limit, not the machine's memory.
 */

import { cgroupReading, isLimit, type ReadText } from './cgroup.ts'
import type { MemoryReading } from './types.ts'

interface Process {
  platform?: string
  memoryUsage?: () => { heapUsed: number; rss: number }
  constrainedMemory?: () => number
  getBuiltinModule?: (name: string) => {
    getHeapStatistics?: () => { heap_size_limit: number }
    readFileSync?: (path: string, encoding: 'utf8') => string
  }
}

/** What this runtime tells; nothing in browsers. */
export function runtimeReadings(): MemoryReading[] {
  const { process } = globalThis as { process?: Process }
  const usage = process?.memoryUsage?.()
  if (usage === undefined) return []
  const readings: MemoryReading[] = []
  const heapLimit = process?.getBuiltinModule?.('node:v8')?.getHeapStatistics?.().heap_size_limit
  if (isLimit(heapLimit)) readings.push({ kind: 'heap', used: usage.heapUsed, limit: heapLimit })
  const container = process?.platform === 'linux' ? cgroupReading(fileReader(process)) : undefined
  const containerLimit = process?.constrainedMemory?.()
  if (container !== undefined) readings.push(container)
  else if (isLimit(containerLimit)) readings.push({ kind: 'container', used: usage.rss, limit: containerLimit })
  return readings
}

function fileReader(process: Process): ReadText {
  return path => {
    try {
      return process.getBuiltinModule?.('node:fs').readFileSync?.(path, 'utf8')
    } catch {
      return undefined
    }
  }
}
