/** Compression of what stores write: the option, and who does the work in browsers: the streams of the platform. */

import { joined } from '../bytes.ts'
import { InvalidArgumentError, ShelflifeError } from '../errors.ts'
import { optionsObject, type Size, sizeInBytes } from '../options.ts'

/**
 * `'auto'` is what pays best: `'brotli'` in files, `'deflate'` in browsers that have it, else nothing. `'gzip'` is `'deflate'` with 18 bytes more.
 * `'lz4'` runs everywhere, in this thread, and is loaded when it is first needed: it makes less of the bytes smaller, and is the first to give them back.
 */
export type CompressionFormat = 'auto' | 'brotli' | 'deflate' | 'gzip' | 'lz4' | 'none'

/** Options of compression. In segments values are compressed together, up to 32 kB at a time; SQLite, Redis and Keyv have each by itself. */
export interface CompressionOptions {
  /** What is written; every format is read. Default `'auto'`. */
  readonly format?: CompressionFormat | undefined
  /** Less than this is stored as it is. Default 1 kB. */
  readonly minSize?: Size | undefined
  /** What it must save of the size, 0 to 1, or it is stored as it is. Default 0.1. */
  readonly minSaving?: number | undefined
  /** What one segment, or value, may become when it is read; one that claims more is damaged. A larger value is stored as it is. Default 16 MB. */
  readonly maxExpanded?: Size | undefined
}

/** The number of a format in a directory of a segment; 0 stands for none. */
export const FORM = { none: 0, deflate: 1, gzip: 2, brotli: 3, lz4: 4 } as const
export type Form = (typeof FORM)[keyof typeof FORM]
/** The last form that this version knows. */
export const LAST_FORM = FORM.lz4

/** Does the work. */
export interface Zip {
  /** Those it can do, the best first. */
  readonly forms: readonly Form[]
  compress(form: Form, bytes: Uint8Array): Promise<Uint8Array>
  /** The `length` bytes that `bytes` were made of. Rejects when they are no such bytes, or more would come out, before that much is made. */
  expand(form: Form, bytes: Uint8Array, length: number): Promise<Uint8Array>
}

/** Options, resolved. */
export interface Compression {
  /** What is written; all forms are read. */
  readonly form: Form
  readonly minSize: number
  readonly minSaving: number
  readonly maxExpanded: number
  /** Does all forms but LZ4, which is the tiers' own. */
  readonly zip: Zip | undefined
}

/** @throws InvalidArgumentError when it is no such option; ShelflifeError `ERR_STORE` when the platform has no compression and it is not `'auto'`. */
export function resolveCompression(option: CompressionFormat | CompressionOptions | undefined, zip: Zip | undefined): Compression {
  const options: CompressionOptions =
    typeof option === 'string' ? { format: option } : option === undefined ? {} : optionsObject(option, 'compression')
  const { format = option === undefined ? 'none' : 'auto', minSize = 1024, minSaving = 0.1, maxExpanded = '16mb' } = options
  const form = format === 'auto' ? (zip?.forms[0] ?? FORM.none) : FORM[format]
  if (form === undefined) throw new InvalidArgumentError('compression', "'auto', 'brotli', 'deflate', 'gzip', 'lz4' or 'none'", format)
  if (typeof minSaving !== 'number' || !(minSaving >= 0 && minSaving < 1))
    throw new InvalidArgumentError('compression.minSaving', 'a number from 0 to 1', minSaving)
  if (zip === undefined && format !== 'auto' && form !== FORM.none && form !== FORM.lz4)
    throw new ShelflifeError('ERR_STORE', `this platform cannot compress: ${format}`)
  return {
    form,
    minSize: sizeInBytes(minSize, 'compression.minSize'),
    minSaving,
    maxExpanded: sizeInBytes(maxExpanded, 'compression.maxExpanded'),
    zip,
  }
}

/** The streams of the platform, where it has them. */
export function platformZip(): Zip | undefined {
  if (typeof CompressionStream === 'undefined' || typeof DecompressionStream === 'undefined') return undefined
  const nameOf = (form: Form) => (form === FORM.gzip ? 'gzip' : 'deflate-raw')
  return {
    forms: [FORM.deflate, FORM.gzip],
    compress: (form, bytes) => through(new CompressionStream(nameOf(form)), bytes, Number.POSITIVE_INFINITY),
    async expand(form, bytes, most) {
      if (form === FORM.brotli) throw new ShelflifeError('ERR_CODEC', 'this platform cannot expand brotli')
      return through(new DecompressionStream(nameOf(form)), bytes, most)
    },
  }
}

async function through(stream: CompressionStream | DecompressionStream, bytes: Uint8Array, most: number): Promise<Uint8Array> {
  const writer = stream.writable.getWriter()
  // What goes wrong comes out at the other end, too.
  writer.write(new Uint8Array(bytes)).catch(() => {})
  writer.close().catch(() => {})
  const pieces: Uint8Array[] = []
  const reader = stream.readable.getReader()
  let length = 0
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    length += read.value.length
    if (length > most) {
      await reader.cancel().catch(() => {})
      throw new ShelflifeError('ERR_CODEC', `more than ${most} bytes`)
    }
    pieces.push(read.value)
  }
  return joined(pieces, length)
}
