/**
 * A medium and the directory of what is in it, kept in step: everything that is appended, caught up with, given up or
 * written anew goes through here. Writers take turns ({@link SegmentLog.inTurn}), since the directory follows the log's order.
 */

import { CoreTrappedError, isShelflifeError } from '../errors.ts'
import { nextTask } from '../next-task.ts'
import { type Outgoing, type PackedSegment, pack } from '../stores/directory.ts'
import type { Durability, Peers } from '../stores/segment-medium.ts'
import type { Room, SegmentStore, StoreContext } from '../stores/tier.ts'
import { HangingError, OPEN_MS, READ_MS, WRITE_MS, withDeadline } from './deadlines.ts'
import type { Located } from './key-directory.ts'
import { LogParts } from './log-parts.ts'
import { LogReplay } from './log-replay.ts'
import { LogSpace } from './log-space.ts'
import { PayloadReads } from './payload-reads.ts'
import type { Places } from './places.ts'
import { kindOf, type LogCounts, type LogSizes, type TierLog } from './tier-log.ts'

/** How long the right to do something for all may be waited for, in milliseconds. */
const LOCK_MS = 10_000

/** Who makes room waits so long for somebody who is compacting. */
const ROOM_MS = 1000

/** Keys that one task looks at. */
const SLICE_KEYS = 4096

/** See the top of this file. */
export class SegmentLog implements TierLog {
  readonly roundBytes = 2 * 1024 * 1024
  readonly takesText = true
  readonly whyReadOnly = 'somebody else holds the log and writes there'
  readonly kindOf = kindOf
  readonly counts: LogCounts
  readonly #parts: LogParts
  readonly #replay: LogReplay
  readonly #space: LogSpace
  readonly #payloads: PayloadReads
  #turn: Promise<unknown> = Promise.resolve()
  #following: Promise<void> | undefined

