import { describe, test } from 'vitest'
import { sqlite } from '../../../js/stores/sqlite.ts'
import { testStore } from '../../../js/testing.ts'
import { drivers, freshFolder } from './sqlite-drivers.ts'

describe.skipIf(drivers.length > 0)('no driver of SQLite', () => {
  test.skip('on this machine', () => {})
})

describe.each(drivers)('a store in a file of SQLite, by %s', (_, driver) => {
  const cases = testStore(
    () => {
      const { path, dispose } = freshFolder()
      return { store: options => sqlite({ path, driver, ...options }), dispose }
    },
    { lacks: ['compaction'] },
  )
  for (const { name, run } of cases) test(name, run)
})

describe.each(drivers)('a store in an open database, by %s', (_, open) => {
  const cases = testStore(
    () => {
      const { path, dispose } = freshFolder()
      const database = open(path)
      return {
        store: () => sqlite({ database }),
        dispose() {
          database.close()
          dispose()
        },
      }
    },
    { lacks: ['compaction', 'budget'] },
  )
  for (const { name, run } of cases) test(name, run)
})
