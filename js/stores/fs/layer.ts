/** What a log in files asks of a file system, so that tests can stand in for one that fails or loses what was not synced. */

import { lockFolder, type Unlock } from './lock.ts'

/** An open file. Reads and writes name their place and may do less than was asked. */
export interface OpenFile {
  read(bytes: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>
  write(bytes: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesWritten: number }>
  stat(): Promise<{ readonly size: number; readonly nlink: number }>
  sync(): Promise<void>
  close(): Promise<void>
}

/** How a file is opened: to read; to read and write; the same, made anew and not there before; made empty. */
export type OpenMode = 'read' | 'write' | 'create' | 'replace'

/** A file system. Errors carry `code` as those of Node do. */
export interface FileLayer {
  /** Makes the folder, for this user only, unless it is there. */
  makeFolder(path: string): Promise<void>
  /** The names of the files in a folder: not of links, folders, pipes. */
  names(path: string): Promise<string[]>
  open(path: string, mode: OpenMode): Promise<OpenFile>
  unlink(path: string): Promise<void>
  /** Syncs the names in a folder. */
  syncFolder(path: string): Promise<void>
  /** See `lock.ts`. */
  lock(path: string): Promise<Unlock | undefined>
}

/** The file system of Node. */
export async function nodeFiles(): Promise<FileLayer> {
  const [{ mkdir, readdir, open, unlink }, { constants }, { platform }] = await Promise.all([
    import('node:fs/promises'),
    import('node:fs'),
    import('node:process'),
  ])
  const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC } = constants
  const flags = { read: O_RDONLY, write: O_RDWR, create: O_RDWR | O_CREAT | O_EXCL, replace: O_RDWR | O_CREAT | O_TRUNC }
  // A link that somebody planted leads nowhere, and nobody waits for the other end of a pipe. Windows has no such flags.
  const guards = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
  return {
    makeFolder: async path => void (await mkdir(path, { recursive: true, mode: 0o700 })),
    names: async path => (await readdir(path, { withFileTypes: true })).filter(entry => entry.isFile()).map(({ name }) => name),
    open: (path, mode) => open(path, flags[mode] | guards, 0o600),
    unlink,
    async syncFolder(path) {
      // Windows cannot open a folder, and needs no such thing.
      if (platform === 'win32') return
      const folder = await open(path, O_RDONLY)
      try {
        await folder.sync()
      } finally {
        await folder.close()
      }
    },
    lock: lockFolder,
  }
}

/** Writes all of `bytes`. */
export async function writeAll(file: OpenFile, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}

/** Reads `length` bytes, or as many as there are before the end, or before a place that the disk cannot read any more. */
export async function readAll(file: OpenFile, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, position + done).catch(unreadable)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return bytes.subarray(0, done)
}

function unreadable(error: unknown): { readonly bytesRead: 0 } {
  if (errno(error) !== 'EIO') throw error
  return { bytesRead: 0 }
}

/** The code of an error of a file system. */
export function errno(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
