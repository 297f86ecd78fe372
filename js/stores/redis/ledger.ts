/**
 * What this process knows of invalidations in a Redis that many share, and what of its own Redis does not know yet.
 *
 * Every read asks for the version as well. As long as that is the one known, nothing has been given up since; else the news
 * are fetched, a few marks, and what was read is judged by them. So tags need no messages, and silence proves nothing.
 */

import type { Clock } from '../../clock.ts'
import { givenUp } from '../../tier/foreign-barriers.ts'
import { Sources } from '../../tier/sources.ts'
import { Barriers, type GivenUp, type GiveUpMode, type Mark, namesOf } from '../barriers.ts'
import type { EntryFacts, StoreChange } from '../tier.ts'
import type { Command, Reply } from './client.ts'
import { EPOCH_CHARS } from './entry.ts'
import { SYNC } from './scripts.ts'

/** Own marks and sources that Redis does not know; of more, everything is given up. */
const MOST_OWED = 2000

/** Names of the keys in which Redis keeps it. */
export interface LedgerKeys {
  readonly version: string
  readonly marks: string
  readonly sources: string
}

/** See the top of this file. */
export class Ledger {
  readonly #keys: LedgerKeys
  readonly #clock: Clock
  readonly #barriers = new Barriers()
  readonly #sources = new Sources()
  /** Entries of another epoch are of a time before everything was removed. */
  #epoch = ''
  /** The version that Redis was at, and its number. */
  #version = ''
  #seen = 0
  /** An epoch that shall begin. */
  #owedEpoch = ''
  readonly #owedMarks = new Map<string, number>()
  readonly #owedSources = new Map<string, number>()

  constructor(keys: LedgerKeys, clock: Clock) {
    this.#keys = keys
    this.#clock = clock
  }

  /** What an entry that is written now is of. */
  get epoch(): string {
    return this.#epoch
  }

  /** The last invalidation that is known. */
  get era(): number {
    return this.#barriers.last
  }

  /** Whether Redis has been asked at all. */
  get isKnown(): boolean {
    return this.#version !== ''
  }

  /** Whether Redis has still to be told something. */
  get owes(): boolean {
    return this.#owedEpoch !== '' || this.#owedMarks.size > 0 || this.#owedSources.size > 0
  }

  /** Whether Redis is where it was. `version` is what a read of it gave. */
  isCurrent(version: Reply | undefined): boolean {
    return this.isKnown && version !== undefined && version !== null && textOf(version) === this.#version
  }

