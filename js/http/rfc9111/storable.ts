/** Whether an answer may be kept (RFC 9111, section 3), and with which of its fields. */

import { type Directives, fieldsIn, isWhole } from './directives.ts'
import { type AnswerHead, type CacheableRequest, type Fields, fieldOf, tokensOf } from './fields.ts'
import { isCacheableByDefault, isUnderstood } from './statuses.ts'
import { varyOf } from './vary.ts'

/** For whom answers are kept. */
export interface Keeping {
  /** Many use what is kept: the rules of shared caches hold. */
  readonly shared: boolean
  /** What is kept is for one of those whom the caller tells apart; then it is private to them, wherever it lies. */
  readonly partitioned: boolean
  /** The platform adds cookies that nobody here sees, as browsers do. */
  readonly hidesCookies: boolean
}

/** Why an answer is not kept. */
export type Refusal = 'method' | 'status' | 'no-store' | 'set-cookie' | 'vary' | 'private' | 'authorization' | 'range' | 'framing'

/** Whether the rules of shared caches hold. */
export function isShared({ shared, partitioned }: Keeping): boolean {
  return shared && !partitioned
}

/** Why an answer may not be kept; `undefined` when it may. Whether it is of any use is another question. */
export function refusalOf(
  request: CacheableRequest,
  answer: AnswerHead,
  asked: Directives,
  said: Directives,
  keeping: Keeping,
): Refusal | undefined {
  const { status, headers } = answer
  if (request.method !== 'GET') return 'method'
  if (asked.noStore) return 'no-store'
  if (request.headers.some(([name]) => name === 'range') || status === 206) return 'range'
  if (status < 200 || status > 599 || status === 304) return 'status'
  // Whoever understands the status goes by it, and not by the `no-store` for those who do not.
  if (said.mustUnderstand ? !isUnderstood(status) : said.noStore) return said.mustUnderstand ? 'status' : 'no-store'
  if (fieldOf(headers, 'set-cookie') !== undefined || fieldOf(headers, 'set-cookie2') !== undefined) return 'set-cookie'
  if (isOpenEnded(answer)) return 'framing'
  const vary = varyOf(headers)
  if (vary === '*' || (keeping.hidesCookies && !keeping.partitioned && vary.includes('cookie'))) return 'vary'
  const shared = isShared(keeping)
  if (shared && isWhole(said.private)) return 'private'
  if (shared && isAuthorized(request) && !said.public && !said.mustRevalidate && said.sMaxAge === undefined) return 'authorization'
  return hasLeave(answer, said, shared) ? undefined : 'status'
}

/** The fields that may be kept: not those of one connection only, nor those that the answer excepts. */
export function keptFields(headers: Fields, said: Directives, keeping: Keeping): Fields {
  const excepted = new Set([...HOP_BY_HOP, ...tokensOf(fieldOf(headers, 'connection')), ...fieldsIn(said.noCache)])
  if (isShared(keeping)) for (const name of fieldsIn(said.private)) excepted.add(name)
  return headers.some(([name]) => excepted.has(name)) ? headers.filter(([name]) => !excepted.has(name)) : headers
}

const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

/** Whether only the connection says where the body ends, or a coding that nobody here undoes: then nobody sees whether it was cut. */
function isOpenEnded({ status, headers }: AnswerHead): boolean {
  const coding = fieldOf(headers, 'transfer-encoding')
  if (coding !== undefined) return coding.trim().toLowerCase() !== 'chunked'
  if (status === 204 || fieldOf(headers, 'content-length') !== undefined) return false
  return tokensOf(fieldOf(headers, 'connection')).includes('close')
}

/** Either the status is one that is kept unless something is said, or something is. */
function hasLeave({ status, headers }: AnswerHead, said: Directives, shared: boolean): boolean {
  if (isCacheableByDefault(status) || said.public || said.maxAge !== undefined) return true
  if (fieldOf(headers, 'expires') !== undefined) return true
  return shared ? said.sMaxAge !== undefined : isWhole(said.private)
}

function isAuthorized(request: CacheableRequest): boolean {
  return request.headers.some(([name]) => name === 'authorization')
}
