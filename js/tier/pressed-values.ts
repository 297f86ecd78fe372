/**
 * Compresses values one by one, for stores that keep each by itself. A compressed value begins with a byte that no encoded entry begins
 * with, its form, and its length in four bytes, little endian.
 */

import { bytesOf } from '../codec.ts'
import { isShelflifeError, ShelflifeError } from '../errors.ts'
import { type Compression, FORM, type Form, LAST_FORM } from '../stores/compression.ts'
import type { Outgoing } from '../stores/directory.ts'
import { compressed, Doubt, zipFor } from './press.ts'
import type { LogCounts } from './tier-log.ts'

/** The first byte; 1 to 4 are those of entries, see `stores/entry-bytes.ts`. */
const PRESSED = 5
const HEAD = 6

/** See the top of this file. */
export class PressedValues {
  readonly #compression: Compression
  readonly #count: { before: number; after: number }
  readonly #doubt = new Doubt()
  readonly #weight: number

  /** `weight`: how many bytes one that is compressed takes in the store. */
  constructor(compression: Compression, counts: Pick<LogCounts, 'compressed'>, weight = 1) {
    this.#weight = weight
    counts.compressed ??= { before: 0, after: 0 }
    this.#count = counts.compressed
    this.#compression = compression
  }

  /** For `stats()`: nothing where nothing was to be compressed. */
  get stats(): Pick<LogCounts, 'compressed'> {
    return this.#count.before > 0 ? { compressed: { ...this.#count } } : {}
  }

  /** The writes as they are stored. Never rejects. */
  press<T extends Pick<Outgoing, 'bytes'>>(writes: readonly T[]): Promise<readonly InBytes<T>[]> | readonly InBytes<T>[] {
    const exact = writes.map(inBytes)
    if (this.#compression.form === FORM.none) return exact
    return Promise.all(exact.map(write => this.#pressOne(write)))
  }

  /**
   * The encoded entry of what is stored: at once, unless it is compressed.
   *
   * @throws ShelflifeError `ERR_CODEC`, or what else there is to say against it; see {@link isWhole}.
   */
  expand(stored: Uint8Array): Uint8Array | Promise<Uint8Array> {
    return stored[0] === PRESSED ? this.#expand(stored) : stored
  }

  async #expand(stored: Uint8Array): Promise<Uint8Array> {
    const form = stored[1] as Form
    if (stored.length < HEAD || form === FORM.none || form > LAST_FORM) throw new ShelflifeError('ERR_CODEC', 'no compressed value')
    const length = new DataView(stored.buffer, stored.byteOffset).getUint32(2, true)
    const { maxExpanded } = this.#compression
    if (length > maxExpanded) throw new ShelflifeError('ERR_CODEC', `${length} bytes are more than maxExpanded`)
    const zip = zipFor(form, this.#compression)
    if (zip === undefined) throw new ShelflifeError('ERR_CODEC', 'this platform cannot expand it', { retryable: true })
    const bytes = await zip.expand(form, stored.subarray(HEAD), length)
    if (bytes.length !== length) throw new ShelflifeError('ERR_CODEC', 'a compressed value of another length')
    return bytes
  }

  async #pressOne<T extends InBytes<Pick<Outgoing, 'bytes'>>>(write: T): Promise<T> {
    const { bytes } = write
    if (bytes === undefined) return write
    const { form } = this.#compression
    const small = await compressed(bytes, this.#compression, this.#doubt, length => (length + HEAD) * this.#weight)
    this.#count.before += bytes.length
    this.#count.after += small === bytes ? bytes.length : small.length + HEAD
    if (small === bytes) return write
    const stored = new Uint8Array(HEAD + small.length)
    stored[0] = PRESSED
    stored[1] = form
    new DataView(stored.buffer).setUint32(2, bytes.length, true)
    stored.set(small, HEAD)
    return { ...write, bytes: stored }
  }
}

type InBytes<T> = Omit<T, 'bytes'> & { readonly bytes: Uint8Array | undefined }

function inBytes<T extends Pick<Outgoing, 'bytes'>>(write: T): InBytes<T> {
  const { bytes } = write
  return typeof bytes === 'string' ? { ...write, bytes: bytesOf(bytes) } : (write as InBytes<T>)
}

/** Whether what could not be expanded may still be whole: another process, or a later moment, can read it. */
export function isWhole(error: unknown): boolean {
  return isShelflifeError(error) && error.retryable
}
