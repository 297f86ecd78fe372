import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { fileSystem } from '../../../js/stores/fs.ts'
import { MemoryLog, memoryStore, testStore } from '../../../js/testing.ts'

describe('a store in memory', () => {
  const cases = testStore(() => {
    const log = new MemoryLog()
    return { store: options => memoryStore({ log, ...options }) }
  })
  for (const { name, run } of cases) test(name, run)
})

describe('a store in files', () => {
  const cases = testStore(() => {
    const path = mkdtempSync(join(tmpdir(), 'shelflife-'))
    return { store: options => fileSystem({ path, ...options }), dispose: () => rmSync(path, { recursive: true }) }
  })
  for (const { name, run } of cases) test(name, run)
})
