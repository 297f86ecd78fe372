/** A log of segments in a folder: files that grow by appending and are removed when nothing in them is live. */

import { isShelflifeError, ShelflifeError } from '../../errors.ts'
import { checksum } from '../checksum.ts'
import { keyHashes } from '../directory.ts'
import type { Durability, ListedSegment, MediumCall, Segment, SegmentMedium } from '../segment-medium.ts'
import { FRAME_HEAD, frameOf, KIND, readHead } from './frame.ts'
import { History } from './history.ts'
import { errno, type FileLayer, nodeFiles, type OpenFile, readAll, writeAll } from './layer.ts'
import type { Unlock } from './lock.ts'
import { type Manifest, type Note, readHashes, readManifest, readNote, writeHashes, writeStatement } from './manifest.ts'
import { type Found, scan, scanTail, soundPayload } from './scan.ts'

/** A file is followed by a new one when it has grown to this. */
const FILE_BYTES = 4 * 1024 * 1024
/** Files that are kept open for reading. */
const OPEN_FILES = 32
const NAME = /^\d{10}\.segments$/
/** Written when the log is closed: what a new file would begin with. */
const LAST_WORD = 'closed'

interface LogFile {
  readonly path: string
  readonly number: number
  /** Bytes that are known to hold records. */
  size: number
  /** Bytes before this are known to have been synced. */
  synced: number
  /** Bytes of segments that are not removed. */
  live: number
  /** Segments that lie here, removed ones among them. */
  readonly ids: Set<number>
}

interface Frame {
  readonly file: LogFile
  readonly offset: number
  readonly length: number
  readonly directoryLength: number
  readonly payloadLength: number
}

interface Writer {
  readonly file: LogFile
  readonly handle: OpenFile
  /** Hashes of the keys in the file. */
  readonly keys: Set<number>
}

/** Segments that are damaged or lost, and what has to be noted so that they are not missed any more. */
interface Loss {
  readonly listed: ListedSegment
  readonly note: Note
}

/**
 * See the top of this file. Only the process that holds the folder's lock writes, and no file is written by two. What a file
 * holds is synced before the next one says so, and what makes a removal right before the removal is noted.
 */
export class FsMedium implements SegmentMedium {
  readonly overhead = FRAME_HEAD
  readonly #folder: string
  readonly #openLayer: () => Promise<FileLayer>
  readonly #fileBytes: number
  readonly #files = new Map<number, LogFile>()
  readonly #frames = new Map<number, Frame>()
  readonly #losses = new Map<number, Loss>()
  readonly #history = new History()
  readonly #readers = new Map<number, Promise<OpenFile>>()
  #layer: FileLayer | undefined
  #unlock: Unlock | undefined
  #writer: Writer | undefined
  #hasWritten = false
  #last = 0

  /** `options` are for tests. */
  constructor(
    folder: string,
    { openLayer = nodeFiles, fileBytes = FILE_BYTES }: { openLayer?: () => Promise<FileLayer>; fileBytes?: number } = {},
  ) {
    this.#folder = folder
    this.#openLayer = openLayer
    this.#fileBytes = fileBytes
  }

  get writable(): boolean {
    return this.#unlock !== undefined
  }

  open({ signal }: MediumCall): Promise<void> {
    return named('open', async () => {
      this.#layer = await this.#openLayer()
      await this.#settleIn()
      if (!signal.aborted) return
      await this.close()
      signal.throwIfAborted()
    })
  }

  takeOver({ signal }: MediumCall): Promise<boolean> {
    return named('takeOver', async () => {
      signal.throwIfAborted()
      if (!this.writable) await this.#settleIn()
      return this.writable
    })
  }

