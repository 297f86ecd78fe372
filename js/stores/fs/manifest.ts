/**
 * What files of a log say about each other. A new file begins with a *manifest*: which files were there, how long each was,
 * which of their segments are gone, and hashes of the keys that the file before it names. A *note* says what is gone since.
 * So a file that is missing or too short is noticed, and it is known which keys it may have had something to say about.
 */

import { ShelflifeError } from '../../errors.ts'

/** Segments that can be gone one after the other: files with more are removed as a whole. */
const MOST_GONE = 1_000_000

/** Numbers of files and the bytes in each that hold records. */
export type Sizes = readonly (readonly [file: number, size: number])[]

/** See the top of this file. */
export interface Manifest {
  /** Segments from this id on are in this file or in later ones. */
  readonly next: number
  readonly files: Sizes
  /** Segments that were removed and still lie in one of the files. */
  readonly gone: readonly number[]
  /** The file whose keys follow in the payload; 0 for none. */
  readonly of: number
}

/** See the top of this file. */
export interface Note {
  readonly gone: readonly number[]
  /** Files that are removed. */
  readonly unlinked: readonly number[]
  /** Files that were found damaged and count as no longer than this, from now on. */
  readonly cut: Sizes
}

/** The bytes of a manifest or note. */
export function writeStatement(statement: Manifest | Note): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ ...statement, gone: runsOf(statement.gone) }))
}

/** @throws ShelflifeError `ERR_CODEC` when the bytes are no manifest. */
export function readManifest(bytes: Uint8Array): Manifest {
  const { next, files, gone, of } = parse(bytes)
  if (!isCount(next) || !isCount(of) || !areSizes(files)) throw damaged()
  return { next, files, gone: ofRuns(gone), of }
}

/** @throws ShelflifeError `ERR_CODEC` when the bytes are no note. */
export function readNote(bytes: Uint8Array): Note {
  const { gone, unlinked, cut } = parse(bytes)
  if (!Array.isArray(unlinked) || !unlinked.every(isCount) || !areSizes(cut)) throw damaged()
  return { gone: ofRuns(gone), unlinked, cut }
}

/** Hashes as bytes, and back. */
export function writeHashes(hashes: ReadonlySet<number>): Uint8Array {
  const bytes = new Uint8Array(hashes.size * 4)
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const hash of hashes) {
    view.setUint32(at, hash, true)
    at += 4
  }
  return bytes
}

export function readHashes(bytes: Uint8Array): Set<number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const hashes = new Set<number>()
  for (let at = 0; at + 4 <= bytes.length; at += 4) hashes.add(view.getUint32(at, true))
  return hashes
}

/** Numbers in rising order as first and last of each run. */
function runsOf(numbers: readonly number[]): number[][] {
  const runs: number[][] = []
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const run = runs.at(-1)
    if (run !== undefined && run[1] === number - 1) run[1] = number
    else runs.push([number, number])
  }
  return runs
}

function ofRuns(runs: unknown): number[] {
  if (!areSizes(runs)) throw damaged()
  if (runs.some(([first, last]) => last < first || last - first > MOST_GONE)) throw damaged()
  return runs.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, at) => first + at))
}

function parse(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes))
    if (typeof value === 'object' && value !== null) return { ...value }
  } catch (cause) {
    throw damaged(cause)
  }
  throw damaged()
}

function areSizes(value: unknown): value is Sizes {
  return Array.isArray(value) && value.every(pair => Array.isArray(pair) && pair.length === 2 && pair.every(isCount))
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function damaged(cause?: unknown): ShelflifeError {
  return new ShelflifeError('ERR_CODEC', 'a damaged manifest of a log', { cause })
}