  raise(meant: GivenUp, mode: GiveUpMode): void {
    this.#barriers.raise(meant, mode, this.#wall())
    const sign = mode === 'delete' ? '-' : '~'
    for (const name of namesOf(meant)) {
      const mark = sign + JSON.stringify(name)
      this.#owedMarks.delete(mark)
      this.#owedMarks.set(mark, this.#barriers.last)
    }
    if (this.#owedMarks.size > MOST_OWED) this.begin()
  }

  /** Notes what entries that will be written depend on. */
  learn(entries: readonly { readonly entry: { readonly facts?: EntryFacts | undefined } }[]): void {
    const sources = entries.flatMap(({ entry }) => entry.facts?.dependsOn ?? [])
    if (sources.length === 0) return
    this.#note(sources)
    if (!this.#sources.areTooMany) return
    this.#sources.forget()
    this.#owedSources.clear()
    this.raise({ source: undefined }, 'delete')
    this.#note(sources)
  }

  /** Gives up what depends on `keys`, which change. */
  changed(keys: readonly string[]): void {
    for (const key of keys) {
      this.#barriers.renewed(key)
      if (this.#sources.has(key)) this.raise({ source: key }, 'delete')
    }
  }

  /** Everything there is is gone. */
  begin(): void {
    this.#epoch = freshEpoch()
    this.#owedEpoch = this.#epoch
    this.#forget()
  }

  /** See {@link Barriers.markOf}. */
  markOf(key: string): Mark | undefined {
    return this.#barriers.markOf(key)
  }

  /** What has become of an entry: `GONE`, stale as of a time, or `undefined`. */
  judge(key: string, facts: EntryFacts | undefined, mark?: Mark): number | undefined {
    const era = facts?.era ?? 0
    this.#barriers.witness(era)
    return this.#barriers.judge(era, key, facts ?? NO_FACTS, mark)
  }

  /** What tells Redis what is owed and asks for the news. {@link Ledger.settle} takes the reply, before it is asked again. */
  inquire(): { readonly command: Command; readonly owed: Owed } {
    const owed: Owed = { epoch: this.#owedEpoch, marks: [...this.#owedMarks], sources: [...this.#owedSources] }
    const { version, marks, sources } = this.#keys
    const pairs = (list: Owed['marks']) => list.flatMap(([name, number]) => [String(number), name])
    // Before an epoch that shall begin has begun, Redis knows the one before it.
    const known = this.#version.slice(0, EPOCH_CHARS)
    const command: Command = [
      ...['EVAL', SYNC, '3', version, marks, sources],
      ...[known, String(this.#seen), freshEpoch(), owed.epoch, String(owed.marks.length)],
      ...pairs(owed.marks),
      ...pairs(owed.sources),
    ]
    return { command, owed }
  }

  /** Takes in the reply: what others have given up since the last one. `undefined` when it is none. */
  settle(reply: Reply | undefined, owed: Owed): StoreChange[] | undefined {
    const [version, isNew, marks, sources] = Array.isArray(reply) ? (reply as Reply[]) : []
    const [, epoch, last] = /^([0-9a-f]{16}):(\d+)$/.exec(textOf(version)) ?? []
    if (epoch === undefined || !Array.isArray(marks) || !Array.isArray(sources)) return undefined
    if (owed.epoch === this.#owedEpoch) this.#owedEpoch = ''
    for (const [name, number] of owed.marks) if (this.#owedMarks.get(name) === number) this.#owedMarks.delete(name)
    for (const [name, number] of owed.sources) if (this.#owedSources.get(name) === number) this.#owedSources.delete(name)
    // What was learned before belongs to what is gone now. What was raised meanwhile is owed still.
    const isOthers = isNew === 1 && owed.epoch !== epoch
    const isFirst = !this.isKnown
    if (isOthers) this.#relearnOwed()
    this.#version = textOf(version)
    this.#seen = Number(last)
    // One that shall begin has been asked for meanwhile.
    if (this.#owedEpoch === '') this.#epoch = epoch
    const own = new Set(owed.marks.map(([name]) => name))
    const news = this.#learnMarks(marks, own)
    for (let at = 0; at < sources.length; at += 2) this.#sources.merge([parsed(sources[at])])
    this.#barriers.witness(this.#seen)
    if (isFirst) return []
    return isOthers ? [{ all: true }] : news
  }

  /** What these marks, but for `own` ones, have given up. */
  #learnMarks(marks: readonly Reply[], own: ReadonlySet<string>): StoreChange[] {
    const news: StoreChange[] = []
    let isAll = false
    for (let at = 0; at + 1 < marks.length; at += 2) {
      const mark = textOf(marks[at])
      const number = Number(textOf(marks[at + 1]))
      if (mark === '=') continue
      const name = parsed(mark.slice(1))
      if (name === 'a') this.#sources.forget()
      const isRight =
        (mark[0] === '-' || mark[0] === '~') &&
        typeof name === 'string' &&
        this.#barriers.learn(name, mark[0] === '-' ? 'delete' : 'expire', number)
      // Of a mark that cannot be read nobody knows what it gave up.
      if (!isRight) this.#barriers.learnFloor(number)
      if (own.has(mark)) continue
      const meant = isRight ? givenUp(name) : undefined
      if (meant === undefined) isAll = true
      else news.push({ invalidation: mark[0] === '-' ? meant : { ...meant, mode: 'expire' } })
    }
    return isAll ? [{ all: true }] : news
  }

  #note(sources: readonly string[]): void {
    for (const source of sources) {
      if (this.#sources.has(source)) continue
      this.#sources.merge([source])
      this.#owedSources.set(JSON.stringify(source), this.#wall())
    }
  }

  /** Redis counts in whole numbers. */
  #wall(): number {
    return Math.ceil(this.#clock.wall())
  }

  #forget(): void {
    this.#owedMarks.clear()
    this.#owedSources.clear()
    this.#forgetLearned()
  }

  #relearnOwed(): void {
    this.#forgetLearned()
    this.#learnMarks(
      [...this.#owedMarks].flatMap(([mark, number]) => [mark, String(number)]),
      new Set(),
    )
    for (const name of this.#owedSources.keys()) this.#sources.merge([parsed(name)])
  }

  #forgetLearned(): void {
    this.#barriers.forget()
    this.#sources.forget()
  }
}

/** What a {@link Ledger.inquire} tells Redis. */
export interface Owed {
  readonly epoch: string
  readonly marks: readonly (readonly [name: string, number: number])[]
  readonly sources: readonly (readonly [name: string, number: number])[]
}

/** An epoch that nobody has had. */
function freshEpoch(): string {
  return crypto.randomUUID().replaceAll('-', '').slice(0, EPOCH_CHARS)
}

function textOf(reply: Reply | undefined): string {
  if (typeof reply === 'string') return reply
  return reply instanceof Uint8Array ? Buffer.from(reply.buffer, reply.byteOffset, reply.length).toString() : String(reply)
}

function parsed(reply: Reply | undefined): unknown {
  try {
    return JSON.parse(textOf(reply))
  } catch {
    return undefined
  }
}

const NO_FACTS: EntryFacts = {}
