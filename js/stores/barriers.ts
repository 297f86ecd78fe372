/**
 * Barriers: what was given up by name, so that whatever was made before counts as given up, wherever it still lies.
 *
 * Giving up costs the same however much there is: a name gets a number, and numbers only rise. Who keeps something notes
 * {@link Barriers.last}; when it comes up again, {@link Barriers.judge} says what has been given up since.
 */

import { compileGlob } from '../glob.ts'
import { pathLength, withoutPath } from './namespaced.ts'

/** What becomes of what was given up: it is gone, or only stale. */
export type GiveUpMode = 'delete' | 'expire'

/** Which entries are given up: those with one of the tags, those whose key is, begins with or matches the text. */
export type GivenUp =
  | { readonly tags: readonly string[] }
  | { readonly key: string }
  | { readonly prefix: string }
  | { readonly pattern: string }
  /** All in the namespace of this path, and in those within it. */
  | { readonly namespace: string }
  /** Those made from the value of this key; of any key, where there is none. */
  | { readonly source: string | undefined }

/** What is known of something kept. */
export interface Marked {
  readonly tags?: readonly string[] | undefined
  readonly dependsOn?: readonly string[] | undefined
}

/** Everything a {@link Barriers} knows, as plain data. */
export type BarrierRecord = readonly [last: number, floor: number, marks: readonly (readonly [string, number, number])[]]

/** What {@link Barriers.judge} says of something that is gone. Other answers are times: stale since then. */
export const GONE = Number.NEGATIVE_INFINITY

/** Names that are known one by one. */
const MOST = 1000
const ANY_SOURCE = 'a'
/** Kinds of names that mean many keys. */
const PATTERNS = 'png'
const NOTHING: readonly string[] = []

/** When a name was given up last, by number, in either mode. */
export interface Mark {
  readonly deleted: number
  readonly expired: number
}

/** See the top of this file. Bounded: of more than 1000 names the older half becomes one, "everything made before". */
export class Barriers {
  /** The latest number: a time, unless the clock went back or stood still. */
  #last = 0
  /** What was made before this is gone. */
  #floor = 0
  /** By a letter for the kind and the name; the latest at the end. */
  readonly #marks = new Map<string, Mark>()
  /** Those of the names that are prefixes, patterns or namespaces. */
  readonly #patterns = new Map<string, (key: string) => boolean>()
  readonly #hasPaths: boolean

  /** With `hasPaths`, keys begin with the path of their namespace, and prefixes and patterns do not reach into others. */
  constructor({ hasPaths = true } = {}) {
    this.#hasPaths = hasPaths
  }

  get last(): number {
    return this.#last
  }

  /** Whether no name is known that was given up. */
  get isEmpty(): boolean {
    return this.#marks.size === 0
  }

  /** Gives up what is meant and was made before now. */
  raise(meant: GivenUp, mode: GiveUpMode, now: number): void {
    this.#last = Math.max(now, this.#last + 1)
    for (const name of namesOf(meant)) {
      const deleted = mode === 'delete' ? this.#last : (this.#marks.get(name)?.deleted ?? 0)
      this.#put(name, { deleted, expired: mode === 'delete' ? 0 : this.#last })
    }
    this.#trim()
  }

  /** Somebody else has given up `name`, one of {@link namesOf}, at this number. False, and nothing has changed, when it is no such name. */
  learn(name: string, mode: GiveUpMode, number: number): boolean {
    if (!isName(name)) return false
    this.witness(number)
    const here = this.#marks.get(name)
    const deleted = Math.max(here?.deleted ?? 0, mode === 'delete' ? number : 0)
    const expired = Math.max(here?.expired ?? 0, mode === 'expire' ? number : 0)
    this.#put(name, { deleted, expired: expired > deleted ? expired : 0 })
    this.#trim()
    return true
  }

  /** Somebody else has given up everything made before this number. */
  learnFloor(floor: number): void {
    this.witness(floor)
    this.#floor = Math.max(this.#floor, floor)
  }

  /** When the key itself was given up, for somebody who goes to read it and must know that when it has been written anew meanwhile. */
  markOf(key: string): Mark | undefined {
    return this.#marks.size === 0 ? undefined : this.#marks.get(`k${key}`)
  }

