/** Compresses payloads on their way into a log, where it pays, and expands them on their way out. */

import { ShelflifeError } from '../errors.ts'
import { type Compression, FORM, type Form, type Zip } from '../stores/compression.ts'
import { formOf, type Line, type PackedSegment, withForm } from '../stores/directory.ts'
import { lz4Zip } from './lz4.ts'
import type { LogCounts } from './tier-log.ts'

/** After so many in a row that were not worth it, only every n-th is tried. */
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
  readonly #doubt = new Doubt()

  constructor(compression: Compression | undefined, counts: LogCounts) {
    counts.compressed ??= { before: 0, after: 0 }
    this.#count = counts.compressed
    this.#compression = compression
  }

  /** The segments as they are written. */
  press(segments: readonly PackedSegment[]): Promise<readonly PackedSegment[]> | readonly PackedSegment[] {
    if (this.#compression === undefined || this.#compression.form === FORM.none) return segments
    return Promise.all(segments.map(segment => this.#pressOne(segment)))
  }

  /** Takes note of a segment that is in the log. */
  note(id: number, directory: Uint8Array, lines: readonly Line[]): void {
    if (formOf(directory) !== FORM.none) this.#note(id, directory, lengthOf(lines))
  }

  /** Takes note of a segment that {@link press} gave. */
  noteOwn(id: number, { directory, length }: PackedSegment): void {
    if (formOf(directory) !== FORM.none) this.#note(id, directory, length)
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

  #note(id: number, directory: Uint8Array, length: number): void {
    this.#pressed.set(id, { form: formOf(directory), length })
  }

  async #pressOne(segment: PackedSegment): Promise<PackedSegment> {
    const { directory, payload } = segment
    const compression = this.#compression as Compression
    this.#count.before += payload.length
    const stored = await compressed(payload, compression, this.#doubt)
    this.#count.after += stored.length
    if (stored === payload) return segment
    return { ...segment, directory: withForm(directory, compression.form), payload: stored }
  }
}

/** Whether it is worth a try, going by how it went lately. */
export class Doubt {
  #inVain = 0

  tries(): boolean {
    if (this.#inVain < PATIENCE) return true
    this.#inVain += 1
    return this.#inVain % EVERY === 0
  }

  tried(isWorthIt: boolean): void {
    this.#inVain = isWorthIt ? 0 : this.#inVain + 1
  }
}

/** `bytes` compressed, or themselves where that does not pay; `weigh` says what a compressed length costs. Never rejects. */
export async function compressed(
  bytes: Uint8Array,
  compression: Compression,
  doubt: Doubt,
  weigh = (length: number) => length,
): Promise<Uint8Array> {
  const { form, minSize, minSaving, maxExpanded } = compression
  const zip = zipFor(form, compression)
  if (zip === undefined || bytes.length < minSize || bytes.length > maxExpanded || !doubt.tries()) return bytes
  // A platform that cannot is no reason not to store.
  const small = await zip.compress(form, bytes).catch(() => bytes)
  const isWorthIt = small !== bytes && weigh(small.length) <= bytes.length * (1 - minSaving)
  doubt.tried(isWorthIt)
  return isWorthIt ? small : bytes
}

/** Who compresses and expands by `form`, if anybody does here. */
export function zipFor(form: Form, compression: Compression | undefined): Zip | undefined {
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
