/**
 * How records lie in a file: a head of 40 bytes, the directory, the payload; one record behind the other.
 *
 * Head, little endian: `SLF1`, kind, id as a double, lengths of directory and payload, checksums of both, up to where the
 * file was synced when this was written, checksum of the head. Nothing that was written is ever changed in its place.
 */

import { checksum } from '../checksum.ts'

/** Bytes of the head. */
export const FRAME_HEAD = 40

const MARK = 0x31464c53
const FAMILY = 0x00464c53

/** A segment; what a new file says of those before it; what is gone since. */
export const KIND = { segment: 1, manifest: 2, note: 3 } as const
export type Kind = (typeof KIND)[keyof typeof KIND]

/** What a head says. */
export interface FrameHead {
  readonly kind: Kind
  readonly id: number
  readonly directoryLength: number
  readonly payloadLength: number
  readonly directoryCheck: number
  readonly payloadCheck: number
  /** All bytes of the file before this place had been synced when the record was written. */
  readonly syncedTo: number
}

/** What a record says, without its head. */
export interface FrameBody {
  readonly kind: Kind
  /** 0 unless it is a segment. */
  readonly id: number
  readonly directory: Uint8Array
  readonly payload: Uint8Array
}

/** The bytes of a record. */
export function frameOf({ kind, id, directory, payload }: FrameBody, syncedTo: number): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEAD + directory.length + payload.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MARK, true)
  view.setUint32(4, kind, true)
  view.setFloat64(8, id, true)
  view.setUint32(16, directory.length, true)
  view.setUint32(20, payload.length, true)
  view.setUint32(24, checksum(directory), true)
  view.setUint32(28, checksum(payload), true)
  view.setUint32(32, syncedTo, true)
  view.setUint32(36, checksum(bytes.subarray(0, 36)), true)
  bytes.set(directory, FRAME_HEAD)
  bytes.set(payload, FRAME_HEAD + directory.length)
  return bytes
}

/** What the head in `bytes` says; `'newer'` when a newer version of shelflife wrote it. */
export function readHead(bytes: Uint8Array): FrameHead | 'damaged' | 'newer' {
  if (bytes.length < FRAME_HEAD) return 'damaged'
  const view = new DataView(bytes.buffer, bytes.byteOffset, FRAME_HEAD)
  const mark = view.getUint32(0, true)
  const kind = view.getUint32(4, true)
  const id = view.getFloat64(8, true)
  if ((mark & 0xffffff) !== FAMILY || view.getUint32(36, true) !== checksum(bytes.subarray(0, 36))) return 'damaged'
  if (mark !== MARK) return 'newer'
  if (!isKind(kind) || !Number.isSafeInteger(id) || id > 0 !== (kind === KIND.segment)) return 'damaged'
  return {
    kind,
    id,
    directoryLength: view.getUint32(16, true),
    payloadLength: view.getUint32(20, true),
    directoryCheck: view.getUint32(24, true),
    payloadCheck: view.getUint32(28, true),
    syncedTo: view.getUint32(32, true),
  }
}

/** Whether a head somewhere in `bytes`, the end of a file from `offset` on, says that the file was synced beyond that place. */
export function provesSynced(bytes: Uint8Array, offset: number): boolean {
  for (let at = bytes.indexOf(MARK & 255); at >= 0; at = bytes.indexOf(MARK & 255, at + 1)) {
    const head = readHead(bytes.subarray(at, at + FRAME_HEAD))
    if (typeof head === 'object' && head.syncedTo > offset) return true
  }
  return false
}

function isKind(kind: number): kind is Kind {
  return kind === KIND.segment || kind === KIND.manifest || kind === KIND.note
}
