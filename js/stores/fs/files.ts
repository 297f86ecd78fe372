/** The files of a log, and where in them each segment lies. */

import type { Folder } from './folder.ts'

/** A file, as far as it is known. */
export interface LogFile {
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

/** Where a segment lies. */
export interface Frame {
  readonly file: LogFile
  readonly offset: number
  readonly length: number
  readonly directoryLength: number
  readonly payloadLength: number
}

/** A file of which nothing is known. */
export function newFile(number: number): LogFile {
  return { number, size: 0, synced: 0, live: 0, ids: new Set() }
}

/** See the top of this file. */
export class Files {
  readonly #folder: Folder
  readonly #files = new Map<number, LogFile>()
  readonly #frames = new Map<number, Frame>()
  #last = 0

  constructor(folder: Folder) {
    this.#folder = folder
  }

  /** By number. */
  get byNumber(): ReadonlyMap<number, LogFile> {
    return this.#files
  }

  /** By id, those that are not removed. */
  get frames(): ReadonlyMap<number, Frame> {
    return this.#frames
  }

  /** The highest id that was ever met or given. */
  get last(): number {
    return this.#last
  }

  /** No id up to this one is given any more. */
  reach(id: number): void {
    this.#last = Math.max(this.#last, id)
  }

  add(file: LogFile): void {
    this.#files.set(file.number, file)
  }

  /** A segment lies there. */
  enter(id: number, frame: Frame): void {
    const old = this.#frames.get(id)
    // A copy that a tidying left in two files.
    if (old !== undefined) old.file.live -= old.length
    this.#frames.set(id, frame)
    frame.file.ids.add(id)
    frame.file.live += frame.length
    this.reach(id)
  }

  /** A segment is removed. */
  drop(id: number): void {
    const frame = this.#frames.get(id)
    this.#frames.delete(id)
    if (frame !== undefined) frame.file.live -= frame.length
  }

  /** Segments that are removed and still lie in a file. */
  gone(): number[] {
    const gone = new Set<number>()
    for (const { ids } of this.#files.values()) for (const id of ids) if (!this.#frames.has(id)) gone.add(id)
    return [...gone]
  }

  /** Knows nothing of a file any more. */
  async forget(number: number): Promise<void> {
    const file = this.#files.get(number)
    this.#files.delete(number)
    for (const [id, frame] of this.#frames) if (frame.file === file) this.#frames.delete(id)
    await this.#folder.closeReader(number)
  }

  /** Removes a file and all that lies in it. */
  async remove(number: number): Promise<void> {
    await this.forget(number)
    await this.#folder.unlink(number)
  }
}
