/** Looks through the folder of a log: what is new in it, what is gone, what should be there and is not. */

import { checksum } from '../checksum.ts'
import type { ListedSegment } from '../segment-medium.ts'
import { type Files, type Frame, type LogFile, newFile } from './files.ts'
import type { Folder } from './folder.ts'
import { FRAME_HEAD, KIND, readHead } from './frame.ts'
import type { History } from './history.ts'
import { hearLastWord } from './last-word.ts'
import { errno, readAll } from './layer.ts'
import type { Losses } from './losses.ts'
import { readManifest, readNote } from './manifest.ts'
import { type Found, hashesAt, scan, scanTail } from './scan.ts'
import type { Writer } from './writer.ts'

/** What is new in one file. */
interface News {
  readonly file: LogFile
  readonly found: readonly Found[]
  /** Where something unreadable begins that was certainly written once. */
  readonly cutAt: number | undefined
}

/** See the top of this file. What it finds goes to the files, the history and the losses. */
export class Survey {
  readonly #folder: Folder
  readonly #files: Files
  readonly #history: History
  readonly #losses: Losses
  readonly #writer: Writer

  constructor(folder: Folder, files: Files, history: History, losses: Losses, writer: Writer) {
    this.#folder = folder
    this.#files = files
    this.#history = history
    this.#losses = losses
    this.#writer = writer
  }

  /** The segments with an id above `after`, the lost ones among them, in the order of their ids. */
  async list(after: number, signal: AbortSignal): Promise<ListedSegment[]> {
    const listed = new Map<number, ListedSegment>()
    for (const [id, frame] of this.#files.frames) if (id > after) await this.#list(id, frame, listed)
    let missing = await this.#look(after, signal, listed)
    // Somebody else may have removed a file while we looked.
    if (missing.length > 0 && !this.#folder.isOurs) missing = await this.#look(after, signal, listed)
    for (const file of missing) await this.#losses.addRest(file, 0)
    for (const loss of this.#losses.above(after)) listed.set(loss.id, loss)
    return [...listed.values()].sort((a, b) => a.id - b.id)
  }

  /** Reads the directory of a segment that was met before. */
  async #list(id: number, { file, offset, length, directoryLength }: Frame, listed: Map<number, ListedSegment>): Promise<void> {
    const bytes = await readAll(await this.#folder.reader(file.number), offset, FRAME_HEAD + directoryLength)
    const head = readHead(bytes)
    const directory = bytes.subarray(FRAME_HEAD)
    if (typeof head !== 'object' || checksum(directory) !== head.directoryCheck) await this.#losses.addSegment(id, file.number)
    else listed.set(id, { id, directory, bytes: length })
  }

  /** Reads what is new in the folder. Gives the files that should be there and are not. */
  async #look(after: number, signal: AbortSignal, listed: Map<number, ListedSegment>): Promise<number[]> {
    const { numbers, hasLastWord } = await this.#folder.look()
    const present = new Set(numbers)
    for (const number of this.#files.byNumber.keys()) if (!present.has(number)) await this.#files.forget(number)
    if (hasLastWord) await hearLastWord(this.#folder, this.#history, numbers.at(-1) ?? 0)
    const news: News[] = []
    const gone = new Set<number>()
    // From the youngest to the oldest: a file is judged by what later ones say of it.
    for (const number of numbers.toReversed()) {
      signal.throwIfAborted()
      const inFile = await this.#scan(number)
      if (inFile === undefined) continue
      news.unshift(inFile)
      for (const id of await this.#hear(inFile)) gone.add(id)
    }
    for (const inFile of news) if (!this.#history.isRemoved(inFile.file.number)) await this.#take(inFile, gone, after, listed)
    for (const id of gone) {
      this.#files.drop(id)
      this.#losses.drop(id)
      listed.delete(id)
    }
    this.#files.reach(this.#history.next - 1)
    await this.#sweep()
    this.#history.prune(this.#files.byNumber)
    return this.#history.missing(new Set(this.#files.byNumber.keys()))
  }

  async #scan(number: number): Promise<News | undefined> {
    const known = this.#files.byNumber.get(number)
    if (known !== undefined && known === this.#writer.file) return undefined
    const file = known ?? newFile(number)
    const { size: from } = file
    try {
      const handle = await this.#folder.reader(number)
      const { size } = await handle.stat()
      const noted = this.#history.sizeOf(number)
      this.#files.add(file)
      if (noted === undefined) {
        const { found, end, isCut, synced } = await scanTail(handle, from, size, file.synced)
        Object.assign(file, { size: end, synced })
        return { file, found, cutAt: isCut ? end : undefined }
      }
      const { found, end, isCut } = await scan(handle, from, Math.max(from, Math.min(size, noted)))
      Object.assign(file, { size: end, synced: end })
      return { file, found, cutAt: isCut || end < noted ? end : undefined }
    } catch (error) {
      if (errno(error) !== 'ENOENT') throw error
      await this.#files.forget(number)
      return undefined
    }
  }

  /** Takes in what a stretch of a file says of others. Gives the segments that are gone. */
  async #hear({ file, found }: News): Promise<readonly number[]> {
    const gone: number[] = []
    for (const record of found) {
      if (record.head.kind === KIND.segment || !record.isSound) continue
      if (record.head.kind === KIND.note) {
        const note = readNote(record.directory)
        this.#history.note(note)
        gone.push(...note.gone)
        continue
      }
      const manifest = readManifest(record.directory)
      this.#history.begin(file.number, manifest, async () => hashesAt(await this.#folder.reader(file.number), record.offset))
      gone.push(...manifest.gone)
    }
    return gone
  }

  /** Takes in the segments of a stretch of a file. */
  async #take({ file, found, cutAt }: News, gone: ReadonlySet<number>, after: number, listed: Map<number, ListedSegment>): Promise<void> {
    for (const { head, offset, length, directory, isSound } of found) {
      if (head.kind !== KIND.segment) {
        // What it said is said again by every later file.
        if (!isSound && this.#history.boundOf(file.number) === undefined) await this.#losses.addRest(file.number, undefined)
        continue
      }
      file.ids.add(head.id)
      this.#files.reach(head.id)
      if (gone.has(head.id)) continue
      this.#files.enter(head.id, { file, offset, length, directoryLength: head.directoryLength, payloadLength: head.payloadLength })
      if (!isSound) await this.#losses.addSegment(head.id, file.number)
      else if (head.id > after) listed.set(head.id, { id: head.id, directory, bytes: length })
    }
    if (cutAt !== undefined) await this.#losses.addRest(file.number, cutAt)
  }

  /** Removes what a predecessor meant to. */
  async #sweep(): Promise<void> {
    for (const number of [...this.#files.byNumber.keys()]) {
      if (!this.#history.isRemoved(number)) continue
      if (this.#folder.isOurs) await this.#files.remove(number)
      else await this.#files.forget(number)
    }
  }
}
