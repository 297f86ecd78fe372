/** Header fields as plain records, and how their values are read. */

/** Header fields in the order in which they came; names in lower case. */
export type Fields = readonly (readonly [name: string, value: string])[]

/** A request, as far as caching is concerned. */
export interface CacheableRequest {
  readonly method: string
  readonly headers: Fields
}

/** The head of an answer. */
export interface AnswerHead {
  readonly status: number
  readonly headers: Fields
}

/** All values of a field as one, as HTTP joins them; `undefined` when it is not there. */
export function fieldOf(headers: Fields, name: string): string | undefined {
  let all: string | undefined
  for (const [field, value] of headers) if (field === name) all = all === undefined ? value : `${all}, ${value}`
  return all
}

/** The members of a list whose members are tokens, in lower case. */
export function tokensOf(value: string | undefined): string[] {
  if (value === undefined) return []
  const members = value.split(',').map(member => member.trim().toLowerCase())
  return members.filter(member => member !== '')
}

/** The largest number of seconds that is told apart from more, as RFC 9111, section 1.2.2, advises. */
const MOST_SECONDS = 2_147_483_648

/** A number of seconds; `undefined` for whatever is none. */
export function deltaSeconds(value: string): number | undefined {
  return /^\d+$/.test(value) ? Math.min(Number(value), MOST_SECONDS) : undefined
}
