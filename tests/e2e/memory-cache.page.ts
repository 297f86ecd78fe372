/** Runs in the page: the memory cache against its model, and how long the first cache of a page takes. */

import { createCache } from '../../js/index.ts'
import { checkMemoryCache } from '../js/model/memory-cache-model.ts'

export default function run({ sequences }: { sequences: number }): { sequences: number; operations: number; firstCacheMs: number } {
  const began = performance.now()
  createCache()
  const firstCacheMs = performance.now() - began
  return { ...checkMemoryCache(sequences), firstCacheMs }
}
