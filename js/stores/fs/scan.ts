/** Reads what lies in one file of a log, as far as it can be believed. */

import { ShelflifeError } from '../../errors.ts'
import { checksum } from '../checksum.ts'
import { FRAME_HEAD, type FrameHead, provesSynced, readHead } from './frame.ts'
import { type OpenFile, readAll } from './layer.ts'
import { readHashes } from './manifest.ts'

/** Read together: many small records, or a large one's head and directory. */
const WINDOW = 32 * 1024

/** A record in a file. */
export interface Found {
  readonly head: FrameHead
  readonly offset: number
  readonly length: number
  readonly directory: Uint8Array
  /** Whether the directory is what was written. */
  readonly isSound: boolean
}

/** The records of a stretch of a file, and where it ends; `isCut` when something unreadable follows that was certainly written once. */
export interface Stretch {
  readonly found: readonly Found[]
  readonly end: number
  readonly isCut: boolean
}

/** The records between `from` and `to`, which are known to have been written and synced. */
export async function scan(file: OpenFile, from: number, to: number): Promise<Stretch> {
  const found: Found[] = []
  let window = new Uint8Array(0)
  let windowAt = from
  const look = async (at: number, length: number): Promise<Uint8Array> => {
    if (at + length > windowAt + window.length) {
      window = new Uint8Array(await readAll(file, at, Math.min(Math.max(length, WINDOW), to - at)))
      windowAt = at
    }
    return window.subarray(at - windowAt, at - windowAt + length)
  }
  let offset = from
  while (offset < to) {
    const head = readHead(await look(offset, FRAME_HEAD))
    if (head === 'newer') throw new ShelflifeError('ERR_STORE', 'a newer version of shelflife wrote here')
    if (head === 'damaged') break
    const length = FRAME_HEAD + head.directoryLength + head.payloadLength
    if (offset + length > to) break
    const directory = await look(offset + FRAME_HEAD, head.directoryLength)
    found.push({ head, offset, length, directory, isSound: checksum(directory) === head.directoryCheck })
    offset += length
  }
  return { found, end: offset, isCut: offset < to }
}

/**
 * The records from `from` on of a file whose length nobody has noted: its writer writes still, or died. What is known to have been synced
 * must be there. Of the rest a power failure may have kept any part: it counts up to the first record that is not whole.
 */
export async function scanTail(file: OpenFile, from: number, size: number, knownSynced: number): Promise<Stretch & { synced: number }> {
  const { found, end, isCut } = await scan(file, from, size)
  const synced = found.reduce((most, { head }) => Math.max(most, head.syncedTo), knownSynced)
  if (isCut && (end < synced || provesSynced(await readAll(file, end, size - end), end))) return { found, end, isCut: true, synced: end }
  for (const [index, record] of found.entries()) {
    if (record.offset < synced || (record.isSound && (await isWhole(file, record)))) continue
    return { found: found.slice(0, index), end: record.offset, isCut: false, synced }
  }
  return { found, end, isCut: false, synced }
}

/** The payload of a record, if it is what was written. */
export async function soundPayload(file: OpenFile, { head, offset }: Pick<Found, 'head' | 'offset'>): Promise<Uint8Array | undefined> {
  const payload = await readAll(file, offset + FRAME_HEAD + head.directoryLength, head.payloadLength)
  return payload.length === head.payloadLength && checksum(payload) === head.payloadCheck ? payload : undefined
}

/** The hashes behind the manifest that stands there. */
export async function hashesAt(file: OpenFile, offset: number): Promise<ReadonlySet<number> | undefined> {
  const head = readHead(await readAll(file, offset, FRAME_HEAD))
  const payload = typeof head === 'object' ? await soundPayload(file, { head, offset }) : undefined
  return payload === undefined ? undefined : readHashes(payload)
}

async function isWhole(file: OpenFile, record: Found): Promise<boolean> {
  return (await soundPayload(file, record)) !== undefined
}
