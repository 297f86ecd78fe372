/**
 * The directory of a segment, and how lines are packed into segments.
 *
 * Bytes, little endian: version, forms (bit 0 of the keys: 0 ASCII, 1 UTF-16; above it of the payload: see `compression.ts`), count of lines (2 bytes), bytes of all keys (4);
 * then 40 bytes a line: units of the key, bytes of the value (2^32-1: a tombstone), checksum, hash of the key, order, expiresAt,
 * writtenAt; then the keys. Values lie in the payload in the order of the lines, without gaps.
 */

import { bytesOf, type Encoded } from '../codec.ts'
import { ShelflifeError } from '../errors.ts'
import { checksum, seedOf } from './checksum.ts'
import { type Form, LAST_FORM } from './compression.ts'
import type { Segment } from './segment-medium.ts'

/** One line of a directory: a key was given a value, or deleted. */
export interface Line {
  readonly key: string
  /** Absent in a tombstone. */
  readonly value: Place | undefined
  /** The segment it was first written in; 0 for the one it is in. */
  readonly order: number
  /** Bytes of the segment that go with it. */
  readonly cost: number
}

/** Where a value lies in its segment's payload, its checksum and its times. */
export interface Place {
  readonly offset: number
  readonly length: number
  readonly check: number
  readonly expiresAt: number
  readonly writtenAt: number
}

/** A line on its way into a segment. */
export interface Outgoing {
  readonly key: string
  /** The encoded value; `undefined` for a tombstone. */
  readonly bytes: Encoded | undefined
  readonly expiresAt: number
  readonly writtenAt: number
  /** The segment it was first written in; 0 if it is new. */
  readonly order: number
}

/** A segment that has just been made. */
export interface PackedSegment extends Segment {
  /** Bytes of its values, before they were compressed. */
  readonly length: number
}

/** Lines a segment may have. */
export const MAX_LINES = 512
/** Bytes a segment should not exceed, unless one value does. */
export const SEGMENT_BYTES = 32_768
/** A value above this has a segment of its own, so that reading its neighbours stays cheap. */
const LONE_VALUE = 16_384

const VERSION = 1
const HEADER = 8
const LINE = 40
const TOMBSTONE = 0xffffffff

/** Packs lines into as few segments as the bounds allow, in order. */
export function pack(outgoing: Iterable<Outgoing>): PackedSegment[] {
  const segments: PackedSegment[] = []
  let batch: Outgoing[] = []
  let bytes = HEADER
  const close = () => {
    if (batch.length > 0) segments.push(pour(batch))
    batch = []
    bytes = HEADER
  }
  for (const line of outgoing) {
    const size = LINE + line.key.length * 2 + (line.bytes?.length ?? 0)
    if (size > LONE_VALUE) {
      segments.push(pour([line]))
      continue
    }
    if (batch.length === MAX_LINES || bytes + size > SEGMENT_BYTES) close()
    batch.push(line)
    bytes += size
  }
  close()
  return segments
}

/** Whether `payload` has at `offset` the value of `key` that `check` is the checksum of. */
export function isWhole(key: string, payload: Uint8Array, offset: number, length: number, check: number): boolean {
  const end = offset + length
  return end <= payload.length && checksum(payload, seedOf(key), offset, end) === check
}

/**
 * The lines of a directory. Total: any bytes give lines or an error.
 *
 * @throws ShelflifeError `ERR_CODEC` when they are no directory; `retryable` when a newer version of shelflife wrote them.
 */
export function readDirectory(bytes: Uint8Array): Line[] {
  const { view, text, wide, keysAt } = open(bytes)
  const lines: Line[] = []
  let keyAt = 0
  let offset = 0
  for (let at = HEADER; at < keysAt; at += LINE) {
    const units = view.getUint32(at, true)
    const length = view.getUint32(at + 4, true)
    const order = view.getFloat64(at + 16, true)
    if (keyAt + units > text.length || !Number.isSafeInteger(order) || order < 0) throw damaged('a line makes no sense')
    const key = text.slice(keyAt, keyAt + units)
    keyAt += units
    const cost = LINE + units * (wide + 1)
    if (length === TOMBSTONE) {
      lines.push({ key, value: undefined, order, cost })
      continue
    }
    const [check, expiresAt, writtenAt] = [view.getUint32(at + 8, true), view.getFloat64(at + 24, true), view.getFloat64(at + 32, true)]
    lines.push({ key, value: { offset, length, check, expiresAt, writtenAt }, order, cost: cost + length })
    offset += length
  }
  if (keyAt !== text.length) throw damaged('a key belongs to no line')
  return lines
}

/** A directory whose head makes sense, and its keys one behind the other. */
function open(bytes: Uint8Array): { view: DataView; text: string; wide: number; keysAt: number; count: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < HEADER) throw damaged('it is too short')
  if (view.getUint8(0) > VERSION) throw new ShelflifeError('ERR_CODEC', 'a segment of a newer format', { retryable: true })
  const count = view.getUint16(2, true)
  const keysAt = HEADER + count * LINE
  const keyBytes = view.getUint32(4, true)
  if (view.getUint8(1) >> 1 > LAST_FORM) throw new ShelflifeError('ERR_CODEC', 'a payload of a newer form', { retryable: true })
  const wide = view.getUint8(1) & 1
  if (view.getUint8(0) !== VERSION || count > MAX_LINES || keysAt + keyBytes !== bytes.length) throw damaged('its head makes no sense')
  const keys = bytes.subarray(keysAt)
  return { view, text: wide === 1 ? readWide(keys) : readAscii(keys), wide, keysAt, count }
}

