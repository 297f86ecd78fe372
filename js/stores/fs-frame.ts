/**
 * How a segment lies in a file: a head of 28 bytes, the directory, the payload.
 *
 * Head, little endian: `SLF1` (a removed segment: `SLF0`), id as a double, lengths of directory and payload, checksum of
 * the directory, checksum of the head. A file is as many of these as were written, one behind the other.
 */

import { checksum } from './checksum.ts'
import type { Segment } from './segment-medium.ts'

/** Bytes of the head. */
export const FRAME_HEAD = 28

const LIVE = 0x31464c53
const DEAD = 0x30464c53
const FAMILY = 0x00464c53

/** What overwrites the first bytes of a segment that is removed. */
export const DEAD_MARK: Uint8Array = new Uint8Array([DEAD & 255, (DEAD >> 8) & 255, (DEAD >> 16) & 255, (DEAD >> 24) & 255])

/** What a head says. */
export interface FrameHead {
  readonly id: number
  readonly dead: boolean
  readonly directoryLength: number
  readonly payloadLength: number
  readonly directoryCheck: number
}

/** The bytes of a segment in a file. */
export function frameOf(id: number, { directory, payload }: Segment): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEAD + directory.length + payload.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, LIVE, true)
  view.setFloat64(4, id, true)
  view.setUint32(12, directory.length, true)
  view.setUint32(16, payload.length, true)
  view.setUint32(20, checksum(directory), true)
  view.setUint32(24, checksum(bytes.subarray(4, 24)), true)
  bytes.set(directory, FRAME_HEAD)
  bytes.set(payload, FRAME_HEAD + directory.length)
  return bytes
}

/** What the head in `bytes` says; `'end'` when nothing was ever written here, `'newer'` when a newer version of shelflife wrote it. */
export function readHead(bytes: Uint8Array): FrameHead | 'end' | 'damaged' | 'newer' {
  if (bytes.length < FRAME_HEAD || bytes.subarray(0, FRAME_HEAD).every(byte => byte === 0)) return 'end'
  const view = new DataView(bytes.buffer, bytes.byteOffset, FRAME_HEAD)
  const mark = view.getUint32(0, true)
  const id = view.getFloat64(4, true)
  const isSound = view.getUint32(24, true) === checksum(bytes.subarray(4, 24)) && Number.isSafeInteger(id) && id > 0
  if (mark !== LIVE && mark !== DEAD) return isSound && (mark & 0xffffff) === FAMILY ? 'newer' : 'damaged'
  if (!isSound) return 'damaged'
  return {
    id,
    dead: mark === DEAD,
    directoryLength: view.getUint32(12, true),
    payloadLength: view.getUint32(16, true),
    directoryCheck: view.getUint32(20, true),
  }
}
