/** Room in a log of segments: what is given up for the budget or for want of space, and what is written anew so that less lies there. */

import { isWhole, type Outgoing, type PackedSegment, type Place, pack } from '../stores/directory.ts'
import type { Durability } from '../stores/segment-medium.ts'
import { Spares } from '../stores/spares.ts'
import { WRITE_MS, withDeadline } from './deadlines.ts'
import type { Carried } from './key-directory.ts'
import { isNotForRoom, type LogParts } from './log-parts.ts'
import type { LogReplay } from './log-replay.ts'
import { isRecord } from './records.ts'

/** The log. */
export interface LogSpaceHost {
  write(segments: readonly PackedSegment[], durability: Durability): Promise<void>
  payload(segment: number): Promise<Uint8Array | undefined>
}

/** See the top of this file. Writers take turns; all of this is done in one. */
export class LogSpace {
  readonly #parts: LogParts
  readonly #replay: LogReplay
  readonly #host: LogSpaceHost
  readonly #spares: Spares

  constructor(parts: LogParts, replay: LogReplay, host: LogSpaceHost) {
    this.#parts = parts
    this.#replay = replay
    this.#host = host
    this.#spares = new Spares(parts.maxSize)
  }

  /** Writes what is still of use in segments that are mostly dead or too small anew, and removes them. */
  async compact(): Promise<void> {
    const found = await this.#replay.survive(() => this.#parts.directory.pollCompaction(this.#parts.clock.wall()))
    if (found.length === 0) return
    const epoch = this.#parts.epoch
    const outgoing: Outgoing[] = []
    for (const lines of await Promise.all(found.map(victim => this.#carried(victim, () => true)))) outgoing.push(...lines)
    if (epoch !== this.#parts.epoch) return
    // Others see by the ids that they have missed something: the youngest stays until there is one younger.
    const victims = outgoing.length > 0 ? found : found.filter(victim => victim !== this.#parts.directory.last)
    // What was durable must stay so when its old place goes.
    await this.#host.write(await this.#parts.press.press(pack(outgoing)), this.#parts.again)
    await this.remove(victims)
    this.#parts.counts.compactions += victims.length
  }

  /** What of `segment` is to be written anew, of the lines that are `wanted`. */
  async #carried(segment: number, wanted: (line: Carried) => boolean): Promise<Outgoing[]> {
    const lines = await this.#replay.survive(() => this.#parts.directory.carry(segment, this.#parts.clock.wall(), false))
    const carried = lines.filter(wanted)
    const payload = carried.some(line => line.value !== undefined) ? await this.#host.payload(segment) : undefined
    return carried.map(({ key, order, value }) => {
      const bytes = value === undefined ? undefined : this.#bytesOf(key, value, payload)
      return { key, order, bytes, expiresAt: value?.expiresAt ?? 0, writtenAt: value?.writtenAt ?? 0 }
    })
  }

  /** The bytes of a value in a payload, or `undefined`, counted, when they are not what was written. */
  #bytesOf(key: string, { offset, length, check }: Place, payload: Uint8Array | undefined): Uint8Array | undefined {
    if (payload !== undefined && isWhole(key, payload, offset, length, check)) return payload.subarray(offset, offset + length)
    this.#parts.count(payload === undefined ? 'missing' : 'damaged')
    return undefined
  }

  /**
   * Frees `enough` bytes of a medium that is full: tombstones for what goes would not fit either. So those segments go first that
   * leave nothing to be said. Where there are none all goes: an empty cache is better than one that fails for ever, or that lies.
   */
  async giveWay(enough: number): Promise<void> {
    const before = this.#parts.sizes.bytes
    const { mayHoldMore } = this.#parts
    this.#parts.mayHoldMore = true
    const gone: number[] = []
    const wall = this.#parts.clock.wall()
    const next = (after: number) => this.#replay.survive(() => this.#parts.directory.pollSpare(after, wall))
    for (let spare = await next(0); spare !== 0 && before - this.#parts.sizes.bytes < enough; spare = await next(spare)) {
      const holdsRecords = await this.#replay.survive(() =>
        this.#parts.directory.carry(spare, wall, false).some(({ key }) => isRecord(key)),
      )
      if (holdsRecords) continue
      await this.#replay.survive(() => this.#parts.directory.remove(spare))
      gone.push(spare)
    }
    this.#parts.counts.reclaimed += gone.length
    // Where there is no room even for saying what is gone, all goes, too.
    if (gone.length > 0 && (await this.remove(gone).then(() => true, isNotForRoom))) {
      this.#parts.mayHoldMore = mayHoldMore
      return
    }
    try {
      await this.#replay.forgetAll()
    } catch (error) {
      // It is all still there, whatever is known here.
      await this.#replay.again()
      throw error
    }
  }

  /** Whether something has to be given up for `incoming` bytes. */
  async isShort(incoming: number): Promise<boolean> {
    return (await this.#victims(incoming)).length > 0
  }

  /**
   * Gives up segments until `incoming` bytes fit the budget. Records survive, and with `sparesUsed` values that are in use, as far as
   * {@link Spares} go.
   */
  async reclaim(incoming: number, sparesUsed: boolean): Promise<void> {
    const newest = await this.#replay.survive(() => this.#parts.directory.last)
    const isInUse = sparesUsed ? this.#parts.isInUse : undefined
    const { mayHoldMore } = this.#parts
    this.#parts.mayHoldMore = true
    const gone: number[] = []
    for (let victims = await this.#victims(incoming); victims.length > 0; victims = await this.#victims(incoming)) {
      const outgoing = await Promise.all(victims.map(victim => this.#leftOf(victim, victim <= newest, isInUse)))
      await this.#host.write(await this.#parts.press.press(pack(outgoing.flat())), this.#parts.again)
      for (const victim of victims) await this.#replay.survive(() => this.#parts.directory.remove(victim))
      gone.push(...victims)
    }
    this.#parts.counts.reclaimed += gone.length
    await this.remove(gone)
    this.#parts.mayHoldMore = mayHoldMore
  }

  #victims(incoming: number): Promise<number[]> {
    return this.#replay.survive(() => this.#parts.directory.pollReclaim(incoming, this.#parts.clock.wall()))
  }

  /** What is written anew of a segment that is given up. What was carried over just now may have to go after all: then only tombstones. */
  async #leftOf(victim: number, maySpare: boolean, isInUse: ((key: string) => boolean) | undefined): Promise<Outgoing[]> {
    const tombstones = (await this.tombstones(victim)).filter(({ key }) => !isRecord(key))
    if (!maySpare) return tombstones
    const kept = await this.#carried(victim, line => isRecord(line.key) || this.#isSpared(line, isInUse))
    const survivors = new Set(kept.map(({ key }) => key))
    return [...tombstones.filter(({ key }) => !survivors.has(key)), ...kept]
  }

  #isSpared({ key, value }: Carried, isInUse: ((key: string) => boolean) | undefined): boolean {
    return value !== undefined && isInUse !== undefined && this.#spares.takes(value.length, () => isInUse(key))
  }

  /** What has to be said of the keys of `segment` before it may go, so that no older value of theirs comes up. */
  async tombstones(segment: number): Promise<Outgoing[]> {
    const hidden = await this.#replay.survive(() => this.#parts.directory.carry(segment, this.#parts.clock.wall(), true))
    return hidden.map(({ key, order }) => ({ key, order, bytes: undefined, expiresAt: 0, writtenAt: 0 }))
  }

  /** Removes segments from the medium and from the directory. */
  async remove(segments: readonly number[]): Promise<void> {
    if (segments.length === 0) return
    await withDeadline(this.#parts.core, WRITE_MS, call => this.#parts.medium.remove(segments, call))
    for (const segment of segments) {
      this.#parts.recent.delete(segment)
      this.#parts.press.forget(segment)
      await this.#replay.survive(() => this.#parts.directory.remove(segment))
    }
  }
}