  /** Whether what was made at number `since` has been given up: {@link GONE}, stale as of a time, or `undefined`. */
  judge(since: number, key: string, { tags = NOTHING, dependsOn = NOTHING }: Marked, own?: Mark): number | undefined {
    if (since >= this.#last) return undefined
    if (since < this.#floor) return GONE
    let verdict: number | undefined
    // What was made from something that is only stale is no better than what was made from something that is gone.
    const look = (name: string, isSource: boolean, mark = this.#marks.get(name)) => {
      if (mark === undefined || (mark.deleted <= since && mark.expired <= since)) return
      verdict = mark.deleted > since || isSource ? GONE : Math.min(verdict ?? mark.expired, mark.expired)
    }
    look(`k${key}`, false, this.#marks.get(`k${key}`) ?? own)
    for (const tag of tags) if (verdict !== GONE) look(`t${tag}`, false)
    if (dependsOn.length > 0) look(ANY_SOURCE, true)
    for (const source of dependsOn) if (verdict !== GONE) look(`d${source}`, true)
    for (const [name, matches] of this.#patterns) {
      if (verdict === GONE) break
      if (matches(key)) look(name, false)
      if (dependsOn.some(matches)) look(name, true)
    }
    return verdict
  }

  /** What `key` itself was given up for is of no interest any more: it has been written anew. */
  renewed(key: string): void {
    if (this.#marks.size > 0) this.#marks.delete(`k${key}`)
  }

  /** Forgets the names; numbers go on rising. */
  forget(): void {
    this.#floor = 0
    this.#marks.clear()
    this.#patterns.clear()
  }

  /** Gives up everything made before now. */
  raiseFloor(now: number): void {
    this.forget()
    this.#last = Math.max(now, this.#last + 1)
    this.#floor = this.#last
  }

  /** Somebody else has come to this number. */
  witness(last: number): void {
    if (last > this.#last) this.#last = last
  }

  record(): BarrierRecord {
    return [this.#last, this.#floor, Array.from(this.#marks, ([name, { deleted, expired }]) => [name, deleted, expired])]
  }

  /** Adds what another one knew. False, and nothing has changed, when it is no record. */
  merge(record: unknown): boolean {
    if (!isRecord(record)) return false
    const [last, floor, marks] = record
    this.witness(last)
    this.#floor = Math.max(this.#floor, floor)
    const both = new Map(this.#marks)
    for (const [name, deleted, expired] of marks) {
      const here = both.get(name)
      both.set(name, { deleted: Math.max(deleted, here?.deleted ?? 0), expired: Math.max(expired, here?.expired ?? 0) })
    }
    this.#marks.clear()
    this.#patterns.clear()
    const inOrder = [...both].sort(([, a], [, b]) => latest(a) - latest(b))
    for (const [name, mark] of inOrder) if (latest(mark) > this.#floor) this.#put(name, mark)
    this.#trim()
    return true
  }

  #put(name: string, mark: Mark): void {
    this.#marks.delete(name)
    this.#marks.set(name, mark)
    if (PATTERNS.includes(name[0] as string) && !this.#patterns.has(name)) this.#patterns.set(name, matcherOf(name, this.#hasPaths))
  }

  #trim(): void {
    if (this.#marks.size <= MOST) return
    for (const [name, mark] of this.#marks) {
      if (this.#marks.size <= MOST / 2) return
      this.#floor = latest(mark)
      this.#marks.delete(name)
      this.#patterns.delete(name)
    }
  }
}

/** The names under which what is meant is given up: a letter for the kind, and a text. */
export function namesOf(meant: GivenUp): string[] {
  if ('tags' in meant) return meant.tags.map(tag => `t${tag}`)
  if ('key' in meant) return [`k${meant.key}`, `d${meant.key}`]
  if ('source' in meant) return [meant.source === undefined ? ANY_SOURCE : `d${meant.source}`]
  if ('namespace' in meant) return [`n${meant.namespace}`]
  return ['prefix' in meant ? `p${meant.prefix}` : `g${meant.pattern}`]
}

function matcherOf(name: string, hasPaths: boolean): (key: string) => boolean {
  const text = name.slice(1)
  if (name[0] === 'n') return key => key.startsWith(text)
  const matching = (said: string) => (name[0] === 'p' ? (key: string) => key.startsWith(said) : compileGlob(said))
  if (!hasPaths) return matching(text)
  const length = pathLength(text)
  const path = text.slice(0, length)
  const matches = matching(withoutPath(text, length))
  return key => key.startsWith(path) && pathLength(key) === length && matches(withoutPath(key, length))
}

function latest({ deleted, expired }: Mark): number {
  return Math.max(deleted, expired)
}

function isRecord(record: unknown): record is BarrierRecord {
  if (!Array.isArray(record) || record.length !== 3) return false
  const [last, floor, marks] = record
  return (
    Number.isFinite(last) &&
    Number.isFinite(floor) &&
    Array.isArray(marks) &&
    marks.every(
      mark => Array.isArray(mark) && typeof mark[0] === 'string' && Number.isFinite(mark[1]) && Number.isFinite(mark[2]) && isName(mark[0]),
    )
  )
}

function isName(name: string): boolean {
  try {
    return name[0] !== 'g' || matcherOf(name, true) !== undefined
  } catch {
    return false
  }
}