/** How the payload of a directory's segment is compressed. */
export function formOf(directory: Uint8Array): Form {
  return Math.min((directory[1] ?? 0) >> 1, LAST_FORM) as Form
}

/** The directory of the same segment with its payload compressed. */
export function withForm(directory: Uint8Array, form: Form): Uint8Array {
  const copy = directory.slice()
  copy[1] = ((copy[1] as number) & 1) | (form << 1)
  return copy
}

/** The hash of a key, by which a directory that is damaged can still be asked what it may have said. Not a defence against forgery. */
export function keyHash(key: string): number {
  return seedOf(key) >>> 0
}

/** The hashes of the keys of a directory, without a look at the rest. Any bytes give some. */
export function keyHashes(directory: Uint8Array): number[] {
  const hashes: number[] = []
  if (directory.length < HEADER) return hashes
  const view = new DataView(directory.buffer, directory.byteOffset, directory.byteLength)
  const end = Math.min(HEADER + view.getUint16(2, true) * LINE, directory.length)
  for (let at = HEADER; at + LINE <= end; at += LINE) hashes.push(view.getUint32(at + 12, true))
  return hashes
}

function pour(batch: readonly Outgoing[]): PackedSegment {
  const { payload, ends } = join(batch)
  const text = batch.map(({ key }) => key).join('')
  const wide = isAscii(text) ? 0 : 1
  const keysAt = HEADER + batch.length * LINE
  const directory = new Uint8Array(keysAt + text.length * (wide + 1))
  const view = new DataView(directory.buffer)
  view.setUint8(0, VERSION)
  view.setUint8(1, wide)
  view.setUint16(2, batch.length, true)
  view.setUint32(4, text.length * (wide + 1), true)
  let offset = 0
  let at = HEADER
  for (let index = 0; index < batch.length; index += 1) {
    const { key, bytes, order, expiresAt, writtenAt } = batch[index] as Outgoing
    const seed = seedOf(key)
    const end = ends[index] as number
    view.setUint32(at, key.length, true)
    view.setUint32(at + 4, bytes === undefined ? TOMBSTONE : end - offset, true)
    view.setUint32(at + 12, seed >>> 0, true)
    view.setFloat64(at + 16, order, true)
    if (bytes !== undefined) {
      view.setUint32(at + 8, checksum(payload, seed, offset, end), true)
      view.setFloat64(at + 24, expiresAt, true)
      view.setFloat64(at + 32, writtenAt, true)
    }
    offset = end
    at += LINE
  }
  if (wide === 1) for (let unit = 0; unit < text.length; unit += 1) view.setUint16(keysAt + unit * 2, text.charCodeAt(unit), true)
  else for (let unit = 0; unit < text.length; unit += 1) directory[keysAt + unit] = text.charCodeAt(unit)
  return { directory, payload, length: payload.length }
}

/** The values one behind the other, and where each ends. */
function join(batch: readonly Outgoing[]): { payload: Uint8Array; ends: number[] } {
  let units = 0
  const ends = batch.map(({ bytes }) => (units += bytes?.length ?? 0))
  const payload = new Uint8Array(units)
  if (batch.length > 1 && batch.every(({ bytes }) => typeof bytes === 'string')) {
    // What is text becomes bytes at once, if each unit becomes one.
    const { read, written } = encoder.encodeInto(batch.map(({ bytes }) => bytes as string).join(''), payload)
    if (read === units && written === units) return { payload, ends }
  }
  const encoded = batch.map(({ bytes }) => (bytes === undefined ? undefined : bytesOf(bytes)))
  let end = 0
  for (const [at, bytes] of encoded.entries()) ends[at] = end += bytes?.length ?? 0
  const exact = end === units ? payload : new Uint8Array(end)
  for (const [at, bytes] of encoded.entries()) if (bytes !== undefined) exact.set(bytes, (ends[at] as number) - bytes.length)
  return { payload: exact, ends }
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 0x7f) return false
  return true
}

const encoder = new TextEncoder()
const ascii = new TextDecoder()

function readAscii(bytes: Uint8Array): string {
  const text = ascii.decode(bytes)
  // Other bytes would give fewer units than there are bytes, or units that are not theirs.
  if (text.length !== bytes.length || !isAscii(text)) throw damaged('its keys are not what they should be')
  return text
}

/** No `TextDecoder`: it would replace lone surrogates, and keys are exact. */
function readWide(bytes: Uint8Array): string {
  if (bytes.length % 2 !== 0) throw damaged('half a unit of a key')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const parts: string[] = []
  for (let start = 0; start < bytes.length; start += 8192) {
    const units: number[] = []
    for (let at = start; at < Math.min(start + 8192, bytes.length); at += 2) units.push(view.getUint16(at, true))
    parts.push(String.fromCharCode(...units))
  }
  return parts.join('')
}

function damaged(why: string): ShelflifeError {
  return new ShelflifeError('ERR_CODEC', `a damaged directory of a segment: ${why}`)
}
