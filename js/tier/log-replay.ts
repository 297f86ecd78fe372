/**
 * A log of segments, read into the directory: when it is opened, what others have written since, and anew where that is not to be
 * believed any more.
 */

import { CoreTrappedError, isShelflifeError, ShelflifeError } from '../errors.ts'
import { type Line, type Outgoing, pack, readDirectory } from '../stores/directory.ts'
import type { ListedSegment } from '../stores/segment-medium.ts'
import { WRITE_MS, withDeadline } from './deadlines.ts'
import { Distrust } from './distrust.ts'
import { EarlyReplay } from './early-replay.ts'
import { isNotForRoom, type LogParts } from './log-parts.ts'
import { RECORDS } from './records.ts'

/** See the top of this file. Writers take turns; all of this is done in one. */
export class LogReplay {
  readonly #parts: LogParts

  constructor(parts: LogParts) {
    this.#parts = parts
  }

  /** Takes in the segments before `before` that others have written, and tells of what they changed. */
  async catchUp(before: number): Promise<void> {
    await this.survive(async () => {
      const after = this.#parts.last
      const news = await this.#replay(after, before)
      if (this.#parts.isForgotten || news === 'damaged') return this.begin()
      // Ids that are not there any more: what they held was written anew or given up, and deletions leave no trace then. Which older
      // segments are gone with them, only the whole list tells.
      const last = news.length > 0 ? (news.at(-1)?.id as number) : after
      const hasGap = last !== after + news.length || (before !== Number.POSITIVE_INFINITY && last + 1 !== before)
      if (hasGap) return this.begin()
      const keys = new Set<string>()
      for (const { id, lines } of news) for (const { key, order } of lines) if ((order || id) > after) keys.add(key)
      if (keys.size > 0) this.#parts.onChange?.({ keys: [...keys] })
    })
  }

  /** Reads the log from its beginning, which is another one now. */
  async begin(): Promise<void> {
    const isEmptied = this.#parts.isForgotten
    await this.#rebuild()
    this.#parts.onChange?.({ all: true, isEmptied })
  }

  /** Reads the log from its beginning, which is the same: memory may keep what it has, unless others have written meanwhile. */
  async again(): Promise<void> {
    const { last, usedUp, isForgotten } = this.#parts
    if (isForgotten) return this.begin()
    await this.#rebuild()
    this.#parts.usedUp = usedUp
    if (this.#parts.last > last) this.#parts.onChange?.({ all: true, isEmptied: false })
  }

  /** Reads the whole log, before anybody asks for anything in it. */
  async begun(): Promise<void> {
    const epoch = this.#parts.epoch
    const weigh = ({ bytes, directory }: ListedSegment) => bytes - this.#parts.medium.overhead - directory.length
    const early = new EarlyReplay(this.#parts.directory, this.#parts.press, weigh, () => epoch === this.#parts.epoch)
    const listed = await withDeadline(this.#parts.core, WRITE_MS, call =>
      this.#parts.medium.list(0, call, segments => early.take(segments)),
    )
    if (epoch === this.#parts.epoch && (this.#parts.isForgotten || !early.isRight(listed))) await this.#rebuild()
  }

  /**
   * Plays the segments between `after` and `before` into the directory, and gives them.
   *
   * Any older value of a key that a damaged directory named may be outdated. So what is older and of such a key is not believed, and
   * nothing older at all when the medium does not know the keys. A segment of a newer format is not touched; the error tells.
   */
  async #replay(after: number, before: number): Promise<{ id: number; lines: readonly Line[] }[] | 'damaged'> {
    const epoch = this.#parts.epoch
    const listed = await withDeadline(this.#parts.core, WRITE_MS, call => this.#parts.medium.list(after, call))
    if (epoch !== this.#parts.epoch) return []
    const replayed = listed
      .filter(segment => segment.id < before)
      .map(segment => ({ ...segment, lines: this.#readLines(segment.directory) }))
    const damaged = replayed.filter(segment => segment.lines === undefined)
    // What is older was taken in before we knew.
    if (damaged.length > 0 && after > 0) return 'damaged'
    const distrust = new Distrust(damaged)
    const sound: { id: number; lines: readonly Line[] }[] = []
    for (const { id, bytes, directory, lines } of replayed) {
      if (lines === undefined || distrust.isForgotten(id)) continue
      this.#parts.press.note(id, directory, lines)
      const weighed = this.#parts.press.weighed(directory, bytes - this.#parts.medium.overhead - directory.length, lines)
      const believed = distrust.believed(id, weighed)
      // What is overruled by a tombstone is on the medium still, and keeps that alive.
      this.#parts.directory.commit(id, bytes, this.#parts.medium.writable ? weighed : believed)
      sound.push({ id, lines: believed })
    }
    if (distrust.hasRecords) this.#parts.count('distrusted')
    if (damaged.length === 0 || !this.#parts.medium.writable) return sound
    const gone = replayed.filter(({ id, lines }) => lines === undefined || distrust.isForgotten(id)).map(({ id }) => id)
    if (!(await this.#overrule(distrust.tombstones(), gone).then(() => true, isNotForRoom))) await this.forgetAll()
    return sound
  }

  /** Makes it last that what is damaged is gone, and with it what it may have outdated. */
  async #overrule(tombstones: readonly Outgoing[], damaged: readonly number[]): Promise<void> {
    const segments = pack(tombstones)
    if (segments.length > 0) {
      const ids = await withDeadline(this.#parts.core, WRITE_MS, call => this.#parts.medium.append(segments, 'durable', call))
      for (const [index, segment] of segments.entries()) this.#parts.commit(ids[index] as number, segment)
    }
    await withDeadline(this.#parts.core, WRITE_MS, call => this.#parts.medium.remove(damaged, call))
  }

  #readLines(directory: Uint8Array): ReturnType<typeof readDirectory> | undefined {
    try {
      return readDirectory(directory)
    } catch (error) {
      if (isShelflifeError(error) && error.retryable)
        throw new ShelflifeError('ERR_STORE', 'a newer version of shelflife wrote here', { cause: error })
      this.#parts.count('damaged')
      return undefined
    }
  }

  /** Runs `work`; when a trap of the core took the directory, reads it from the medium anew and runs `work` again. Only in turn. */
  async survive<T>(work: () => T | Promise<T>): Promise<T> {
    if (this.#parts.directory.lost) await this.#renew()
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof CoreTrappedError)) throw error
      await this.#renew()
      return work()
    }
  }

  async #renew(): Promise<void> {
    this.#parts.count('trapped')
    await this.#rebuild()
  }

  async #rebuild(): Promise<void> {
    this.#parts.recent.clear()
    this.#parts.press.clear()
    this.#parts.directory.renew()
    this.#parts.mayHoldMore = true
    this.#parts.usedUp = 0
    this.#parts.isForgotten = false
    await this.#replay(0, Number.POSITIVE_INFINITY)
    this.#parts.mayHoldMore = false
  }

  /** Empties the medium: what is in it cannot be given up one by one. */
  async forgetAll(): Promise<void> {
    this.#parts.counts.reclaimed += this.#parts.sizes.segments
    await this.#parts.clear()
    this.#parts.recent.clear()
    this.#parts.press.clear()
    await this.survive(() => this.#parts.directory.clear())
    // They went with the rest, and what comes after needs them.
    this.#parts.onChange?.({ keys: RECORDS })
  }
}
