/** The end of a log in files, which alone is written: segments and notes go behind what is there, file after file. */

import { ShelflifeError } from '../../errors.ts'
import { keyHashes } from '../directory.ts'
import type { Durability, Segment } from '../segment-medium.ts'
import { type Files, type LogFile, newFile } from './files.ts'
import type { Folder } from './folder.ts'
import { FRAME_HEAD, frameOf, KIND } from './frame.ts'
import type { History } from './history.ts'
import { writeLastWord } from './last-word.ts'
import { errno, type OpenFile, readAll, writeAll } from './layer.ts'
import type { Losses } from './losses.ts'
import { type Manifest, type Note, writeHashes, writeStatement } from './manifest.ts'
import { hashesAt } from './scan.ts'

/** A file is followed by a new one when it has grown to this. */
export const FILE_BYTES = 4 * 1024 * 1024
/** Numbers that something else may have taken, which is no file of a log. */
const MOST_TAKEN = 100

interface Open {
  readonly file: LogFile
  readonly handle: OpenFile
  /** Hashes of the keys in the file. */
  readonly keys: Set<number>
}

/** See the top of this file. What a file holds is synced before the next one says so. */
export class Writer {
  readonly #folder: Folder
  readonly #files: Files
  readonly #history: History
  readonly #losses: Losses
  readonly #fileBytes: number
  #open: Open | undefined
  #hasWritten = false

  constructor(folder: Folder, files: Files, history: History, losses: Losses, fileBytes: number) {
    this.#folder = folder
    this.#files = files
    this.#history = history
    this.#losses = losses
    this.#fileBytes = fileBytes
  }

  /** The file that grows. */
  get file(): LogFile | undefined {
    return this.#open?.file
  }

