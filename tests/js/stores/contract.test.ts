import { describe, test } from 'vitest'
import { MemoryLog, memoryStore, testStore } from '../../../js/testing.ts'

describe('a store in memory', () => {
  for (const { name, run } of testStore(() => {
    const log = new MemoryLog()
    return { store: options => memoryStore({ log, ...options }) }
  })) {
    test(name, run)
  }
})
