/** Segments of a log that are damaged or lost, and what has to be noted so that they are not missed any more. */

import type { ListedSegment } from '../segment-medium.ts'
import type { Files } from './files.ts'
import type { History } from './history.ts'
import type { Note } from './manifest.ts'

interface Loss {
  readonly listed: ListedSegment
  readonly note: Note
}

/** See the top of this file. */
export class Losses {
  readonly #files: Files
  readonly #history: History
  readonly #losses = new Map<number, Loss>()

  constructor(files: Files, history: History) {
    this.#files = files
    this.#history = history
  }

  /** What stands for those with an id above `after`. */
  above(after: number): ListedSegment[] {
    return Array.from(this.#losses.values(), ({ listed }) => listed).filter(({ id }) => id > after)
  }

  /** What has to be noted of some of them. */
  notesOf(ids: readonly number[]): Note[] {
    return ids.flatMap(id => this.#losses.get(id)?.note ?? [])
  }

  /** The directory of one segment is damaged. */
  async addSegment(id: number, file: number): Promise<void> {
    if (this.#losses.has(id)) return
    const listed = { id, directory: new Uint8Array(0), bytes: 0, keys: await this.#history.keysOf(file) }
    this.#losses.set(id, { listed, note: { gone: [id], unlinked: [], cut: [] } })
  }

  /** What followed in `file` after `end` is lost, and there is no telling how many segments that were. */
  async addRest(file: number, end: number | undefined): Promise<void> {
    const id = (this.#history.boundOf(file) ?? this.#files.last + 1) - 0.5
    const keys = await this.#history.keysOf(file)
    const old = this.#losses.get(id)
    const listed = { id, directory: new Uint8Array(0), bytes: 0, keys: old === undefined ? keys : union(old.listed.keys, keys) }
    const isMissing = !this.#files.byNumber.has(file)
    const note: Note = {
      gone: [],
      unlinked: [...(old?.note.unlinked ?? []), ...(isMissing ? [file] : [])],
      cut: [...(old?.note.cut ?? []), ...(isMissing || end === undefined ? [] : [[file, end] as const])],
    }
    this.#losses.set(id, { listed, note })
  }

  /** It has been noted. */
  drop(id: number): void {
    this.#losses.delete(id)
  }

  clear(): void {
    this.#losses.clear()
  }
}

/** Keys that one of two may have named; unknown unless both are known. */
function union(a: ReadonlySet<number> | undefined, b: ReadonlySet<number> | undefined): ReadonlySet<number> | undefined {
  return a === undefined || b === undefined ? undefined : new Set([...a, ...b])
}
