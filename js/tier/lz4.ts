/**
 * Compression by LZ4, in the core: in this thread, a block at a time, with a turn for others between two. The core's part is
 * loaded when it is first needed.
 *
 * Blocks follow each other, each with its length before it in four bytes, little endian. Each expands to `MAX_BLOCK` bytes, the last to the rest.
 */

import { joined } from '../bytes.ts'
import { ShelflifeError } from '../errors.ts'
import { nextTask } from '../next-task.ts'
import { FORM, type Zip } from '../stores/compression.ts'

const PREFIX = 4

/** See the top of this file. */
export const lz4Zip: Zip = {
  forms: [FORM.lz4],

  async compress(_form, bytes) {
    const { compressBlock, MAX_BLOCK } = await load()
    const pieces: Uint8Array[] = []
    for (let at = 0; at < bytes.length; at += MAX_BLOCK) {
      if (at > 0) await nextTask()
      const block = compressBlock(bytes.subarray(at, at + MAX_BLOCK))
      if (block === undefined) throw damaged()
      pieces.push(block)
    }
    const whole = new Uint8Array(pieces.reduce((sum, block) => sum + PREFIX + block.length, 0))
    const view = new DataView(whole.buffer)
    let to = 0
    for (const block of pieces) {
      view.setUint32(to, block.length, true)
      whole.set(block, to + PREFIX)
      to += PREFIX + block.length
    }
    return whole
  },

  async expand(_form, bytes, length) {
    const { expandBlock, MAX_BLOCK } = await load()
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const pieces: Uint8Array[] = []
    let from = 0
    for (let made = 0; made < length; made += MAX_BLOCK) {
      if (made > 0) await nextTask()
      if (from + PREFIX > bytes.length) throw damaged()
      const start = from + PREFIX
      from = start + view.getUint32(from, true)
      const piece = from > bytes.length ? undefined : expandBlock(bytes.subarray(start, from), Math.min(MAX_BLOCK, length - made))
      if (piece === undefined) throw damaged()
      pieces.push(piece)
    }
    if (from !== bytes.length) throw damaged()
    return together(pieces)
  },
}

/** @throws ShelflifeError `ERR_STORE`, `retryable`, when the part cannot be had: that says nothing of any bytes. */
async function load(): Promise<typeof import('../core/lz4-core.ts')> {
  try {
    return await import('../core/lz4-core.ts')
  } catch (cause) {
    throw new ShelflifeError('ERR_STORE', 'the part of the core that knows LZ4 could not be loaded', { cause, retryable: true })
  }
}

function together(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0] as Uint8Array
  return joined(
    pieces,
    pieces.reduce((sum, piece) => sum + piece.length, 0),
  )
}

function damaged(): ShelflifeError {
  return new ShelflifeError('ERR_CODEC', 'no LZ4 blocks of that length')
}
