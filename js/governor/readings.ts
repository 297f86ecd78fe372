/**
 * How much memory is used of how much. The denominator is what the process may have: V8's heap limit, not the heap it
 * has taken so far (a healthy heap is nearly full of itself), and the container's limit, not the machine's memory.
 */

import type { MemoryReading } from './types.ts'

interface Process {
  memoryUsage?: () => { heapUsed: number; rss: number }
  constrainedMemory?: () => number
  getBuiltinModule?: (name: string) => { getHeapStatistics?: () => { heap_size_limit: number } } | undefined
}

/** Above this a "limit" is a kernel's way of saying that there is none. */
const MOST_BELIEVABLE_LIMIT = 2 ** 53

/** What this runtime tells; nothing in browsers. */
export function runtimeReadings(): MemoryReading[] {
  const { process } = globalThis as { process?: Process }
  const usage = process?.memoryUsage?.()
  if (usage === undefined) return []
  const readings: MemoryReading[] = []
  const heapLimit = process?.getBuiltinModule?.('node:v8')?.getHeapStatistics?.().heap_size_limit
  if (isLimit(heapLimit)) readings.push({ kind: 'heap', used: usage.heapUsed, limit: heapLimit })
  const containerLimit = process?.constrainedMemory?.()
  if (isLimit(containerLimit)) readings.push({ kind: 'container', used: usage.rss, limit: containerLimit })
  return readings
}

function isLimit(limit: number | undefined): limit is number {
  return limit !== undefined && limit > 0 && limit < MOST_BELIEVABLE_LIMIT
}
