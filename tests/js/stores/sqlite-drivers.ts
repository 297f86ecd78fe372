/** The drivers of SQLite that there are on this machine: `better-sqlite3` where it could be compiled, `node:sqlite` where Node has it. */

import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findDriver, type OpenSqlite } from '../../../js/stores/sqlite/driver.ts'

/** From here, where `better-sqlite3` is installed; a bundle that lies elsewhere is told. */
const require = createRequire(process.env.SHELFLIFE_TESTS ?? import.meta.url)
const load = async (module: string) => ({
  default: undefined,
  ...require(module),
  ...(module.startsWith('node:') ? {} : { default: require(module) }),
})

const found: [string, OpenSqlite][] = []
for (const name of ['node:sqlite', 'better-sqlite3'] as const) {
  try {
    const open = await findDriver(name, load)
    open(':memory:').close()
    found.push([name, open])
  } catch {
    // It is not on this machine.
  }
}

export const drivers: readonly (readonly [string, OpenSqlite])[] = found

/** A folder of its own, and how to remove it. */
export function freshFolder(): { folder: string; path: string; dispose(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'shelflife-sqlite-'))
  return { folder, path: join(folder, 'cache.db'), dispose: () => rmSync(folder, { recursive: true }) }
}
