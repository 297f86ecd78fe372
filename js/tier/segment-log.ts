/**
 * A medium and the directory of what is in it, kept in step: everything that is appended, caught up with, given up or
 * written anew goes through here. Writers take turns ({@link SegmentLog.inTurn}), since the directory follows the log's order.
 */

import type { Clock } from '../clock.ts'
import { CoreTrappedError, isShelflifeError, ShelflifeError } from '../errors.ts'
import { nextTask } from '../next-task.ts'
import { isWhole, type Line, type Outgoing, type PackedSegment, type Place, pack, readDirectory } from '../stores/directory.ts'
import type { Durability, ListedSegment, Peers, SegmentMedium } from '../stores/segment-medium.ts'
import type { Room, SegmentStore, StoreChange, StoreContext } from '../stores/tier.ts'
import type { TierCore } from './core.ts'
import { HangingError, pause, READ_MS, withDeadline } from './deadlines.ts'
import { Distrust } from './distrust.ts'
import { EarlyReplay } from './early-replay.ts'
import { KeyDirectory, type Located } from './key-directory.ts'
import { PayloadReads } from './payload-reads.ts'
import type { Places } from './places.ts'
import { Press } from './press.ts'
import { RecentPayloads } from './recent-payloads.ts'
import { isRecord } from './records.ts'
import { kindOf, type LogCounts, type LogSizes, type TierLog } from './tier-log.ts'

/** Own deadlines around everything that can hang, in milliseconds. */
const OPEN_MS = 5000
const LOCK_MS = 10_000
const WRITE_MS = 30_000

/** Keys that one task looks at. */
const SLICE_KEYS = 4096

/** Beyond what any medium holds, and exact in a number: a budget that never ends. */
const NO_LIMIT = 2 ** 53

/** See the top of this file. */
export class SegmentLog implements TierLog {
  readonly roundBytes = 2 * 1024 * 1024
  readonly takesText = true
  readonly whyReadOnly = 'somebody else holds the log and writes there'
  readonly kindOf = kindOf
  readonly counts: LogCounts
  readonly #medium: SegmentMedium
  readonly #clock: Clock
  readonly #core: TierCore
  readonly #directory: KeyDirectory
  readonly #recent = new RecentPayloads()
  readonly #press: Press
  readonly #payloads: PayloadReads
  #turn: Promise<unknown> = Promise.resolve()
  /** Rises when everything is forgotten, so that what was under way knows that it is too late. */
  #epoch = 0
  #isClosed = false
  readonly #onChange: ((change: StoreChange) => void) | undefined
  #following: Promise<void> | undefined
  /** Everything in the medium was given up by somebody else, and the directory does not know yet. */
  #isForgotten = false

