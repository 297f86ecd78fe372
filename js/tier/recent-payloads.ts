/** The payloads that were read last, few and bounded, so that neighbours of a value just read cost nothing. */

/** Payloads and bytes that are kept at most. */
const MOST = 64
const MOST_BYTES = 2 * 1024 * 1024

/** See the top of this file. Reads of one segment that overlap are one read. */
export class RecentPayloads {
  readonly #kept = new Map<number, Uint8Array>()
  readonly #reading = new Map<number, Promise<Uint8Array | undefined>>()
  #bytes = 0

  /** The payload of `segment`, from here or by `read`. */
  get(segment: number, read: () => Promise<Uint8Array | undefined>): Promise<Uint8Array | undefined> {
    const kept = this.#kept.get(segment)
    if (kept !== undefined) {
      this.#kept.delete(segment)
      this.#kept.set(segment, kept)
      return Promise.resolve(kept)
    }
    const under = this.#reading.get(segment)
    if (under !== undefined) return under
    const reading = read().then(
      payload => {
        // Not ours any more when the segment was forgotten meanwhile.
        if (this.#reading.get(segment) === reading) {
          this.#reading.delete(segment)
          if (payload !== undefined) this.#keep(segment, payload)
        }
        return payload
      },
      error => {
        if (this.#reading.get(segment) === reading) this.#reading.delete(segment)
        throw error
      },
    )
    this.#reading.set(segment, reading)
    return reading
  }

  delete(segment: number): void {
    this.#reading.delete(segment)
    this.#bytes -= this.#kept.get(segment)?.length ?? 0
    this.#kept.delete(segment)
  }

  clear(): void {
    this.#reading.clear()
    this.#kept.clear()
    this.#bytes = 0
  }

  #keep(segment: number, payload: Uint8Array): void {
    if (payload.length > MOST_BYTES / 2) return
    this.#kept.set(segment, payload)
    this.#bytes += payload.length
    for (const [oldest] of this.#kept) {
      if (this.#kept.size <= MOST && this.#bytes <= MOST_BYTES) return
      this.delete(oldest)
    }
  }
}
