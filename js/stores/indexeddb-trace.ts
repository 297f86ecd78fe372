/**
 * What a segment leaves beside its directory, so that one that is damaged, or not there any more, can still be asked which keys it may
 * have named: a hash of each, and a checksum before them. It has the id of its segment, because both stores number what is added to them and
 * every transaction adds as much to the one as to the other.
 */

import { checksum } from './checksum.ts'
import { keyHashes } from './directory.ts'

const HEAD = 4
const HASH = 4

/** The keys of what has an id above `after`: traces, directories, payloads. */
export function idsAfter(after: number): IDBKeyRange {
  return IDBKeyRange.bound(after, Number.POSITIVE_INFINITY, true)
}

/** The trace of the segment with this directory. */
export function traceOf(directory: Uint8Array): Uint8Array {
  const hashes = keyHashes(directory)
  const trace = new Uint8Array(HEAD + hashes.length * HASH)
  const view = new DataView(trace.buffer)
  for (const [at, hash] of hashes.entries()) view.setUint32(HEAD + at * HASH, hash, true)
  view.setUint32(0, checksum(trace.subarray(HEAD)), true)
  return trace
}

/** The hashes of the keys that the segment may have named; `undefined` when `trace` is none. */
export function readTrace(trace: unknown): ReadonlySet<number> | undefined {
  if (!(trace instanceof Uint8Array) || trace.length < HEAD || trace.length % HASH !== 0) return undefined
  const view = new DataView(trace.buffer, trace.byteOffset, trace.byteLength)
  if (checksum(trace.subarray(HEAD)) !== view.getUint32(0, true)) return undefined
  const hashes = new Set<number>()
  for (let at = HEAD; at < trace.length; at += HASH) hashes.add(view.getUint32(at, true))
  return hashes
}