  constructor(
    store: SegmentStore,
    context: StoreContext,
    counts: LogCounts = { reads: 0, reclaimed: 0, compactions: 0, errors: new Map() },
  ) {
    this.counts = counts
    this.#onChange = context.onChange
    this.#medium = store.openMedium({
      ...context,
      count: kind => this.count(kind),
      forgotten: () => {
        this.#isForgotten = true
      },
      pause: ms => pause(context.core, ms),
    })
    this.#clock = context.clock
    this.#core = context.core
    this.#press = new Press(store.compression, this.counts)
    this.#payloads = new PayloadReads(this.#medium, context.core)
    this.#directory = new KeyDirectory(Math.min(store.maxSize, NO_LIMIT))
  }

  get writable(): boolean {
    return this.#medium.writable
  }

  get epoch(): number {
    return this.#epoch
  }

  get sizes(): LogSizes {
    return this.#isClosed || this.#directory.lost ? { entries: 0, segments: 0, bytes: 0, liveBytes: 0 } : this.#directory.sizes
  }

  /** Runs `work` when all earlier work is done. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => {})
    return result
  }

  /** Opens the medium and reads its directories. */
  async open(): Promise<void> {
    await withDeadline(this.#core, OPEN_MS, call => this.#medium.open(call))
    // Two who read the log at once would be in each other's way.
    let isOpen = false
    let isNews = false
    this.#medium.peers?.listen(() => {
      if (isOpen) void this.follow()
      else isNews = true
    })
    await this.#begun()
    this.#isForgotten = false
    isOpen = true
    if (isNews) void this.follow()
  }

  takeOver(): Promise<boolean> {
    return this.inTurn(async () => {
      if (this.#isClosed) return false
      await withDeadline(this.#core, OPEN_MS, async call => this.#medium.takeOver?.(call))
      await this.#catchUp(Number.POSITIVE_INFINITY)
      return this.#medium.writable
    })
  }

  /** Reads what others have written since, and tells of it. Calls that wait for the same turn share it; a failure is counted. */
  follow(): Promise<void> {
    this.#following ??= this.inTurn(async () => {
      this.#following = undefined
      if (!this.#isClosed) await this.#catchUp(Number.POSITIVE_INFINITY).catch(() => this.count('read'))
    })
    return this.#following
  }

  /** The right to do for all writers what `name` says, once what they have done is known here. See {@link Peers.lock}. */
  lock(name: string, signal: () => AbortSignal): Promise<(() => void) | undefined> | undefined {
    const { peers } = this.#medium
    return peers?.locks === true && !this.#isClosed ? this.#lock(peers, name, signal()) : undefined
  }

  async #lock(peers: Peers, name: string, signal: AbortSignal): Promise<(() => void) | undefined> {
    const release = await withDeadline(this.#core, LOCK_MS, call => peers.lock(name, { signal: either(call.signal, signal) }))
    if (release === undefined && !signal.aborted) this.count('unlocked')
    await this.follow()
    return release
  }

  /** Where the valid values of `keys` lie. After a trap of the core the directory is read anew first. */
  async locate(keys: readonly string[]): Promise<Places> {
    const wall = this.#clock.wall()
    const locate = () => this.#directory.locateAll(keys, wall)
    try {
      return locate()
    } catch (error) {
      if (!(error instanceof CoreTrappedError)) throw error
      return this.inTurn(() => this.#survive(locate))
    }
  }

  /** The same without waiting; nothing is found while the directory is lost. */
  locateNow(key: string): Located | undefined {
    return this.#directory.lost ? undefined : this.#directory.locate(key, this.#clock.wall())
  }

  /** Goes by the directory alone, a slice in each task. */
  async recent(most: Room, wanted: (key: string) => boolean): Promise<string[]> {
    const epoch = this.#epoch
    const found: { key: string; place: Located }[] = []
    let left = SLICE_KEYS
    for (const key of this.#directory.keys()) {
      const place = wanted(key) ? this.locateNow(key) : undefined
      if (place !== undefined) found.push({ key, place })
      left -= 1
      if (left > 0) continue
      await nextTask()
      if (epoch !== this.#epoch) return []
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
    return this.#directory.knows(key)
  }

  /** Hides `key` as long as this directory lives, without writing. */
  hide(key: string): void {
    if (!this.#directory.lost) this.#directory.forget(key)
  }

  /** The payload of a segment; `undefined` when it is gone. */
  payload(segment: number): Promise<Uint8Array | undefined> {
    return this.#recent.get(segment, async () => {
      this.counts.reads += 1
      const stored = await this.#payloads.read(segment)
      return (
        stored &&
        this.#press.expand(segment, stored).catch(error => {
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
      await this.#catchUp(Number.POSITIVE_INFINITY)
      if ((await this.payload(segment)) !== undefined) return
      const [listed] = await withDeadline(this.#core, READ_MS, call => this.#medium.list(segment - 1, call))
      const isBroken = listed?.id === segment && this.#medium.writable
      if (isBroken) await this.#write(pack(await this.#tombstones(segment)), this.#again)
      await this.#survive(() => this.#directory.remove(segment))
      if (isBroken) await this.#remove([segment])
    })
  }

  /** Writes segments, first making room, and takes them into the directory. Only in turn. */
  async append(batch: readonly Outgoing[], durability: Durability): Promise<void> {
    const segments = await this.#press.press(pack(batch))
    const incoming = segments.reduce((sum, segment) => sum + this.#weigh(segment), 0)
    try {
      await this.#reclaim(incoming)
      await this.#write(segments, durability)
    } catch (error) {
      if (!isShelflifeError(error) || error.code !== 'ERR_QUOTA') throw error
      this.count('quota')
      // The budget was more than there is: give up a quarter, once, and try again.
      await this.#giveWay(Math.max(incoming * 2, this.sizes.bytes / 4))
      await this.#write(segments, durability)
    }
  }

  /** Writes segments anew that are mostly dead or too small, unless another writer is at it. Only in turn. */
  async compact(): Promise<void> {
    const { peers } = this.#medium
    if (peers === undefined) return this.#compact()
    if ((await this.#survive(() => this.#directory.pollCompaction(this.#clock.wall()))).length === 0) return
    await peers.alone(async () => {
      // A tombstone that is not known here yet may be gone from the log by the time that an older value is written anew.
      await this.#catchUp(Number.POSITIVE_INFINITY)
      await this.#compact()
    })
  }

  async #compact(): Promise<void> {
    const found = await this.#survive(() => this.#directory.pollCompaction(this.#clock.wall()))
    if (found.length === 0) return
    const epoch = this.#epoch
    const outgoing: Outgoing[] = []
    for (const lines of await Promise.all(found.map(victim => this.#carried(victim, () => true)))) outgoing.push(...lines)
    if (epoch !== this.#epoch) return
    // Others see by the ids that they have missed something: the youngest stays until there is one younger.
    const victims = outgoing.length > 0 ? found : found.filter(victim => victim !== this.#directory.last)
    // What was durable must stay so when its old place goes.
    await this.#write(await this.#press.press(pack(outgoing)), this.#again)
    await this.#remove(victims)
    this.counts.compactions += victims.length
  }

  /** What of `segment` is to be written anew, of the keys that are `wanted`. */
  async #carried(segment: number, wanted: (key: string) => boolean): Promise<Outgoing[]> {
    const carried = (await this.#survive(() => this.#directory.carry(segment, this.#clock.wall(), false))).filter(({ key }) => wanted(key))
    const payload = carried.some(line => line.value !== undefined) ? await this.payload(segment) : undefined
    return carried.map(({ key, order, value }) => {
      const bytes = value === undefined ? undefined : this.#bytesOf(key, value, payload)
      return { key, order, bytes, expiresAt: value?.expiresAt ?? 0, writtenAt: value?.writtenAt ?? 0 }
    })
  }

  /** The bytes of a value in a payload, or `undefined`, counted, when they are not what was written. */
  #bytesOf(key: string, { offset, length, check }: Place, payload: Uint8Array | undefined): Uint8Array | undefined {
    if (payload !== undefined && isWhole(key, payload, offset, length, check)) return payload.subarray(offset, offset + length)
    this.count(payload === undefined ? 'missing' : 'damaged')
    return undefined
  }

  /** Forgets everything at once; the medium follows, once it is `ready`. */
  clear(ready: () => Promise<void>): Promise<void> {
    this.#epoch += 1
    this.#recent.clear()
    this.#press.clear()
    if (this.#directory.lost) this.#directory.renew()
    this.#directory.clear()
    return this.inTurn(async () => {
      await ready()
      await withDeadline(this.#core, WRITE_MS, call => this.#medium.clear(call))
      this.#isForgotten = false
      this.#medium.peers?.tell()
    })
  }

  async close(): Promise<void> {
    this.#epoch += 1
    this.#recent.clear()
    this.#isClosed = true
    this.#directory.free()
    await withDeadline(this.#core, OPEN_MS, () => this.#medium.close())
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
    this.counts.errors.set(kind, (this.counts.errors.get(kind) ?? 0) + 1)
  }

  #commit(id: number, segment: PackedSegment): void {
    this.#press.noteOwn(id, segment)
    this.#directory.add(id, this.#weigh(segment), segment)
  }

  /** How lines are written anew whose old place goes after that: what was durable must stay so. */
  get #again(): Durability {
    return this.#medium.isOrdered === true ? 'stored' : 'durable'
  }

  #weigh({ directory, payload }: PackedSegment): number {
    return directory.length + payload.length + this.#medium.overhead
  }

  async #write(segments: readonly PackedSegment[], durability: Durability): Promise<void> {
    if (segments.length === 0) return
    const epoch = this.#epoch
    const last = await this.#survive(() => this.#directory.last)
    const ids = await withDeadline(this.#core, WRITE_MS, call => this.#medium.append(segments, durability, call))
    this.#medium.peers?.tell()
    if (epoch !== this.#epoch) return
    if (this.#isForgotten || (ids[0] as number) <= last) {
      // Ids that begin again: somebody has emptied the medium behind our back, and what the directory says is history.
      if (!this.#isForgotten) this.count('lost')
      await this.#begin()
      return
    }
    await this.#survive(async () => {
      // A gap before our first id is what somebody else has written.
      if (ids[0] !== this.#directory.last + 1) await this.#catchUp(ids[0] as number)
      for (const [index, segment] of segments.entries()) this.#commit(ids[index] as number, segment)
    })
  }

  /**
   * Frees `enough` bytes of a medium that is full: tombstones for what goes would not fit either. So those segments go first that
   * leave nothing to be said. Where there are none all goes: an empty cache is better than one that fails for ever, or that lies.
   */
  async #giveWay(enough: number): Promise<void> {
    const before = this.sizes.bytes
    const gone: number[] = []
    const wall = this.#clock.wall()
    const next = (after: number) => this.#survive(() => this.#directory.pollSpare(after, wall))
    for (let spare = await next(0); spare !== 0 && before - this.sizes.bytes < enough; spare = await next(spare)) {
      const holdsRecords = await this.#survive(() => this.#directory.carry(spare, wall, false).some(({ key }) => isRecord(key)))
      if (holdsRecords) continue
      await this.#survive(() => this.#directory.remove(spare))
      gone.push(spare)
    }
    this.counts.reclaimed += gone.length
    // Where there is no room even for saying what is gone, all goes, too.
    if (gone.length > 0 && (await this.#remove(gone).then(() => true, isNotForRoom))) return
    await this.#forgetAll()
  }

  /** Gives up segments until `incoming` bytes fit the budget. */
  async #reclaim(incoming: number): Promise<void> {
    const newest = await this.#survive(() => this.#directory.last)
    const gone: number[] = []
    const next = () => this.#survive(() => this.#directory.pollReclaim(incoming, this.#clock.wall()))
    for (let victim = await next(); victim !== 0; victim = await next()) {
      const tombstones = await this.#tombstones(victim)
      const kept = victim > newest ? [] : await this.#carried(victim, isRecord)
      await this.#write(pack([...tombstones.filter(({ key }) => !isRecord(key)), ...kept]), this.#again)
      await this.#survive(() => this.#directory.remove(victim))
      gone.push(victim)
    }
    this.counts.reclaimed += gone.length
    await this.#remove(gone)
  }

  /** What has to be said of the keys of `segment` before it may go, so that no older value of theirs comes up. */
  async #tombstones(segment: number): Promise<Outgoing[]> {
    const hidden = await this.#survive(() => this.#directory.carry(segment, this.#clock.wall(), true))
    return hidden.map(({ key, order }) => ({ key, order, bytes: undefined, expiresAt: 0, writtenAt: 0 }))
  }

  async #remove(segments: readonly number[]): Promise<void> {
    if (segments.length === 0) return
    await withDeadline(this.#core, WRITE_MS, call => this.#medium.remove(segments, call))
    for (const segment of segments) {
      this.#recent.delete(segment)
      this.#press.forget(segment)
      await this.#survive(() => this.#directory.remove(segment))
    }
  }

  /** Takes in the segments before `before` that others have written, and tells of what they changed. */
  async #catchUp(before: number): Promise<void> {
    await this.#survive(async () => {
      const after = this.#directory.last
      const news = await this.#replay(after, before)
      if (this.#isForgotten || news === 'damaged') return this.#begin()
      // Ids that are not there any more: what they held was written anew or given up, and deletions leave no trace then. Which older
      // segments are gone with them, only the whole list tells.
      const last = news.length > 0 ? (news.at(-1)?.id as number) : after
      const hasGap = last !== after + news.length || (before !== Number.POSITIVE_INFINITY && last + 1 !== before)
      if (hasGap) return this.#begin()
      const keys = new Set<string>()
      for (const { id, lines } of news) for (const { key, order } of lines) if ((order || id) > after) keys.add(key)
      if (keys.size > 0) this.#onChange?.({ keys: [...keys] })
    })
  }

  /** Reads the log from its beginning, which is another one now. */
  async #begin(): Promise<void> {
    const isEmptied = this.#isForgotten
    await this.#rebuild()
    this.#onChange?.({ all: true, isEmptied })
  }

  /** Reads the whole log, before anybody asks for anything in it. */
  async #begun(): Promise<void> {
    const epoch = this.#epoch
    const weigh = ({ bytes, directory }: ListedSegment) => bytes - this.#medium.overhead - directory.length
    const early = new EarlyReplay(this.#directory, this.#press, weigh, () => epoch === this.#epoch)
    const listed = await withDeadline(this.#core, WRITE_MS, call => this.#medium.list(0, call, segments => early.take(segments)))
    if (epoch === this.#epoch && (this.#isForgotten || !early.isRight(listed))) await this.#rebuild()
  }

  /**
   * Plays the segments between `after` and `before` into the directory, and gives them.
   *
   * Any older value of a key that a damaged directory named may be outdated. So what is older and of such a key is not believed, and
   * nothing older at all when the medium does not know the keys. A segment of a newer format is not touched; the error tells.
   */
  async #replay(after: number, before: number): Promise<{ id: number; lines: readonly Line[] }[] | 'damaged'> {
    const epoch = this.#epoch
    const listed = await withDeadline(this.#core, WRITE_MS, call => this.#medium.list(after, call))
    if (epoch !== this.#epoch) return []
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
      this.#press.note(id, directory, lines)
      const weighed = this.#press.weighed(directory, bytes - this.#medium.overhead - directory.length, lines)
      const believed = distrust.believed(id, weighed)
      // What is overruled by a tombstone is on the medium still, and keeps that alive.
      this.#directory.commit(id, bytes, this.#medium.writable ? weighed : believed)
      sound.push({ id, lines: believed })
    }
    if (distrust.hasRecords) this.count('distrusted')
    if (damaged.length === 0 || !this.#medium.writable) return sound
    const gone = replayed.filter(({ id, lines }) => lines === undefined || distrust.isForgotten(id)).map(({ id }) => id)
    if (!(await this.#overrule(distrust.tombstones(), gone).then(() => true, isNotForRoom))) await this.#forgetAll()
    return sound
  }

  /** Makes it last that what is damaged is gone, and with it what it may have outdated. */
  async #overrule(tombstones: readonly Outgoing[], damaged: readonly number[]): Promise<void> {
    const segments = pack(tombstones)
    if (segments.length > 0) {
      const ids = await withDeadline(this.#core, WRITE_MS, call => this.#medium.append(segments, 'durable', call))
      for (const [index, segment] of segments.entries()) this.#commit(ids[index] as number, segment)
    }
    await withDeadline(this.#core, WRITE_MS, call => this.#medium.remove(damaged, call))
  }

  async #forgetAll(): Promise<void> {
    this.counts.reclaimed += this.sizes.segments
    await withDeadline(this.#core, WRITE_MS, call => this.#medium.clear(call))
    this.#recent.clear()
    this.#press.clear()
    await this.#survive(() => this.#directory.clear())
  }

  #readLines(directory: Uint8Array): ReturnType<typeof readDirectory> | undefined {
    try {
      return readDirectory(directory)
    } catch (error) {
      if (isShelflifeError(error) && error.retryable)
        throw new ShelflifeError('ERR_STORE', 'a newer version of shelflife wrote here', { cause: error })
      this.count('damaged')
      return undefined
    }
  }

  /** Runs `work`; when a trap of the core took the directory, reads it from the medium anew and runs `work` again. Only in turn. */
  async #survive<T>(work: () => T | Promise<T>): Promise<T> {
    if (this.#directory.lost) await this.#renew()
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof CoreTrappedError)) throw error
      await this.#renew()
      return work()
    }
  }

  async #renew(): Promise<void> {
    this.count('trapped')
    await this.#rebuild()
  }

  async #rebuild(): Promise<void> {
    this.#recent.clear()
    this.#press.clear()
    this.#directory.renew()
    this.#isForgotten = false
    await this.#replay(0, Number.POSITIVE_INFINITY)
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

/** False for a lack of room, and otherwise the error. */
function isNotForRoom(error: unknown): false {
  if (isShelflifeError(error) && error.code === 'ERR_QUOTA') return false
  throw error
}
