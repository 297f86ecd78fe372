import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Folder } from '../../../js/stores/fs/folder.ts'
import { type FileLayer, nodeFiles, type OpenFile } from '../../../js/stores/fs/layer.ts'
import { FsMedium } from '../../../js/stores/fs/medium.ts'
import { UnsyncedDisk } from './unsynced-files.ts'

const never = { signal: new AbortController().signal }

function failure(code: string): Error {
  return Object.assign(new Error(code), { code })
}

describe('what a file system cannot do is no empty answer', () => {
  test.skipIf(process.platform === 'win32')('a folder that cannot be synced is not synced', async () => {
    const files = await nodeFiles()
    await expect(files.syncFolder('/nowhere/at/all')).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(files.syncFolder('/')).resolves.toBeUndefined()
  })

  test.skipIf(process.platform === 'win32')('a folder that somebody has removed is empty, and can be written again', async () => {
    const path = mkdtempSync(join(tmpdir(), 'shelflife-layer-'))
    const medium = new FsMedium(path)
    await medium.open(never)
    await medium.append([{ directory: new Uint8Array(8), payload: new Uint8Array(8) }], 'stored', never)
    rmSync(path, { recursive: true })
    await medium.clear()
    expect(await medium.append([{ directory: new Uint8Array(8), payload: new Uint8Array(8) }], 'durable', never)).toEqual([2])
    await medium.close()
    rmSync(path, { recursive: true })
  })

  test('a last word that is there and cannot be read is not passed over', async () => {
    const disk = new UnsyncedDisk()
    const first = new FsMedium('/cache', { openLayer: async () => disk.layer() })
    await first.open(never)
    await first.list(0, never)
    await first.append([{ directory: new Uint8Array(8), payload: new Uint8Array(8) }], 'durable', never)
    await first.close()
    const layer = disk.layer()
    let isFull = true
    const full: FileLayer = {
      ...layer,
      open: (path, mode) => (isFull && path.endsWith('/closed') ? Promise.reject(failure('EMFILE')) : layer.open(path, mode)),
    }
    const second = new FsMedium('/cache', { openLayer: async () => full })
    await second.open(never)
    await expect(second.list(0, never)).rejects.toMatchObject({ code: 'ERR_STORE' })
    isFull = false
    await expect(second.list(0, never)).resolves.toHaveLength(1)
    await second.close()
  })
})

test('an opening that fails late takes no file from those that are kept open', async () => {
  const opens: { resolve(file: OpenFile): void; reject(error: Error): void }[] = []
  const layer = {
    makeFolder: async () => {},
    lock: async () => async () => {},
    open: () => new Promise<OpenFile>((resolve, reject) => opens.push({ resolve, reject })),
  } as unknown as FileLayer
  const folder = new Folder('/cache', async () => layer)
  await folder.open()
  const first = folder.reader(1)
  const closing = folder.closeReader(1)
  const second = folder.reader(1)
  const file = { close: async () => {} } as OpenFile
  opens[1]?.resolve(file)
  opens[0]?.reject(failure('EIO'))
  await expect(first).rejects.toThrow('EIO')
  await closing
  expect([await second, await folder.reader(1), opens.length]).toEqual([file, file, 2])
  await folder.close()
})
