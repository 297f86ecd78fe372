/**
 * An entry as Redis holds it: a head that says which format and generation it is of, when it was written and ends, and the checksum of
 * the rest; then value and facts. Whatever is not of this form, or of another generation, is a miss: other programs may write there, too.
 */

import { checksum, seedOf } from '../checksum.ts'

/** "SL", and the version of the format: another one is another kind of bytes. */
const MAGIC = [0x53, 0x4c, 1] as const
export const EPOCH_CHARS = 16
const AT = { epoch: 3, writtenAt: 19, expiresAt: 27, check: 35 } as const
/** Bytes before the value. Scripts read `writtenAt` and the generation, too: see `scripts.ts`. */
export const HEAD = 39

/** What is read of a head. */
export interface Head {
  readonly epoch: string
  readonly writtenAt: number
  readonly expiresAt: number
}

/** `epoch` is a text of 16 hexadecimal digits. */
export function frame(key: string, epoch: string, body: Uint8Array, { writtenAt, expiresAt }: Omit<Head, 'epoch'>): Uint8Array {
  const bytes = Buffer.allocUnsafe(HEAD + body.length)
  bytes.set(MAGIC)
  bytes.write(epoch, AT.epoch, EPOCH_CHARS, 'latin1')
  bytes.writeDoubleBE(writtenAt, AT.writtenAt)
  bytes.writeDoubleBE(expiresAt, AT.expiresAt)
  bytes.writeUInt32BE(checksum(body, seedOf(key)), AT.check)
  bytes.set(body, HEAD)
  return bytes
}

/** The head, if it is one of ours. */
export function readHead(bytes: Uint8Array): Head | undefined {
  if (bytes.length < HEAD || MAGIC.some((byte, at) => bytes[at] !== byte)) return undefined
  const view = asBuffer(bytes)
  return {
    epoch: view.toString('latin1', AT.epoch, AT.epoch + EPOCH_CHARS),
    writtenAt: view.readDoubleBE(AT.writtenAt),
    expiresAt: view.readDoubleBE(AT.expiresAt),
  }
}

/** What follows the head; `undefined` when it is not what was written for `key`. */
export function readBody(key: string, bytes: Uint8Array): Uint8Array | undefined {
  const body = bytes.subarray(HEAD)
  return checksum(body, seedOf(key)) === asBuffer(bytes).readUInt32BE(AT.check) ? body : undefined
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
