/** What is said when a log is closed, so that what happens to its youngest file from then on is noticed, too. */

import { type Folder, LAST_WORD } from './folder.ts'
import { frameOf, KIND } from './frame.ts'
import type { History } from './history.ts'
import { errno, writeAll } from './layer.ts'
import { type Manifest, readHashes, readManifest, writeStatement } from './manifest.ts'
import { scan, soundPayload } from './scan.ts'

/** `keys` are the hashes that follow the manifest. */
export async function writeLastWord(folder: Folder, manifest: Manifest, keys: Uint8Array): Promise<void> {
  const handle = await folder.openFile(LAST_WORD, 'replace')
  try {
    await writeAll(handle, frameOf({ kind: KIND.manifest, id: 0, directory: writeStatement(manifest), payload: keys }, 0), 0)
  } finally {
    await handle.close()
  }
}

/** Takes in what it says, unless somebody has written since: then there is a younger file than it knows. */
export async function hearLastWord(folder: Folder, history: History, youngest: number): Promise<void> {
  const handle = await folder.openFile(LAST_WORD, 'read').catch(error => {
    if (errno(error) !== 'ENOENT') throw error
  })
  if (handle === undefined) return
  try {
    const { size } = await handle.stat()
    const { found } = await scan(handle, 0, size)
    const [record] = found
    if (record === undefined || record.head.kind !== KIND.manifest || !record.isSound) return
    const payload = await soundPayload(handle, record)
    const manifest = readManifest(record.directory)
    const last = Math.max(0, ...manifest.files.map(([number]) => number))
    if (last < youngest) return
    history.begin(last + 0.5, manifest, async () => (payload === undefined ? undefined : readHashes(payload)))
  } finally {
    await handle.close()
  }
}