  append(segments: readonly Segment[], durability: Durability, { signal }: MediumCall): Promise<number[]> {
    return named('append', async () => {
      signal.throwIfAborted()
      const ids = segments.map((_, index) => this.#last + 1 + index)
      // Ids of an append that fails are used up: what of it reached the disk must not meet a namesake.
      this.#last += segments.length
      await this.#put(
        segments.map((segment, index) => ({ id: ids[index] as number, ...segment })),
        durability,
      )
      return ids
    })
  }

  list(after: number, { signal }: MediumCall): Promise<ListedSegment[]> {
    return named('list', async () => {
      const listed = new Map<number, ListedSegment>()
      for (const [id, frame] of this.#frames) if (id > after) await this.#list(id, frame, listed)
      let lost = await this.#look(after, signal, listed)
      // Somebody else may have removed a file while we looked.
      if (lost.length > 0 && !this.writable) lost = await this.#look(after, signal, listed)
      for (const file of lost) await this.#lose(file, 0)
      for (const { listed: loss } of this.#losses.values()) if (loss.id > after) listed.set(loss.id, loss)
      return [...listed.values()].sort((a, b) => a.id - b.id)
    })
  }

  read(id: number, { signal }: MediumCall): Promise<Uint8Array | undefined> {
    return named('read', async () => {
      signal.throwIfAborted()
      const frame = this.#frames.get(id)
      if (frame === undefined) return undefined
      const { file, offset, directoryLength, payloadLength } = frame
      try {
        const read = async () => readAll(await this.#reader(file), offset + FRAME_HEAD + directoryLength, payloadLength)
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
      const gone = ids.filter(id => this.#frames.has(id))
      const lost = ids.flatMap(id => this.#losses.get(id)?.note ?? [])
      if (gone.length === 0 && lost.length === 0) return
      const live = new Map(Array.from(this.#files.values(), file => [file, file.live]))
      for (const { file, length } of gone.map(id => this.#frames.get(id) as Frame)) live.set(file, (live.get(file) ?? 0) - length)
      const { file: home } = await this.#writerWithRoom().catch(error => this.#makeRoom(error, live))
      const others = [...live].filter(([file]) => file !== home)
      for (const [file, bytes] of others) if (bytes > 0 && bytes * 2 < file.size && bytes < file.live) await this.#copy(file, gone, live)
      const dead = others.filter(([file]) => live.get(file) === 0).map(([file]) => file.number)
      const note: Note = {
        gone: [...gone, ...lost.flatMap(loss => loss.gone)],
        unlinked: [...dead, ...lost.flatMap(loss => loss.unlinked)],
        cut: lost.flatMap(loss => loss.cut),
      }
      // Synced together with what makes it right to remove these: a record counts only when all before it are whole.
      await this.#state(note)
      this.#history.note(note)
      for (const id of ids) this.#drop(id)
      for (const number of dead) await this.#unlink(number)
    })
  }

  clear(): Promise<void> {
    return named('clear', async () => {
      await this.#seal()
      await this.#unlinkName(LAST_WORD)
      // The oldest first, and surely: should we die half-way, no value comes back that something younger had replaced.
      for (const number of [...this.#files.keys()].sort((a, b) => a - b)) {
        await this.#unlink(number)
        await this.#folders.syncFolder(this.#folder)
      }
      this.#frames.clear()
      this.#losses.clear()
      this.#history.clear()
      this.#hasWritten = false
    })
  }

  async close(): Promise<void> {
    if (this.#hasWritten && this.writable) await this.#sayLastWord().catch(() => {})
    await this.#seal().catch(() => {})
    for (const number of [...this.#readers.keys()]) await this.#closeReader(number)
    await this.#unlock?.()
    this.#unlock = undefined
  }

  get #folders(): FileLayer {
    if (this.#layer === undefined) throw new ShelflifeError('ERR_STORE', 'the folder is not open')
    return this.#layer
  }

  #path(number: number): string {
    return `${this.#folder}/${nameOf(number)}`
  }

  /** Makes the folder and takes its lock. */
  async #settleIn(): Promise<void> {
    await this.#folders.makeFolder(this.#folder)
    this.#unlock = await this.#folders.lock(this.#folder)
  }

  /** Every opening of the folder begins a file of its own, so that nothing is ever appended to a torn tail. */
  async #writerWithRoom(): Promise<Writer> {
    if (this.#writer !== undefined) {
      const { file, handle } = this.#writer
      const { nlink } = await handle.stat()
      if (nlink > 0 && file.size < this.#fileBytes) return this.#writer
      await this.#seal()
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

  async #begin(): Promise<Writer> {
    // A predecessor that died may have left these unsynced, and their lengths are noted now.
    for (const file of this.#files.values()) if (file.synced < file.size) await this.#syncOld(file)
    const number = Math.max(this.#history.last, ...this.#files.keys()) + 1
    const [manifest, keys] = await this.#manifest()
    const path = this.#path(number)
    const handle = await this.#folders.open(path, 'create')
    const file: LogFile = { path, number, size: 0, synced: 0, live: 0, ids: new Set() }
    try {
      const bytes = frameOf({ kind: KIND.manifest, id: 0, directory: writeStatement(manifest), payload: keys }, 0)
      await writeAll(handle, bytes, 0)
      file.size = bytes.length
      await this.#sync(file, handle)
      await this.#folders.syncFolder(this.#folder)
    } catch (error) {
      await handle.close()
      await this.#folders.unlink(path).catch(() => {})
      throw error
    }
    this.#files.set(number, file)
    this.#history.begin(number, manifest, () => this.#hashesIn(file, 0))
    this.#writer = { file, handle, keys: new Set() }
    this.#hasWritten = true
    return this.#writer
  }

  /** What is to be said of all files, and the keys of the youngest that has any. */
  async #manifest(): Promise<[Manifest, Uint8Array]> {
    const files = [...this.#files.values()].sort((a, b) => a.number - b.number)
    const youngest = files.findLast(file => file.size > 0)
    const gone = new Set<number>()
    for (const { ids } of files) for (const id of ids) if (!this.#frames.has(id)) gone.add(id)
    const keys = youngest === undefined ? new Set<number>() : await this.#keysIn(youngest)
    const sizes = files.map(({ number, size }) => [number, size] as const)
    return [{ next: this.#last + 1, files: sizes, gone: [...gone], of: youngest?.number ?? 0 }, writeHashes(keys)]
  }

  async #keysIn(file: LogFile): Promise<ReadonlySet<number>> {
    if (this.#writer?.file === file) return this.#writer.keys
    const keys = new Set<number>()
    const handle = await this.#reader(file)
    for (const frame of this.#frames.values()) {
      if (frame.file !== file) continue
      for (const hash of keyHashes(await readAll(handle, frame.offset + FRAME_HEAD, frame.directoryLength))) keys.add(hash)
    }
    return keys
  }

  /** Writes segments at the end of the youngest file. */
  async #put(segments: readonly (Segment & { readonly id: number })[], durability: Durability): Promise<void> {
    const { file, handle, keys } = await this.#writerWithRoom()
    const frames = segments.map(segment => frameOf({ kind: KIND.segment, ...segment }, file.synced))
    await this.#add(file, handle, Buffer.concat(frames), durability)
    let offset = file.size - frames.reduce((sum, frame) => sum + frame.length, 0)
    for (const { id, directory, payload } of segments) {
      const length = FRAME_HEAD + directory.length + payload.length
      this.#enter(id, { file, offset, length, directoryLength: directory.length, payloadLength: payload.length })
      for (const hash of keyHashes(directory)) keys.add(hash)
      offset += length
    }
  }

  async #state(note: Note): Promise<void> {
    const { file, handle } = await this.#writerWithRoom()
    const body = { kind: KIND.note, id: 0, directory: writeStatement(note), payload: new Uint8Array(0) }
    await this.#add(file, handle, frameOf(body, file.synced), 'durable')
  }

  async #add(file: LogFile, handle: OpenFile, bytes: Uint8Array, durability: Durability): Promise<void> {
    try {
      await writeAll(handle, bytes, file.size)
      if (durability === 'durable') await handle.sync()
    } catch (error) {
      // Half a record may stand there: nothing is appended to this file any more.
      await this.#seal()
      throw error
    }
    file.size += bytes.length
    if (durability === 'durable') file.synced = file.size
  }

  async #sync(file: LogFile, handle: OpenFile): Promise<void> {
    const { size } = file
    if (file.synced === size) return
    await handle.sync()
    file.synced = size
  }

  async #syncOld(file: LogFile): Promise<void> {
    const handle = await this.#folders.open(file.path, 'write').catch(error => {
      if (errno(error) !== 'ENOENT') throw error
    })
    try {
      if (handle !== undefined) await this.#sync(file, handle)
    } finally {
      await handle?.close()
    }
  }

  /** Somebody removed our file, and the folder with it as like as not: what we write must not go where nobody finds it. */
  async #moveIn(): Promise<void> {
    const unlock = this.#unlock
    this.#unlock = undefined
    await unlock?.()
    await this.#settleIn()
    if (!this.writable) throw new ShelflifeError('ERR_STORE', 'the folder was removed, and somebody else holds the new one')
    const names = new Set(await this.#folders.names(this.#folder))
    if ([...this.#files.keys()].some(number => names.has(nameOf(number)))) return
    // Nothing is left that could come up in place of what is gone.
    for (const number of [...this.#files.keys()]) await this.#forget(number)
    this.#losses.clear()
    this.#history.clear()
  }

  async #seal(): Promise<void> {
    const writer = this.#writer
    this.#writer = undefined
    await writer?.handle.close()
  }

  /** So that what happens to the youngest file from now on is noticed, too. */
  async #sayLastWord(): Promise<void> {
    if (this.#writer !== undefined) await this.#sync(this.#writer.file, this.#writer.handle)
    const [manifest, keys] = await this.#manifest()
    const handle = await this.#folders.open(`${this.#folder}/${LAST_WORD}`, 'replace')
    try {
      await writeAll(handle, frameOf({ kind: KIND.manifest, id: 0, directory: writeStatement(manifest), payload: keys }, 0), 0)
    } finally {
      await handle.close()
    }
  }

  #enter(id: number, frame: Frame): void {
    const old = this.#frames.get(id)
    // A copy that a tidying left in two files.
    if (old !== undefined) old.file.live -= old.length
    this.#frames.set(id, frame)
    frame.file.ids.add(id)
    frame.file.live += frame.length
    this.#last = Math.max(this.#last, id)
  }

  #drop(id: number): void {
    const frame = this.#frames.get(id)
    this.#frames.delete(id)
    this.#losses.delete(id)
    if (frame !== undefined) frame.file.live -= frame.length
  }

  /** Reads what is new in the folder. Gives the files that should be there and are not. */
  async #look(after: number, signal: AbortSignal, listed: Map<number, ListedSegment>): Promise<number[]> {
    const names = await this.#folders.names(this.#folder)
    const numbers = names.filter(name => NAME.test(name)).map(name => Number.parseInt(name, 10))
    const present = new Set(numbers.sort((a, b) => a - b))
    for (const number of this.#files.keys()) if (!present.has(number)) await this.#forget(number)
    if (names.includes(LAST_WORD)) await this.#readLastWord(Math.max(0, ...numbers))
    const fresh: { file: LogFile; found: readonly Found[]; cutAt: number | undefined }[] = []
    const gone = new Set<number>()
    // From the youngest to the oldest: a file is judged by what later ones say of it.
    for (const number of numbers.reverse()) {
      signal.throwIfAborted()
      const stretch = await this.#scan(number)
      if (stretch === undefined) continue
      fresh.unshift(stretch)
      for (const id of await this.#hear(stretch)) gone.add(id)
    }
    for (const { file, found, cutAt } of fresh) {
      if (this.#history.isRemoved(file.number)) continue
      for (const { head, offset, length, directory, isSound } of found) {
        if (head.kind !== KIND.segment) {
          // What it said is said again by every later file.
          if (!isSound && this.#history.boundOf(file.number) === undefined) await this.#lose(file.number, undefined)
          continue
        }
        file.ids.add(head.id)
        this.#last = Math.max(this.#last, head.id)
        if (gone.has(head.id)) continue
        this.#enter(head.id, { file, offset, length, directoryLength: head.directoryLength, payloadLength: head.payloadLength })
        if (!isSound) await this.#loseOne(head.id, file.number)
        else if (head.id > after) listed.set(head.id, { id: head.id, directory, bytes: length })
      }
      if (cutAt !== undefined) await this.#lose(file.number, cutAt)
    }
    for (const id of gone) {
      this.#drop(id)
      listed.delete(id)
    }
    this.#last = Math.max(this.#last, this.#history.next - 1)
    await this.#sweep()
    return this.#history.missing(new Set(this.#files.keys()))
  }

  /** Removes what a predecessor meant to. */
  async #sweep(): Promise<void> {
    for (const { number } of [...this.#files.values()]) {
      if (!this.#history.isRemoved(number)) continue
      if (this.writable) await this.#unlink(number)
      else await this.#forget(number)
    }
  }

  async #scan(number: number): Promise<{ file: LogFile; found: readonly Found[]; cutAt: number | undefined } | undefined> {
    const known = this.#files.get(number)
    if (known !== undefined && known === this.#writer?.file) return undefined
    const file = known ?? { path: this.#path(number), number, size: 0, synced: 0, live: 0, ids: new Set<number>() }
    const { size: from } = file
    try {
      const handle = await this.#reader(file)
      const { size } = await handle.stat()
      const noted = this.#history.sizeOf(number)
      this.#files.set(number, file)
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
      await this.#forget(number)
      return undefined
    }
  }

  /** Takes in what a stretch of a file says of others. Gives the segments that are gone. */
  async #hear({ file, found }: { file: LogFile; found: readonly Found[] }): Promise<readonly number[]> {
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
      this.#history.begin(file.number, manifest, () => this.#hashesIn(file, record.offset))
      gone.push(...manifest.gone)
    }
    return gone
  }

  /** The hashes behind the manifest that stands there. */
  async #hashesIn(file: LogFile, offset: number): Promise<ReadonlySet<number> | undefined> {
    const handle = await this.#reader(file)
    const head = readHead(await readAll(handle, offset, FRAME_HEAD))
    const payload = typeof head === 'object' ? await soundPayload(handle, { head, offset }) : undefined
    return payload === undefined ? undefined : readHashes(payload)
  }

  async #readLastWord(youngest: number): Promise<void> {
    const handle = await this.#folders.open(`${this.#folder}/${LAST_WORD}`, 'read').catch(() => undefined)
    if (handle === undefined) return
    try {
      const { size } = await handle.stat()
      const { found } = await scan(handle, 0, size)
      const [record] = found
      if (record === undefined || record.head.kind !== KIND.manifest || !record.isSound) return
      const payload = await soundPayload(handle, record)
      const manifest = readManifest(record.directory)
      const last = Math.max(0, ...manifest.files.map(([number]) => number))
      // Somebody has written since.
      if (last < youngest) return
      this.#history.begin(last + 0.5, manifest, async () => (payload === undefined ? undefined : readHashes(payload)))
    } finally {
      await handle.close()
    }
  }

  /** Reads the directory of a segment that was met before. */
  async #list(id: number, { file, offset, length, directoryLength }: Frame, listed: Map<number, ListedSegment>): Promise<void> {
    const bytes = await readAll(await this.#reader(file), offset, FRAME_HEAD + directoryLength)
    const head = readHead(bytes)
    const directory = bytes.subarray(FRAME_HEAD)
    if (typeof head !== 'object' || checksum(directory) !== head.directoryCheck) await this.#loseOne(id, file.number)
    else listed.set(id, { id, directory, bytes: length })
  }

  /** The directory of one segment is damaged. */
  async #loseOne(id: number, file: number): Promise<void> {
    if (this.#losses.has(id)) return
    const listed = { id, directory: new Uint8Array(0), bytes: 0, keys: await this.#history.keysOf(file) }
    this.#losses.set(id, { listed, note: { gone: [id], unlinked: [], cut: [] } })
  }

  /** What followed in `file` after `end` is lost, and there is no telling how many segments that were. */
  async #lose(file: number, end: number | undefined): Promise<void> {
    const id = (this.#history.boundOf(file) ?? this.#last + 1) - 0.5
    const keys = await this.#history.keysOf(file)
    const old = this.#losses.get(id)
    const listed = { id, directory: new Uint8Array(0), bytes: 0, keys: old === undefined ? keys : union(old.listed.keys, keys) }
    const isMissing = !this.#files.has(file)
    const note: Note = {
      gone: [],
      unlinked: [...(old?.note.unlinked ?? []), ...(isMissing ? [file] : [])],
      cut: [...(old?.note.cut ?? []), ...(isMissing || end === undefined ? [] : [[file, end] as const])],
    }
    this.#losses.set(id, { listed, note })
  }

  /** Writes what is left in a file that is mostly dead at the end of the log. */
  async #copy(file: LogFile, gone: readonly number[], live: Map<LogFile, number>): Promise<void> {
    const source = await this.#reader(file)
    for (const [id, frame] of [...this.#frames]) {
      if (frame.file !== file || gone.includes(id)) continue
      const bytes = await readAll(source, frame.offset + FRAME_HEAD, frame.directoryLength + frame.payloadLength)
      const [directory, payload] = [bytes.subarray(0, frame.directoryLength), bytes.subarray(frame.directoryLength)]
      await this.#put([{ id, directory, payload }], 'stored')
    }
    live.set(file, 0)
  }

  /** Without room for a note, files in which nothing is live go without one: should we die before it is written, they count as lost. */
  async #makeRoom(error: unknown, live: ReadonlyMap<LogFile, number>): Promise<Writer> {
    const dead = [...live].filter(([file, bytes]) => bytes === 0 && file !== this.#writer?.file).sort(([a], [b]) => a.number - b.number)
    if (!isFull(error) || dead.length === 0) throw error
    for (const [{ path }] of dead) await this.#folders.unlink(path)
    return this.#writerWithRoom()
  }

  async #unlink(number: number): Promise<void> {
    await this.#forget(number)
    await this.#unlinkName(nameOf(number))
  }

  async #unlinkName(name: string): Promise<void> {
    await this.#folders.unlink(`${this.#folder}/${name}`).catch(error => {
      if (errno(error) !== 'ENOENT') throw error
    })
  }

  async #forget(number: number): Promise<void> {
    const file = this.#files.get(number)
    this.#files.delete(number)
    for (const [id, frame] of this.#frames) if (frame.file === file) this.#frames.delete(id)
    await this.#closeReader(number)
  }

  #reader(file: LogFile): Promise<OpenFile> {
    const kept = this.#readers.get(file.number)
    this.#readers.delete(file.number)
    const handle = kept ?? this.#folders.open(file.path, 'read')
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

function nameOf(number: number): string {
  return `${String(number).padStart(10, '0')}.segments`
}

/** Keys that one of two may have named; unknown unless both are known. */
function union(a: ReadonlySet<number> | undefined, b: ReadonlySet<number> | undefined): ReadonlySet<number> | undefined {
  return a === undefined || b === undefined ? undefined : new Set([...a, ...b])
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
