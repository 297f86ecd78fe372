/** A log of segments in a folder: files that grow by appending and are removed when nothing in them is live. */

import type { FileHandle } from 'node:fs/promises'
import { isShelflifeError, ShelflifeError } from '../errors.ts'
import { checksum } from './checksum.ts'
import { DEAD_MARK, FRAME_HEAD, frameOf, readHead } from './fs-frame.ts'
import { lockFolder, type Unlock } from './fs-lock.ts'
import type { Durability, ListedSegment, MediumCall, Segment, SegmentMedium } from './segment-medium.ts'

/** A file is followed by a new one when it has grown to this. */
const FILE_BYTES = 4 * 1024 * 1024
/** Files that are kept open for reading. */
const OPEN_FILES = 32
/** Read together with a head: most directories fit. */
const LOOKAHEAD = 32 * 1024
const NAME = /^\d{10}\.segments$/

interface LogFile {
  readonly path: string
  readonly number: number
  /** Bytes that are known to hold segments. */
  size: number
  /** Bytes of segments that are not removed. */
  live: number
}

interface Frame {
  readonly file: LogFile
  readonly offset: number
  readonly length: number
  readonly payloadAt: number
  readonly payloadLength: number
}

type FsModule = typeof import('node:fs/promises') & { readonly flags: typeof import('node:fs').constants }

/** See the top of this file. Only the process that holds the folder's lock writes; no file is ever written by two. */
export class FsMedium implements SegmentMedium {
  readonly overhead = FRAME_HEAD
  readonly #folder: string
  readonly #files = new Map<number, LogFile>()
  readonly #frames = new Map<number, Frame>()
  readonly #readers = new Map<number, Promise<FileHandle>>()
  #fs: FsModule | undefined
  #unlock: Unlock | undefined
  #writer: { readonly file: LogFile; readonly handle: FileHandle } | undefined
  #folderIsSynced = true
  #last = 0

  constructor(folder: string) {
    this.#folder = folder
  }

  get writable(): boolean {
    return this.#unlock !== undefined
  }

  open({ signal }: MediumCall): Promise<void> {
    return named('open', async () => {
      const fs = await import('node:fs/promises')
      this.#fs = { ...fs, flags: (await import('node:fs')).constants }
      await this.#settleIn()
      if (!signal.aborted) return
      await this.close()
      signal.throwIfAborted()
    })
  }

