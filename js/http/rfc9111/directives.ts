/**
 * The directives of a `Cache-Control` field, read so that doubt makes stricter: a number that is none makes an answer stale, a
 * directive that was given an argument it does not take still holds, and a field whose quotes do not close forbids to store.
 */

import { deltaSeconds, type Fields, fieldOf, tokensOf } from './fields.ts'

/** `true` for all of the answer; names of fields for those only. */
export type Scope = boolean | readonly string[]

/** What a request or an answer says about caching. Times are seconds. */
export interface Directives {
  readonly noStore: boolean
  readonly noCache: Scope
  readonly private: Scope
  readonly public: boolean
  readonly mustRevalidate: boolean
  readonly proxyRevalidate: boolean
  readonly mustUnderstand: boolean
  readonly immutable: boolean
  readonly onlyIfCached: boolean
  readonly maxAge: number | undefined
  readonly sMaxAge: number | undefined
  /** Of requests. `Infinity`: however stale. */
  readonly maxStale: number | undefined
  readonly minFresh: number | undefined
  readonly staleWhileRevalidate: number | undefined
  readonly staleIfError: number | undefined
}

/** Where nothing is said. */
export const SILENT: Directives = {
  noStore: false,
  noCache: false,
  private: false,
  public: false,
  mustRevalidate: false,
  proxyRevalidate: false,
  mustUnderstand: false,
  immutable: false,
  onlyIfCached: false,
  maxAge: undefined,
  sMaxAge: undefined,
  maxStale: undefined,
  minFresh: undefined,
  staleWhileRevalidate: undefined,
  staleIfError: undefined,
}

/** What `headers` say; `Pragma: no-cache` counts where there is no `Cache-Control`. */
export function directivesOf(headers: Fields): Directives {
  const value = fieldOf(headers, 'cache-control')
  if (value !== undefined) return parseCacheControl(value)
  return tokensOf(fieldOf(headers, 'pragma')).includes('no-cache') ? { ...SILENT, noCache: true } : SILENT
}

/** Reads the value of a `Cache-Control` field. */
export function parseCacheControl(value: string): Directives {
  const { members, isWhole } = split(value)
  const said = { ...SILENT, noStore: !isWhole }
  // Strict where nothing can be known: too old at once, or as fresh as can be.
  const seconds = (argument: string | undefined, before: number | undefined, unknown: number): number => {
    const now = deltaSeconds(argument ?? '') ?? unknown
    // Two that differ cannot both be meant.
    return before === undefined || before === now ? now : unknown
  }
  for (const { name, argument } of members) {
    if (name === 'no-store') said.noStore = true
    else if (name === 'no-cache') said.noCache = widened(said.noCache, argument)
    else if (name === 'private') said.private = widened(said.private, argument)
    else if (name === 'public') said.public = true
    else if (name === 'must-revalidate') said.mustRevalidate = true
    else if (name === 'proxy-revalidate') said.proxyRevalidate = true
    else if (name === 'must-understand') said.mustUnderstand = true
    else if (name === 'immutable') said.immutable = true
    else if (name === 'only-if-cached') said.onlyIfCached = true
    else if (name === 'max-age') said.maxAge = seconds(argument, said.maxAge, 0)
    else if (name === 's-maxage') said.sMaxAge = seconds(argument, said.sMaxAge, 0)
    else if (name === 'min-fresh') said.minFresh = seconds(argument, said.minFresh, Number.POSITIVE_INFINITY)
    else if (name === 'max-stale') said.maxStale = argument === undefined ? Number.POSITIVE_INFINITY : seconds(argument, said.maxStale, 0)
    else if (name === 'stale-while-revalidate') said.staleWhileRevalidate = seconds(argument, said.staleWhileRevalidate, 0)
    else if (name === 'stale-if-error') said.staleIfError = seconds(argument, said.staleIfError, 0)
  }
  return said
}

/** Whether the whole answer is meant. */
export function isWhole(scope: Scope): boolean {
  return scope === true
}

/** The fields that are meant, where only some are. */
export function fieldsIn(scope: Scope): readonly string[] {
  return typeof scope === 'boolean' ? [] : scope
}

/** A list of fields adds to others; without one everything is meant. */
function widened(before: Scope, argument: string | undefined): Scope {
  const names = tokensOf(argument)
  if (before === true || names.length === 0) return true
  if (before === false) return names
  // The list is of this reading: to copy it for each further directive would be quadratic.
  const list = before as string[]
  for (const name of names) list.push(name)
  return list
}

interface Member {
  readonly name: string
  /** Without quotes. */
  readonly argument: string | undefined
}

const SEPARATORS = /[\s,]*/y
const NAME = /[^\s,="]*/y
const MEMBER = /([^\s,="]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?\s*(?:,|$)/y

/** Of what they allow, nothing is believed that is not said clearly. */
const ALLOWING = ['public', 'immutable', 'must-understand']

/** Commas within quotes separate nothing. */
function split(value: string): { members: Member[]; isWhole: boolean } {
  const members: Member[] = []
  for (let at = skip(SEPARATORS, value, 0); at < value.length; at = skip(SEPARATORS, value, at)) {
    MEMBER.lastIndex = at
    const found = MEMBER.exec(value)
    if (found !== null) {
      const [, name = '', quoted, plain] = found
      members.push({ name: name.toLowerCase(), argument: quoted?.replace(/\\(.)/g, '$1') ?? plain })
      at = MEMBER.lastIndex
      continue
    }
    // It names something all the same, and what it was to say about it cannot be known.
    const name = value.slice(at, skip(NAME, value, at)).toLowerCase()
    if (!ALLOWING.includes(name)) members.push({ name, argument: '' })
    at = commaAfter(value, at)
    if (at < 0) return { members, isWhole: false }
  }
  return { members, isWhole: true }
}

function skip(what: RegExp, value: string, start: number): number {
  what.lastIndex = start
  what.exec(value)
  return what.lastIndex
}

/** Where the next comma outside of quotes stands, or the end; -1 when quotes do not close. */
function commaAfter(value: string, start: number): number {
  let isQuoted = false
  let at = start
  for (; at < value.length && (isQuoted || value[at] !== ','); at += 1) {
    if (value[at] === '"') isQuoted = !isQuoted
    else if (value[at] === '\\' && isQuoted) at += 1
  }
  return isQuoted ? -1 : at
}
