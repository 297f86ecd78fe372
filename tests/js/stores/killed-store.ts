/** The stores whose writers are killed. */

import { fileSystem } from '../../../js/stores/fs.ts'
import { sqlite } from '../../../js/stores/sqlite.ts'
import type { Store } from '../../../js/stores/tier.ts'
import { drivers } from './sqlite-drivers.ts'

/** Kinds that this machine can open. */
export const killedKinds: readonly string[] = ['fileSystem', ...drivers.map(([name]) => name)]

/** A store of a kind. */
export function killedStore(kind: string, path: string): Store {
  const [, driver] = drivers.find(([name]) => name === kind) ?? []
  return driver === undefined ? fileSystem({ path }) : sqlite({ path, driver })
}
