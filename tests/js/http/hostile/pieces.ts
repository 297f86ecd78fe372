/** What hostile answers are made of. */

import { gzipSync } from 'node:zlib'

/** Bytes that are sent, or what happens to the connection: it ends, it is reset, or nothing more comes. */
export type Piece = string | Uint8Array | 'end' | 'reset' | 'hang'

/** Fresh for a minute, so that whatever is taken for an answer would be kept. */
export const KEPT = { 'cache-control': 'max-age=60' }
export const KIB_64 = new Uint8Array(65_536).fill(120)

export function bytes(piece: string | Uint8Array): Uint8Array {
  return typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece
}

export function head(fields: Record<string, string>, status = '200 OK'): string {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status}\r\n${lines.join('')}\r\n`
}

export function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

export async function* slowly(text: string | Uint8Array, ms = 10): AsyncIterable<Piece> {
  for (const byte of bytes(text)) {
    yield Uint8Array.of(byte)
    await pause(ms)
  }
}

export function* forever(piece: string | Uint8Array): Iterable<Piece> {
  for (;;) yield piece
}

/** The answer of 4 KiB that is cut: bytes that do not compress, so that it has as many in each framing. */
export const BODY = noise(4096)
export const BODY_SUM = BODY.reduce((sum, byte) => sum + byte, 0)

function noise(size: number): Uint8Array {
  let state = 1
  return Uint8Array.from({ length: size }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 24
  })
}

function chunked(body: Uint8Array): Uint8Array {
  const chunks: Uint8Array[] = []
  for (let at = 0; at < body.byteLength; at += 500) {
    const chunk = body.subarray(at, at + 500)
    chunks.push(Buffer.from(`${chunk.byteLength.toString(16)}\r\n`), chunk, Buffer.from('\r\n'))
  }
  return Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')])
}

/** The whole answer in each framing. */
export const WHOLES: Record<string, Uint8Array> = {
  length: whole({ 'content-length': `${BODY.byteLength}` }, BODY),
  chunked: whole({ 'transfer-encoding': 'chunked' }, chunked(BODY)),
  gzip: whole({ 'content-encoding': 'gzip', 'transfer-encoding': 'chunked' }, chunked(gzipSync(BODY))),
}
/** How many bytes each has, so that each can be cut everywhere. */
export const LENGTHS = Object.fromEntries(Object.entries(WHOLES).map(([framing, { byteLength }]) => [framing, byteLength]))

function whole(fields: Record<string, string>, body: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(head({ ...KEPT, ...fields })), body])
}

/** With a pause between, so that they come one after the other. */
export async function* inTwo(first: Piece[], second: Piece[]): AsyncIterable<Piece> {
  yield* first
  await pause(5)
  yield* second
}
