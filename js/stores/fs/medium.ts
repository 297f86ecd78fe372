/** A log of segments in a folder: files that grow by appending and are removed when nothing in them is live. */

import { isShelflifeError, ShelflifeError } from '../../errors.ts'
import type { Durability, ListedSegment, MediumCall, Segment, SegmentMedium } from '../segment-medium.ts'
import { Files, type Frame, type LogFile } from './files.ts'
import { Folder, LAST_WORD } from './folder.ts'
import { FRAME_HEAD } from './frame.ts'
import { History } from './history.ts'
import { errno, type FileLayer, nodeFiles, readAll } from './layer.ts'
import { Losses } from './losses.ts'
import type { Note } from './manifest.ts'
import { Survey } from './survey.ts'
import { FILE_BYTES, Writer } from './writer.ts'

/**
 * See the top of this file. Only the process that holds the folder's lock writes, and no file is written by two. What makes a
 * removal right is synced before the removal is noted.
 */
export class FsMedium implements SegmentMedium {
  readonly overhead = FRAME_HEAD
  readonly #folder: Folder
  readonly #files: Files
  readonly #history = new History()
  readonly #losses: Losses
  readonly #writer: Writer
  readonly #survey: Survey

  /** `options` are for tests. */
  constructor(
    path: string,
    { openLayer = nodeFiles, fileBytes = FILE_BYTES }: { openLayer?: () => Promise<FileLayer>; fileBytes?: number } = {},
  ) {
    this.#folder = new Folder(path, openLayer)
    this.#files = new Files(this.#folder)
    this.#losses = new Losses(this.#files, this.#history)
    this.#writer = new Writer(this.#folder, this.#files, this.#history, this.#losses, fileBytes)
    this.#survey = new Survey(this.#folder, this.#files, this.#history, this.#losses, this.#writer)
  }

  get writable(): boolean {
    return this.#folder.isOurs
  }

  open({ signal }: MediumCall): Promise<void> {
    return named('open', async () => {
      await this.#folder.open()
      if (!signal.aborted) return
      await this.close()
      signal.throwIfAborted()
    })
  }

  takeOver({ signal }: MediumCall): Promise<boolean> {
    return named('takeOver', async () => {
      signal.throwIfAborted()
      if (!this.writable) await this.#folder.settleIn()
      return this.writable
    })
  }

  append(segments: readonly Segment[], durability: Durability, { signal }: MediumCall): Promise<number[]> {
    return named('append', async () => {
      signal.throwIfAborted()
      const first = this.#files.last + 1
      // Ids of an append that fails are used up: what of it reached the disk must not meet a namesake.
      this.#files.reach(this.#files.last + segments.length)
      const numbered = segments.map((segment, index) => ({ id: first + index, ...segment }))
      await this.#writer.put(numbered, durability)
      return numbered.map(({ id }) => id)
    })
  }

  list(after: number, { signal }: MediumCall): Promise<ListedSegment[]> {
    return named('list', () => this.#survey.list(after, signal))
  }

  read(id: number, { signal }: MediumCall): Promise<Uint8Array | undefined> {
    return named('read', async () => {
      signal.throwIfAborted()
      const frame = this.#files.frames.get(id)
      if (frame === undefined) return undefined
      const { file, offset, directoryLength, payloadLength } = frame
      try {
        const read = async () => readAll(await this.#folder.reader(file.number), offset + FRAME_HEAD + directoryLength, payloadLength)
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
      const gone = ids.filter(id => this.#files.frames.has(id))
      const lost = this.#losses.notesOf(ids)
      if (gone.length === 0 && lost.length === 0) return
      const live = new Map(Array.from(this.#files.byNumber.values(), file => [file, file.live]))
      for (const { file, length } of gone.map(id => this.#files.frames.get(id) as Frame)) live.set(file, (live.get(file) ?? 0) - length)
      const home = await this.#writer.settle().catch(error => this.#makeRoom(error, live))
      const others = [...live].filter(([file]) => file !== home)
      for (const [file, bytes] of others) if (bytes > 0 && bytes * 2 < file.size && bytes < file.live) await this.#copy(file, gone, live)
      const dead = others.filter(([file]) => live.get(file) === 0).map(([file]) => file.number)
      const note: Note = {
        gone: [...gone, ...lost.flatMap(loss => loss.gone)],
        unlinked: [...dead, ...lost.flatMap(loss => loss.unlinked)],
        cut: lost.flatMap(loss => loss.cut),
      }
      // Synced together with what makes it right to remove these: a record counts only when all before it are whole.
      await this.#writer.note(note)
      for (const id of ids) {
        this.#files.drop(id)
        this.#losses.drop(id)
      }
      for (const number of dead) await this.#files.remove(number)
      this.#history.prune(this.#files.byNumber)
    })
  }

  clear(): Promise<void> {
    return named('clear', async () => {
      await this.#writer.seal()
      await this.#folder.unlink(LAST_WORD)
      // The oldest first, and surely: should we die half-way, no value comes back that something younger had replaced.
      for (const number of [...this.#files.byNumber.keys()].sort((a, b) => a - b)) {
        await this.#files.remove(number)
        // With the folder gone, all in it is.
        await this.#folder.sync().catch(error => {
          if (errno(error) !== 'ENOENT') throw error
        })
      }
      this.#losses.clear()
      this.#history.clear()
      this.#writer.forget()
    })
  }

  async close(): Promise<void> {
    await this.#writer.close()
    await this.#folder.close()
  }

  /** Writes what is left in a file that is mostly dead at the end of the log. Where some of it cannot be read the file stays: whoever misses that says so first. */
  async #copy(file: LogFile, gone: readonly number[], live: Map<LogFile, number>): Promise<void> {
    const source = await this.#folder.reader(file.number)
    let isWhole = true
    for (const [id, frame] of [...this.#files.frames]) {
      if (frame.file !== file || gone.includes(id)) continue
      const bytes = await readAll(source, frame.offset + FRAME_HEAD, frame.directoryLength + frame.payloadLength)
      const [directory, payload] = [bytes.subarray(0, frame.directoryLength), bytes.subarray(frame.directoryLength)]
      if (payload.length === frame.payloadLength) await this.#writer.put([{ id, directory, payload }], 'stored')
      else isWhole = false
    }
    if (isWhole) live.set(file, 0)
  }

  /** Without room for a note, files in which nothing is live go without one: should we die before it is written, they count as lost. */
  async #makeRoom(error: unknown, live: ReadonlyMap<LogFile, number>): Promise<LogFile> {
    const dead = [...live].filter(([file, bytes]) => bytes === 0 && file !== this.#writer.file).sort(([a], [b]) => a.number - b.number)
    if (!isFull(error) || dead.length === 0) throw error
    for (const [{ number }] of dead) await this.#folder.unlink(number)
    return this.#writer.settle()
  }
}

function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(String(errno(error)))
}

/** Runs a step; what goes wrong comes out as an error of ours. */
async function named<T>(step: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (isShelflifeError(cause)) throw cause
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ShelflifeError(isFull(cause) ? 'ERR_QUOTA' : 'ERR_STORE', `${step} failed: ${why}`, { cause })
  }
}
