/** Bodies as they come and as they are read: pieces pass on through sinks, and each may ask the one before it to wait. */

import type { Transform } from 'node:stream'
import type * as Zlib from 'node:zlib'

/** Where the pieces of a body go. */
export interface Sink {
  /** Whether more may come at once; if not, whoever reads asks for it with `resume` of the source. */
  data(chunk: Uint8Array): boolean
  end(): void
  fail(error: Error): void
}

/** What pieces come from. */
export interface Source {
  resume(): void
  /** Nobody wants the rest. */
  abort(reason: unknown): void
}

/** Codings one upon the other; more are nobody's good will. */
const MOST_CODINGS = 5

/** What `sink` needs in front of it to read a body of this `content-encoding`; itself where there is nothing to do, or nobody knows how. */
export function decoded(encoding: string | undefined, source: Source, sink: (source: Source) => Sink): Sink {
  const codings = (encoding ?? '')
    .toLowerCase()
    .split(',')
    .map(coding => coding.trim())
    .filter(coding => coding !== '' && coding !== 'identity')
  if (codings.length > MOST_CODINGS) throw new TypeError(`a body of ${codings.length} codings`)
  if (!codings.every(coding => coding in DECODERS)) return sink(source)
  let next = sink
  // The first one named was the first one done, so it is undone last.
  for (const coding of codings) {
    const after = next
    next = before => new Decoding(DECODERS[coding] as Decoder, before, after)
  }
  return next(source)
}

type Decoder = (first: Uint8Array) => Transform

const DECODERS: Readonly<Record<string, Decoder>> = {
  gzip: () => zlib().createGunzip(),
  'x-gzip': () => zlib().createGunzip(),
  br: () => zlib().createBrotliDecompress(),
  // Some servers leave the frame out.
  deflate: ([first = 0]) => ((first & 0x0f) === 0x08 ? zlib().createInflate() : zlib().createInflateRaw()),
}

/** Not imported: bundles for pages have this file in a part that they never load, and no such module. */
function zlib(): typeof Zlib {
  return process.getBuiltinModule('node:zlib')
}

class Decoding implements Sink, Source {
  readonly #decoder: Decoder
  readonly #source: Source
  readonly #next: Sink
  #stream: Transform | undefined

  constructor(decoder: Decoder, source: Source, next: (source: Source) => Sink) {
    this.#decoder = decoder
    this.#source = source
    this.#next = next(this)
  }

  data(chunk: Uint8Array): boolean {
    if (chunk.byteLength === 0) return true
    this.#stream ??= this.#begin(chunk)
    return this.#stream.write(chunk)
  }

  /** A body without a byte is empty, whatever it is said to be coded with. */
  end(): void {
    if (this.#stream === undefined) this.#next.end()
    else this.#stream.end()
  }

  fail(error: Error): void {
    this.#stream?.destroy()
    this.#next.fail(error)
  }

  resume(): void {
    this.#stream?.resume()
  }

  abort(reason: unknown): void {
    this.#stream?.destroy()
    this.#source.abort(reason)
  }

  #begin(first: Uint8Array): Transform {
    const stream = this.#decoder(first)
    stream.on('data', (chunk: Uint8Array) => {
      if (!this.#next.data(chunk)) stream.pause()
    })
    stream.on('drain', () => this.#source.resume())
    stream.on('end', () => this.#next.end())
    stream.on('error', (error: Error) => {
      this.#next.fail(error)
      this.#source.abort(error)
    })
    return stream
  }
}
