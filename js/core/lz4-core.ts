/** Blocks of LZ4, made in the core. Whoever needs them imports this file when he does: it brings a part of the core. */

import { CoreHandle } from './door.ts'
import { Lz4Handle, part } from './parts/lz4.ts'

/** Bytes that one block expands to, at most; see `src/lz4.rs`. */
export const MAX_BLOCK = 256 * 1024

let handle: CoreHandle<Lz4Handle> | undefined

/** One serves all: a block leaves nothing behind, so whoever comes after a trap needs not know of it. */
function use<T>(action: (lz4: Lz4Handle) => T | undefined): T | undefined {
  if (handle?.lost === true) handle.renew()
  handle ??= new CoreHandle(part, () => new Lz4Handle())
  return handle.use(action)
}

/** The block of up to {@link MAX_BLOCK} bytes; `undefined` when it cannot be made. */
export function compressBlock(bytes: Uint8Array): Uint8Array | undefined {
  return use(lz4 => lz4.compress(bytes))
}

/** What `block` was made of; `undefined` when it is no block that gives `length` bytes, before more than that is made. */
export function expandBlock(block: Uint8Array, length: number): Uint8Array | undefined {
  return use(lz4 => lz4.expand(block, length))
}
