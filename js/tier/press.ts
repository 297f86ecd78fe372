/** Compresses payloads on their way into a log, where it pays, and expands them on their way out. */

import { ShelflifeError } from '../errors.ts'
import { type Compression, FORM, type Form, type Zip } from '../stores/compression.ts'
import { formOf, type Line, type PackedSegment, withForm } from '../stores/directory.ts'
import { lz4Zip } from './lz4.ts'
import type { LogCounts } from './tier-log.ts'

/** After so many segments in a row that were not worth it, only every n-th is tried. */
const PATIENCE = 4
const EVERY = 16

interface Pressed {
  readonly form: Form
  /** Bytes of the values. */
  readonly length: number
}

/** See the top of this file. */
export class Press {
  readonly #count: { before: number; after: number }
  readonly #compression: Compression | undefined
  /** Segments whose payload is compressed. */
  readonly #pressed = new Map<number, Pressed>()
  #inVain = 0

  constructor(compression: Compression | undefined, counts: LogCounts) {
    counts.compressed ??= { before: 0, after: 0 }
    this.#count = counts.compressed
    this.#compression = compression
  }

  /** The segments as they are written. Their lines cost as many bytes of the medium as fall to them. */
  press(segments: readonly PackedSegment[]): Promise<readonly PackedSegment[]> | readonly PackedSegment[] {
    if (this.#compression === undefined || this.#compression.form === FORM.none) return segments
    return Promise.all(segments.map(segment => this.#pressOne(segment)))
  }

  /** Takes note of a segment that is in the log. */
  note(id: number, directory: Uint8Array, lines: readonly Line[]): void {
    const form = formOf(directory)
    if (form !== FORM.none) this.#pressed.set(id, { form, length: lengthOf(lines) })
  }

  /** The lines of a directory with what they cost, which it does not tell when the payload is compressed. */
  weighed(directory: Uint8Array, payloadLength: number, lines: readonly Line[]): readonly Line[] {
    if (formOf(directory) === FORM.none) return lines
    return scaled(lines, Math.max(0, payloadLength) / Math.max(1, lengthOf(lines)))
  }

  /** The payload of a segment from what is stored. Rejects when it cannot be had. */
  async expand(id: number, stored: Uint8Array): Promise<Uint8Array | undefined> {
    const pressed = this.#pressed.get(id)
    if (pressed === undefined) return stored
    const { maxExpanded = 0 } = this.#compression ?? {}
    const zip = zipFor(pressed.form, this.#compression)
    if (zip === undefined) throw new ShelflifeError('ERR_CODEC', 'this platform cannot expand it')
    if (pressed.length > maxExpanded) throw new ShelflifeError('ERR_CODEC', `${pressed.length} bytes are more than maxExpanded`)
    return zip.expand(pressed.form, stored, pressed.length)
  }

  forget(id: number): void {
    this.#pressed.delete(id)
  }

  clear(): void {
    this.#pressed.clear()
  }

  async #pressOne(segment: PackedSegment): Promise<PackedSegment> {
    const { directory, payload, lines } = segment
    const { form, minSize, minSaving, maxExpanded } = this.#compression as Compression
    const zip = zipFor(form, this.#compression)
    this.#count.before += payload.length
    let stored = payload
    if (zip !== undefined && payload.length >= minSize && payload.length <= maxExpanded && this.#isWorthATry()) {
      // A platform that cannot is no reason not to store.
      stored = await zip.compress(form, payload).catch(() => payload)
      if (stored.length <= payload.length * (1 - minSaving) && stored !== payload) this.#inVain = 0
      else {
        stored = payload
        this.#inVain += 1
      }
    }
    this.#count.after += stored.length
    if (stored === payload) return segment
    return { directory: withForm(directory, form), payload: stored, lines: scaled(lines, stored.length / payload.length) }
  }

  #isWorthATry(): boolean {
    if (this.#inVain < PATIENCE) return true
    this.#inVain += 1
    return this.#inVain % EVERY === 0
  }
}

function zipFor(form: Form, compression: Compression | undefined): Zip | undefined {
  return form === FORM.lz4 ? lz4Zip : compression?.zip
}

function lengthOf(lines: readonly Line[]): number {
  return lines.reduce((sum, { value }) => sum + (value?.length ?? 0), 0)
}

function scaled(lines: readonly Line[], ratio: number): Line[] {
  return lines.map(line => {
    const length = line.value?.length ?? 0
    return { ...line, cost: line.cost - length + Math.ceil(length * ratio) }
  })
}