  constructor(
    store: SegmentStore,
    context: StoreContext,
    counts: LogCounts = { reads: 0, reclaimed: 0, compactions: 0, errors: new Map() },
  ) {
    this.counts = counts
    this.#parts = new LogParts(store, context, counts)
    this.#payloads = new PayloadReads(this.#parts.medium, context.core)
    this.#replay = new LogReplay(this.#parts)
    this.#space = new LogSpace(this.#parts, this.#replay, {
      write: (segments, durability) => this.#write(segments, durability),
      payload: segment => this.payload(segment),
    })
  }

  get writable(): boolean {
    return this.#parts.medium.writable
  }

  get epoch(): number {
    return this.#parts.epoch
  }

  get sizes(): LogSizes {
    return this.#parts.sizes
  }

  get last(): number | undefined {
    return this.#parts.isClosed || this.#parts.directory.lost ? undefined : this.#parts.last
  }

  /** Runs `work` when all earlier work is done. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => {})
    return result
  }

  /** Opens the medium and reads its directories. */
  async open(): Promise<void> {
    await withDeadline(this.#parts.core, OPEN_MS, call => this.#parts.medium.open(call))
    // Two who read the log at once would be in each other's way.
    let isOpen = false
    let isNews = false
    this.#parts.medium.peers?.listen(() => {
      if (isOpen) void this.follow()
      else isNews = true
    })
    await this.#replay.begun()
    this.#parts.isForgotten = false
    isOpen = true
    if (isNews) void this.follow()
  }

  takeOver(): Promise<boolean> {
    return this.inTurn(async () => {
      if (this.#parts.isClosed) return false
      await withDeadline(this.#parts.core, OPEN_MS, async call => this.#parts.medium.takeOver?.(call))
      await this.#replay.catchUp(Number.POSITIVE_INFINITY)
      return this.#parts.medium.writable
    })
  }

  /** Reads what others have written since, and tells of it. Calls that wait for the same turn share it; a failure is counted. */
  follow(): Promise<void> {
    this.#following ??= this.inTurn(async () => {
      this.#following = undefined
      if (!this.#parts.isClosed) await this.#replay.catchUp(Number.POSITIVE_INFINITY).catch(() => this.count('read'))
    })
    return this.#following
  }

  /** The right to do for all writers what `name` says, once what they have done is known here. See {@link Peers.lock}. */
  lock(name: string, signal: () => AbortSignal): Promise<(() => void) | undefined> | undefined {
    const { peers } = this.#parts.medium
    return peers?.locks === true && !this.#parts.isClosed ? this.#lock(peers, name, signal()) : undefined
  }

  async #lock(peers: Peers, name: string, signal: AbortSignal): Promise<(() => void) | undefined> {
    const release = await withDeadline(this.#parts.core, LOCK_MS, call => peers.lock(name, { signal: either(call.signal, signal) }))
    if (release === undefined && !signal.aborted) this.count('unlocked')
    await this.follow()
    return release
  }

  /** Where the valid values of `keys` lie. After a trap of the core the directory is read anew first. */
  async locate(keys: readonly string[]): Promise<Places> {
    const wall = this.#parts.clock.wall()
    const locate = () => this.#parts.directory.locateAll(keys, wall)
    try {
      return locate()
    } catch (error) {
      if (!(error instanceof CoreTrappedError)) throw error
      return this.inTurn(() => this.#replay.survive(locate))
    }
  }

  /** The same without waiting; nothing is found while the directory is lost. */
  locateNow(key: string): Located | undefined {
    return this.#parts.directory.lost ? undefined : this.#parts.directory.locate(key, this.#parts.clock.wall())
  }

  /** Goes by the directory alone, a slice in each task. */
  async recent(most: Room, wanted: (key: string) => boolean): Promise<string[]> {
    const epoch = this.#parts.epoch
    const found: { key: string; place: Located }[] = []
    let left = SLICE_KEYS
    for (const key of this.#parts.directory.keys()) {
      const place = wanted(key) ? this.locateNow(key) : undefined
      if (place !== undefined) found.push({ key, place })
      left -= 1
      if (left > 0) continue
      await nextTask()
      if (epoch !== this.#parts.epoch) return []
      left = SLICE_KEYS
    }
    found.sort(({ place: a }, { place: b }) => b.writtenAt - a.writtenAt || b.segment - a.segment || b.offset - a.offset)
    let { bytes } = most
    const isIn = ({ place }: { place: Located }) => {
      bytes -= place.length
      return bytes >= 0
    }
    const fitting = found.slice(0, most.entries)
    const end = fitting.findIndex(one => !isIn(one))
    return fitting.slice(0, end < 0 ? fitting.length : end).map(({ key }) => key)
  }

  has(keys: readonly string[]): boolean[] {
    return keys.map(key => this.locateNow(key) !== undefined)
  }

  /** Whether the log may hold lines of `key`. */
  knows(key: string): boolean {
    return this.#parts.mayHoldMore || this.#parts.directory.knows(key)
  }

  /** Hides `key` as long as this directory lives, without writing. */
  hide(key: string): void {
    if (!this.#parts.directory.lost) this.#parts.directory.forget(key)
  }

  /** The payload of a segment; `undefined` when it is gone. */
  payload(segment: number): Promise<Uint8Array | undefined> {
    return this.#parts.recent.get(segment, async () => {
      this.counts.reads += 1
      const stored = await this.#payloads.read(segment)
      return (
        stored &&
        this.#parts.press.expand(segment, stored).catch(error => {
          this.count('expand')
          // What cannot be expanded now may well be whole.
          if (isShelflifeError(error) && error.retryable) throw error
          return undefined
        })
      )
    })
  }

  /**
   * A payload is not there. Somebody else may have written it anew: looks what is new in the log. Only then the segment is forgotten,
   * in the log, too, if it is still there: otherwise it would be found and missed at every start.
   */
  missing(segment: number): Promise<void> {
    return this.inTurn(async () => {
      await this.#replay.catchUp(Number.POSITIVE_INFINITY)
      if ((await this.payload(segment)) !== undefined) return
      const [listed] = await withDeadline(this.#parts.core, READ_MS, call => this.#parts.medium.list(segment - 1, call))
      const isBroken = listed?.id === segment && this.#parts.medium.writable
      if (isBroken) this.count('missing')
      if (isBroken) await this.#write(pack(await this.#space.tombstones(segment)), this.#parts.again)
      await this.#replay.survive(() => this.#parts.directory.remove(segment))
      if (isBroken) await this.#space.remove([segment])
    })
  }

  /** Writes segments, first making room, and takes them into the directory. Only in turn. */
  async append(batch: readonly Outgoing[], durability: Durability): Promise<void> {
    const segments = await this.#parts.press.press(pack(batch))
    const incoming = segments.reduce((sum, segment) => sum + this.#parts.weigh(segment), 0)
    try {
      await this.#makeRoom(incoming)
      await this.#write(segments, durability)
    } catch (error) {
      if (!isShelflifeError(error) || error.code !== 'ERR_QUOTA') throw error
      this.count('quota')
      // The budget was more than there is: give up a quarter, once, and try again.
      await this.#space.giveWay(Math.max(incoming * 2, this.sizes.bytes / 4))
      await this.#write(segments, durability)
    }
  }

  /** Writes segments anew that are mostly dead or too small, unless another writer is at it. Only in turn. */
  async compact(): Promise<void> {
    const { peers } = this.#parts.medium
    if (peers === undefined) return this.#space.compact()
    if ((await this.#replay.survive(() => this.#parts.directory.pollCompaction(this.#parts.clock.wall()))).length === 0) return
    await peers.alone(async () => {
      // A tombstone that is not known here yet may be gone from the log by the time that an older value is written anew.
      await this.#replay.catchUp(Number.POSITIVE_INFINITY)
      await this.#space.compact()
    })
  }

  /** Forgets everything at once; the medium follows, once it is `ready`. */
  clear(ready: () => Promise<void>): Promise<void> {
    this.#parts.epoch += 1
    this.#parts.mayHoldMore = true
    this.#parts.forget()
    return this.inTurn(async () => {
      await ready()
      await this.#parts.clear()
      // Whoever had the turn before may have read, once more, what was still there.
      this.#parts.forget()
      this.#parts.isForgotten = false
      this.#parts.medium.peers?.tell()
    })
  }

  async close(): Promise<void> {
    this.#parts.epoch += 1
    this.#parts.recent.clear()
    this.#parts.isClosed = true
    this.#parts.directory.free()
    await withDeadline(this.#parts.core, OPEN_MS, () => this.#parts.medium.close())
  }

  isFinal(error: unknown): boolean {
    return error instanceof HangingError
  }

  /** What there was no room for is dropped, and the next may fit. */
  isFatal(error: unknown): boolean {
    return !isShelflifeError(error) || error.code !== 'ERR_QUOTA'
  }

  /** Counts a failure. */
  count(kind: string): void {
    this.#parts.count(kind)
  }

  /**
   * Gives up what the budget leaves no room for. What is in use is written anew, as in a compaction: nobody else may give up segments
   * meanwhile, and a deletion that is not known here yet must not come too late.
   */
  async #makeRoom(incoming: number): Promise<void> {
    if (!(await this.#space.isShort(incoming))) return
    const { peers } = this.#parts.medium
    if (peers === undefined || this.#parts.isInUse === undefined) return this.#space.reclaim(incoming, true)
    const release = peers.locks ? await withDeadline(this.#parts.core, ROOM_MS, call => peers.lock('compaction', call)) : () => {}
    try {
      if (release !== undefined) await this.#replay.catchUp(Number.POSITIVE_INFINITY)
      await this.#space.reclaim(incoming, release !== undefined)
    } finally {
      release?.()
    }
  }

  async #write(segments: readonly PackedSegment[], durability: Durability): Promise<void> {
    if (segments.length === 0) return
    const epoch = this.#parts.epoch
    const last = await this.#replay.survive(() => this.#parts.last)
    const ids = await withDeadline(this.#parts.core, WRITE_MS, call => this.#parts.medium.append(segments, durability, call))
    this.#parts.medium.peers?.tell()
    if (epoch !== this.#parts.epoch) return
    if (this.#parts.isForgotten || (ids[0] as number) <= last) {
      // Ids that begin again: somebody has emptied the medium behind our back, and what the directory says is history.
      if (!this.#parts.isForgotten) this.count('lost')
      await this.#replay.begin()
      return
    }
    await this.#replay.survive(async () => {
      // A gap before our first id is what somebody else has written.
      if (ids[0] !== this.#parts.last + 1) await this.#replay.catchUp(ids[0] as number)
      for (const [index, segment] of segments.entries()) this.#parts.commit(ids[index] as number, segment)
    })
  }
}

/** Aborts when one of the two does. */
function either(one: AbortSignal, other: AbortSignal): AbortSignal {
  const controller = new AbortController()
  for (const signal of [one, other]) {
    if (signal.aborted) controller.abort(signal.reason)
    else signal.addEventListener('abort', () => controller.abort(signal.reason), { once: true })
  }
  return controller.signal
}
