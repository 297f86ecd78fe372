/** What is not believed any more because a segment is damaged: it may have said something newer. */

import { keyHash, type Line, type Outgoing } from '../stores/directory.ts'
import type { ListedSegment } from '../stores/segment-medium.ts'
import { BARRIER_RECORDS, isRecord, SOURCE_RECORD_KEYS } from './records.ts'

/** See the top of this file. Segments are played in by rising ids. */
export class Distrust {
  readonly #damaged: readonly ListedSegment[]
  /** Nothing this old is believed. */
  readonly #forgottenTo: number
  /** By key: as old as what is not believed of it. */
  readonly #keys = new Map<string, number>()
  /** Records that a younger segment has not written anew. */
  readonly #records: Set<string>

  constructor(damaged: readonly ListedSegment[]) {
    this.#damaged = damaged
    this.#forgottenTo = Math.max(0, ...damaged.filter(({ keys }) => keys === undefined).map(({ id }) => id))
    const records = [...BARRIER_RECORDS, ...SOURCE_RECORD_KEYS]
    this.#records = new Set(records.filter(key => this.#forgottenTo > 0 || this.#orderOf(key, 0) > 0))
  }

  /** Whether nothing of a segment counts. */
  isForgotten(id: number): boolean {
    return id <= this.#forgottenTo
  }

  /** The lines of a segment that count. */
  believed(id: number, lines: readonly Line[]): readonly Line[] {
    if (this.#damaged.length === 0) return lines
    return lines.filter(({ key }) => {
      const order = this.#orderOf(key, id)
      if (order > 0) this.#keys.set(key, Math.max(order, this.#keys.get(key) ?? 0))
      else if (isRecord(key)) this.#records.delete(key)
      return order === 0
    })
  }

  /** Whether a record may have been lost. */
  get hasRecords(): boolean {
    return this.#records.size > 0
  }

  /** What makes it last that older lines do not count, and younger ones do. */
  tombstones(): Outgoing[] {
    return Array.from(this.#keys, ([key, order]) => ({ key, order, bytes: undefined, expiresAt: 0, writtenAt: 0 }))
  }

  /** The youngest damaged segment after `id` that may have named `key`, as an order of lines; 0 for none. */
  #orderOf(key: string, id: number): number {
    const hash = keyHash(key)
    let order = 0
    for (const damaged of this.#damaged) if (damaged.id > id && damaged.keys?.has(hash)) order = Math.max(order, Math.floor(damaged.id))
    return order
  }
}
