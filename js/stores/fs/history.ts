/** What the files of a log say of each other, put together: which are missing, how long each must be, which keys one may have named. */

import type { Manifest, Note } from './manifest.ts'

interface Chapter {
  readonly manifest: Manifest
  /** Reads the hashes of the keys of the file that {@link Manifest.of} names. */
  readonly keys: () => Promise<ReadonlySet<number> | undefined>
}

/** See the top of this file. */
export class History {
  /** By the file that begins with the manifest. What is written when a log is closed comes half a number after its last file. */
  readonly #chapters = new Map<number, Chapter>()
  readonly #sizes = new Map<number, number>()
  /** Sizes of files that were found damaged. */
  readonly #cuts = new Map<number, number>()
  readonly #unlinked = new Set<number>()
  #last = 0

  begin(file: number, manifest: Manifest, keys: Chapter['keys']): void {
    const isYoungest = file > this.#youngest()[0]
    this.#chapters.set(file, { manifest, keys })
    for (const [number, size] of manifest.files) this.#sizes.set(number, size)
    this.#last = Math.max(this.#last, Math.floor(file), ...manifest.files.map(([number]) => number))
    if (!isYoungest) return
    const named = new Set(manifest.files.map(([number]) => number))
    for (const number of this.#unlinked) if (!named.has(number)) this.#unlinked.delete(number)
  }

  note({ unlinked, cut }: Note): void {
    for (const file of unlinked) this.#unlinked.add(file)
    this.#last = Math.max(this.#last, ...unlinked)
    for (const [number, size] of cut) this.#cuts.set(number, Math.min(size, this.#cuts.get(number) ?? size))
  }

  /** How many bytes of a file count; `undefined` when nobody has noted it yet. */
  sizeOf(file: number): number | undefined {
    return this.#cuts.get(file) ?? this.#sizes.get(file)
  }

  /** Whether somebody has noted that a file is removed, or the youngest manifest does not name it any more. */
  isRemoved(file: number): boolean {
    if (this.#unlinked.has(file)) return true
    const [number, chapter] = this.#youngest()
    return file < Math.floor(number) && chapter?.manifest.files.every(([other]) => other !== file) === true
  }

  /** Files with records that are not there, and that nobody has removed. */
  missing(present: ReadonlySet<number>): number[] {
    const [, chapter] = this.#youngest()
    const files = chapter?.manifest.files ?? []
    return files
      .filter(([file, size]) => !present.has(file) && !this.#unlinked.has(file) && (this.#cuts.get(file) ?? size) > 0)
      .map(([file]) => file)
  }

  /** An id that no segment first written in `file` reaches; `undefined` when nobody has noted one. */
  boundOf(file: number): number | undefined {
    let bound: number | undefined
    for (const [number, { manifest }] of this.#chapters) if (number > file) bound = Math.min(bound ?? manifest.next, manifest.next)
    return bound
  }

  /** Hashes of the keys that `file` names, and perhaps of others; `undefined` when they are not known. */
  async keysOf(file: number): Promise<ReadonlySet<number> | undefined> {
    for (const { manifest, keys } of this.#chapters.values()) {
      const known = manifest.of === file ? await keys() : undefined
      if (known !== undefined) return known
    }
    return undefined
  }

  /** The first id that was free when a file was begun last. */
  get next(): number {
    return Math.max(0, ...Array.from(this.#chapters.values(), ({ manifest }) => manifest.next))
  }

  /** No file that anybody has told of has a higher number. */
  get last(): number {
    return this.#last
  }

  /** Forgets what removed files have said, and what was said of them. */
  prune(present: ReadonlyMap<number, unknown>): void {
    const isPast = (file: number) => !present.has(file) && this.isRemoved(file)
    for (const number of this.#chapters.keys()) if (isPast(Math.floor(number))) this.#chapters.delete(number)
    for (const known of [this.#sizes, this.#cuts]) for (const file of known.keys()) if (isPast(file)) known.delete(file)
  }

  clear(): void {
    this.#chapters.clear()
    this.#sizes.clear()
    this.#cuts.clear()
    this.#unlinked.clear()
  }

  #youngest(): [number, Chapter | undefined] {
    let youngest = 0
    for (const number of this.#chapters.keys()) youngest = Math.max(youngest, number)
    return [youngest, this.#chapters.get(youngest)]
  }
}