  /** The file that grows, with room for something. Every opening of the folder begins one, so that nothing is ever appended to a torn tail. */
  async settle(): Promise<LogFile> {
    return (await this.#withRoom()).file
  }

  /** Writes segments at the end of the youngest file. */
  async put(segments: readonly (Segment & { readonly id: number })[], durability: Durability): Promise<void> {
    const open = await this.#withRoom()
    const { file, keys } = open
    const frames = segments.map(segment => frameOf({ kind: KIND.segment, ...segment }, file.synced))
    await this.#add(open, Buffer.concat(frames), durability)
    let offset = file.size - frames.reduce((sum, frame) => sum + frame.length, 0)
    for (const { id, directory, payload } of segments) {
      const length = FRAME_HEAD + directory.length + payload.length
      this.#files.enter(id, { file, offset, length, directoryLength: directory.length, payloadLength: payload.length })
      for (const hash of keyHashes(directory)) keys.add(hash)
      offset += length
    }
  }

  /** Writes a note, and syncs it with all before it. */
  async note(note: Note): Promise<void> {
    const open = await this.#withRoom()
    const body = { kind: KIND.note, id: 0, directory: writeStatement(note), payload: new Uint8Array(0) }
    await this.#add(open, frameOf(body, open.file.synced), 'durable')
    this.#history.note(note)
  }

  /** Appends nothing to the youngest file any more. */
  async seal(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    await open?.handle.close()
  }

  /** There is no log any more of which something could be said. */
  forget(): void {
    this.#hasWritten = false
  }

  async close(): Promise<void> {
    if (this.#hasWritten && this.#folder.isOurs) await this.#sayLastWord().catch(() => {})
    await this.seal().catch(() => {})
  }

  async #withRoom(): Promise<Open> {
    if (this.#open !== undefined) {
      const { file, handle } = this.#open
      const { nlink } = await handle.stat()
      if (nlink > 0 && file.size < this.#fileBytes) return this.#open
      await this.seal()
      if (nlink === 0) await this.#moveIn()
    }
    try {
      return await this.#begin()
    } catch (error) {
      if (errno(error) !== 'ENOENT') throw error
      await this.#moveIn()
      return this.#begin()
    }
  }

  async #begin(): Promise<Open> {
    // A predecessor that died may have left these unsynced, and their lengths are noted now.
    for (const file of this.#files.byNumber.values()) if (file.synced < file.size) await this.#syncOld(file)
    const [manifest, keys] = await this.#manifest()
    const [number, handle] = await this.#create(Math.max(this.#history.last, ...this.#files.byNumber.keys()) + 1)
    const file = newFile(number)
    try {
      const bytes = frameOf({ kind: KIND.manifest, id: 0, directory: writeStatement(manifest), payload: keys }, 0)
      await writeAll(handle, bytes, 0)
      file.size = bytes.length
      await sync(file, handle)
      await this.#folder.sync()
    } catch (error) {
      await handle.close()
      await this.#folder.unlink(number).catch(() => {})
      throw error
    }
    this.#files.add(file)
    this.#history.begin(number, manifest, async () => hashesAt(await this.#folder.reader(number), 0))
    this.#open = { file, handle, keys: new Set() }
    this.#hasWritten = true
    return this.#open
  }

  /** A file of this number, or of the next one that nothing else has taken. */
  async #create(first: number): Promise<[number: number, handle: OpenFile]> {
    for (let number = first; ; number += 1) {
      try {
        return [number, await this.#folder.openFile(number, 'create')]
      } catch (error) {
        if (errno(error) !== 'EEXIST' || number - first > MOST_TAKEN) throw error
      }
    }
  }

  /** What is to be said of all files, and the keys of the youngest that has any. */
  async #manifest(): Promise<[Manifest, Uint8Array]> {
    const files = [...this.#files.byNumber.values()].sort((a, b) => a.number - b.number)
    const youngest = files.findLast(file => file.size > 0)
    const keys = youngest && (await this.#keysIn(youngest))
    const sizes = files.map(({ number, size }) => [number, size] as const)
    const of = keys === undefined ? 0 : (youngest?.number ?? 0)
    return [{ next: this.#files.last + 1, files: sizes, gone: this.#files.gone(), of }, writeHashes(keys ?? new Set())]
  }

  /** Unknown when one of its directories cannot be read. */
  async #keysIn(file: LogFile): Promise<ReadonlySet<number> | undefined> {
    if (this.#open?.file === file) return this.#open.keys
    const keys = new Set<number>()
    const handle = await this.#folder.reader(file.number)
    for (const frame of this.#files.frames.values()) {
      if (frame.file !== file) continue
      const directory = await readAll(handle, frame.offset + FRAME_HEAD, frame.directoryLength)
      if (directory.length < frame.directoryLength) return undefined
      for (const hash of keyHashes(directory)) keys.add(hash)
    }
    return keys
  }

  async #add({ file, handle }: Open, bytes: Uint8Array, durability: Durability): Promise<void> {
    try {
      await writeAll(handle, bytes, file.size)
      if (durability === 'durable') await handle.sync()
    } catch (error) {
      // Half a record may stand there: nothing is appended to this file any more.
      await this.seal()
      throw error
    }
    file.size += bytes.length
    if (durability === 'durable') file.synced = file.size
  }

  async #syncOld(file: LogFile): Promise<void> {
    const handle = await this.#folder.openFile(file.number, 'write').catch(error => {
      if (errno(error) !== 'ENOENT') throw error
    })
    try {
      if (handle !== undefined) await sync(file, handle)
    } finally {
      await handle?.close()
    }
  }

  /** Somebody removed our file, and the folder with it as like as not: what we write must not go where nobody finds it. */
  async #moveIn(): Promise<void> {
    await this.#folder.unlock()
    await this.#folder.settleIn()
    if (!this.#folder.isOurs) throw new ShelflifeError('ERR_STORE', 'the folder was removed, and somebody else holds the new one')
    const { numbers } = await this.#folder.look()
    if (numbers.some(number => this.#files.byNumber.has(number))) return
    // Nothing is left that could come up in place of what is gone.
    for (const number of [...this.#files.byNumber.keys()]) await this.#files.forget(number)
    this.#losses.clear()
    this.#history.clear()
  }

  async #sayLastWord(): Promise<void> {
    if (this.#open !== undefined) await sync(this.#open.file, this.#open.handle)
    await writeLastWord(this.#folder, ...(await this.#manifest()))
  }
}

async function sync(file: LogFile, handle: OpenFile): Promise<void> {
  const { size } = file
  if (file.synced === size) return
  await handle.sync()
  file.synced = size
}