  append(segments: readonly Segment[], durability: Durability, { signal }: MediumCall): Promise<number[]> {
    return named('append', async () => {
      signal.throwIfAborted()
      const ids = segments.map((_, index) => this.#last + 1 + index)
      // Ids of an append that fails are used up: what of it reached the disk must not meet a namesake.
      this.#last += segments.length
      const frames = segments.map((segment, index) => frameOf(ids[index] as number, segment))
      const file = await this.#put(Buffer.concat(frames), durability)
      for (const [index, { directory, payload }] of segments.entries()) {
        const length = FRAME_HEAD + directory.length + payload.length
        this.#enter(ids[index] as number, file, file.size, directory.length, payload.length)
        file.size += length
      }
      return ids
    })
  }

  list(after: number, { signal }: MediumCall): Promise<ListedSegment[]> {
    return named('list', async () => {
      const { readdir } = this.#module
      const names = (await readdir(this.#folder)).filter(name => NAME.test(name)).sort()
      const numbers = new Set(names.map(name => Number.parseInt(name, 10)))
      for (const number of this.#files.keys()) if (!numbers.has(number)) await this.#forget(number)
      const listed = new Map<number, ListedSegment>()
      for (const [id, frame] of this.#frames) if (id > after) await this.#list(id, frame, listed)
      for (const number of numbers) {
        signal.throwIfAborted()
        await this.#scan(number, after, listed)
      }
      return [...listed.values()].sort((a, b) => a.id - b.id)
    })
  }

  read(id: number, { signal }: MediumCall): Promise<Uint8Array | undefined> {
    return named('read', async () => {
      signal.throwIfAborted()
      const frame = this.#frames.get(id)
      if (frame === undefined) return undefined
      const { file, payloadAt, payloadLength } = frame
      try {
        const read = async () => readAll(await this.#reader(file), payloadAt, payloadLength)
        // The handle may be closed, for another file's sake, between being found and being used.
        const bytes = await read().catch(error => (errno(error) === 'EBADF' ? read() : Promise.reject(error)))
        return bytes.length === payloadLength ? bytes : undefined
      } catch (error) {
        if (errno(error) === 'ENOENT') return undefined
        throw error
      }
    })
  }

  remove(ids: readonly number[], { signal }: MediumCall): Promise<void> {
    return named('remove', async () => {
      signal.throwIfAborted()
      const marked = new Set<LogFile>()
      for (const id of ids) {
        const frame = this.#frames.get(id)
        if (frame === undefined) continue
        this.#frames.delete(id)
        frame.file.live -= frame.length
        if (frame.file.live === 0 && frame.file !== this.#writer?.file) continue
        await this.#mark(frame)
        marked.add(frame.file)
      }
      await this.#tidy(marked)
    })
  }

  clear(): Promise<void> {
    return named('clear', async () => {
      await this.#seal()
      // The oldest first: should we die half-way, no value comes back that something younger had replaced.
      for (const number of [...this.#files.keys()].sort((a, b) => a - b)) await this.#unlink(number)
    })
  }

  async close(): Promise<void> {
    await this.#seal()
    for (const number of [...this.#readers.keys()]) await this.#closeReader(number)
    await this.#unlock?.()
    this.#unlock = undefined
  }

  get #module(): FsModule {
    if (this.#fs === undefined) throw new ShelflifeError('ERR_STORE', 'the folder is not open')
    return this.#fs
  }

  #path(number: number): string {
    return `${this.#folder}/${String(number).padStart(10, '0')}.segments`
  }

  /** Makes the folder and takes its lock. */
  async #settleIn(): Promise<void> {
    await this.#module.mkdir(this.#folder, { recursive: true, mode: 0o700 })
    this.#unlock = await lockFolder(this.#folder)
  }

  /** Every opening of the folder begins a file of its own, so that nothing is ever appended to a torn tail. */
  async #writerWithRoom(): Promise<{ readonly file: LogFile; readonly handle: FileHandle }> {
    if (this.#writer !== undefined) {
      const { nlink } = await this.#writer.handle.stat()
      if (nlink > 0 && this.#writer.file.size < FILE_BYTES) return this.#writer
      await this.#seal()
      if (nlink === 0) await this.#moveIn()
    }
    const { open, flags } = this.#module
    const number = Math.max(0, ...this.#files.keys()) + 1
    const file = { path: this.#path(number), number, size: 0, live: 0 }
    const create = () => open(file.path, flags.O_CREAT | flags.O_EXCL | flags.O_RDWR | (flags.O_NOFOLLOW ?? 0), 0o600)
    const handle = await create().catch(async error => {
      if (errno(error) !== 'ENOENT') throw error
      await this.#moveIn()
      return create()
    })
    this.#folderIsSynced = false
    this.#files.set(number, file)
    this.#writer = { file, handle }
    return this.#writer
  }

  /** Writes at the end of the youngest file, and says which that is. */
  async #put(bytes: Uint8Array, durability: Durability): Promise<LogFile> {
    const { file, handle } = await this.#writerWithRoom()
    try {
      await writeAll(handle, bytes, file.size)
      if (durability === 'durable') await this.#sync(handle)
      return file
    } catch (error) {
      // Half a segment may stand there: nothing is appended to this file any more.
      await this.#seal()
      throw error
    }
  }

  /** Somebody removed our file, and the folder with it as like as not: what we write must not go where nobody finds it. */
  async #moveIn(): Promise<void> {
    const unlock = this.#unlock
    this.#unlock = undefined
    await unlock?.()
    await this.#settleIn()
    if (!this.writable) throw new ShelflifeError('ERR_STORE', 'the folder was removed, and somebody else holds the new one')
  }

  async #seal(): Promise<void> {
    const writer = this.#writer
    this.#writer = undefined
    await writer?.handle.close()
  }

  async #sync(handle: FileHandle): Promise<void> {
    await handle.sync()
    if (this.#folderIsSynced) return
    const { open, flags } = this.#module
    // Windows cannot open a folder, and needs no such thing.
    const folder = await open(this.#folder, flags.O_RDONLY).catch(() => undefined)
    try {
      await folder?.sync()
    } finally {
      await folder?.close()
    }
    this.#folderIsSynced = true
  }

  #enter(id: number, file: LogFile, offset: number, directoryLength: number, payloadLength: number): void {
    const length = FRAME_HEAD + directoryLength + payloadLength
    const old = this.#frames.get(id)
    // A copy that a tidying left in two files.
    if (old !== undefined) old.file.live -= old.length
    this.#frames.set(id, { file, offset, length, payloadAt: offset + FRAME_HEAD + directoryLength, payloadLength })
    file.live += length
    this.#last = Math.max(this.#last, id)
  }

  /**
   * Reads the heads and directories of a file from where it was left. Damage is reported as a segment without a
   * directory behind all others so far: what it held is not known, so nothing older can be believed.
   */
  async #scan(number: number, after: number, listed: Map<number, ListedSegment>): Promise<void> {
    const file = this.#files.get(number) ?? { path: this.#path(number), number, size: 0, live: 0 }
    this.#files.set(number, file)
    const handle = await this.#reader(file)
    const { size } = await handle.stat()
    while (file.size < size) {
      const offset = file.size
      let bytes = await readAll(handle, offset, Math.min(LOOKAHEAD, size - offset))
      const head = readHead(bytes)
      if (head === 'newer') throw new ShelflifeError('ERR_STORE', 'a newer version of shelflife wrote here')
      if (head === 'end') return
      const end = head === 'damaged' ? 0 : offset + FRAME_HEAD + head.directoryLength + head.payloadLength
      if (end > size) return
      if (head === 'damaged') return this.#report(this.#last, listed)
      file.size = end
      if (head.dead) continue
      const directoryEnd = FRAME_HEAD + head.directoryLength
      if (bytes.length < directoryEnd) bytes = await readAll(handle, offset, directoryEnd)
      const directory = bytes.subarray(FRAME_HEAD, directoryEnd)
      this.#enter(head.id, file, offset, head.directoryLength, head.payloadLength)
      if (checksum(directory) !== head.directoryCheck) this.#report(head.id, listed)
      else if (head.id > after) listed.set(head.id, { id: head.id, directory, bytes: end - offset })
    }
  }

  /** Reads the directory of a segment that was met before. */
  async #list(id: number, { file, offset, length, payloadAt }: Frame, listed: Map<number, ListedSegment>): Promise<void> {
    const bytes = await readAll(await this.#reader(file), offset, payloadAt - offset)
    const head = readHead(bytes)
    const directory = bytes.subarray(FRAME_HEAD)
    if (typeof head !== 'object' || checksum(directory) !== head.directoryCheck) this.#report(id, listed)
    else listed.set(id, { id, directory, bytes: length })
  }

  #report(id: number, listed: Map<number, ListedSegment>): void {
    listed.set(id, { id, directory: new Uint8Array(0), bytes: 0 })
  }

  async #mark({ file, offset }: Frame): Promise<void> {
    if (this.#writer?.file === file) return writeAll(this.#writer.handle, DEAD_MARK, offset)
    const { open, flags } = this.#module
    const handle = await open(file.path, flags.O_RDWR | (flags.O_NOFOLLOW ?? 0))
    try {
      await writeAll(handle, DEAD_MARK, offset)
      // A younger file with the tombstones for this may go next: the mark must not be lost after that.
      await handle.datasync()
    } finally {
      await handle.close()
    }
  }

  /** Removes files without live segments; those that are mostly dead are copied to the end of the log first. */
  async #tidy(marked: ReadonlySet<LogFile>): Promise<void> {
    for (const file of marked) {
      if (file !== this.#writer?.file && file.live > 0 && file.live * 2 < file.size) await this.#copy(file)
    }
    for (const file of [...this.#files.values()].sort((a, b) => a.number - b.number)) {
      if (file.live === 0 && file !== this.#writer?.file) await this.#unlink(file.number)
    }
  }

  async #copy(file: LogFile): Promise<void> {
    const source = await this.#reader(file)
    for (const [id, frame] of this.#frames) {
      if (frame.file !== file) continue
      const bytes = await readAll(source, frame.offset, frame.length)
      const home = await this.#put(bytes, 'durable')
      this.#enter(id, home, home.size, frame.payloadAt - frame.offset - FRAME_HEAD, frame.payloadLength)
      home.size += frame.length
    }
  }

  async #unlink(number: number): Promise<void> {
    await this.#forget(number)
    await this.#module.unlink(this.#path(number)).catch(error => {
      if (errno(error) !== 'ENOENT') throw error
    })
  }

  async #forget(number: number): Promise<void> {
    const file = this.#files.get(number)
    this.#files.delete(number)
    for (const [id, frame] of this.#frames) if (frame.file === file) this.#frames.delete(id)
    await this.#closeReader(number)
  }

  #reader(file: LogFile): Promise<FileHandle> {
    const { open, flags } = this.#module
    const kept = this.#readers.get(file.number)
    this.#readers.delete(file.number)
    const handle = kept ?? open(file.path, flags.O_RDONLY | (flags.O_NOFOLLOW ?? 0))
    this.#readers.set(file.number, handle)
    handle.catch(() => this.#readers.delete(file.number))
    for (const number of this.#readers.keys()) {
      if (this.#readers.size <= OPEN_FILES) break
      void this.#closeReader(number)
    }
    return handle
  }

  async #closeReader(number: number): Promise<void> {
    const handle = this.#readers.get(number)
    this.#readers.delete(number)
    await handle?.then(open => open.close()).catch(() => {})
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}

async function readAll(handle: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, length - done, position + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return bytes.subarray(0, done)
}

/** Runs a step; what goes wrong comes out as an error of ours. */
async function named<T>(step: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (isShelflifeError(cause)) throw cause
    const isFull = ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(String(errno(cause)))
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ShelflifeError(isFull ? 'ERR_QUOTA' : 'ERR_STORE', `${step} failed: ${why}`, { cause })
  }
}

function errno(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
