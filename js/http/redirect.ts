/**
 * Redirects, where the platform shows them: on Node, Deno and Bun. Browsers follow them by themselves and show nothing. Whatever says
 * who asks stays with the origin that it was meant for.
 */

import { parseCacheControl } from './rfc9111/directives.ts'
import type { BareResponse } from './transport.ts'

/** How redirects are followed. */
export interface RedirectPolicy {
  /** At most so many in a row. */
  readonly max: number
  /** From `https:` to `http:` none is. */
  readonly refuseInsecure: boolean
}

/** A redirect that is not followed. Internal: the exchange makes the public error of it. Another attempt would be redirected again. */
export class RefusedRedirect extends TypeError {}

/** What one call of the transport is made of. */
export interface Hop {
  readonly url: string
  readonly init: RequestInit
}

/** The answer at the end of all redirects. */
export interface Arrival {
  readonly response: BareResponse
  readonly url: string
  readonly redirected: boolean
  /** Whether every redirect on the way was for good, so that what is at its end may be kept under where it began. */
  readonly lasting: boolean
}

const REDIRECTS = new Set([301, 302, 303, 307, 308])
/** Headers that say nothing of who asks. All others are for the origin that they were given for. */
const FOR_EVERYBODY = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'content-encoding',
  'content-language',
  'content-type',
  'dnt',
  'pragma',
  'priority',
  'range',
  'user-agent',
])
const OF_A_BODY = ['content-encoding', 'content-language', 'content-length', 'content-location', 'content-type']

/** Sends until what is answered is no redirect. */
export async function follow(
  send: (url: string, init: RequestInit) => Promise<BareResponse>,
  first: Hop,
  policy: RedirectPolicy,
): Promise<Arrival> {
  let { url, init } = first
  let lasting = true
  for (let hops = 0; ; hops += 1) {
    const response = await send(url, { ...init, redirect: 'manual' })
    const location = REDIRECTS.has(response.status) ? response.headers.get('location') : null
    if (location === null) return { response, url, redirected: hops > 0, lasting }
    lasting &&= isLasting(response)
    response.body?.cancel().catch(() => undefined)
    if (hops === policy.max) throw new RefusedRedirect(`more than ${policy.max} redirects`)
    const next = target(location, url, policy)
    init = redirected(init, response.status, new URL(url).origin !== new URL(next).origin)
    url = next
  }
}

function target(location: string, from: string, { refuseInsecure }: RedirectPolicy): string {
  if (!URL.canParse(location, from)) throw new RefusedRedirect('a redirect to what is no URL')
  const url = new URL(location, from)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new RefusedRedirect(`a redirect to ${url.protocol}`)
  if (refuseInsecure && url.protocol === 'http:' && new URL(from).protocol === 'https:')
    throw new RefusedRedirect('a redirect from https: to http:')
  // The platform's fetch takes no names and passwords in a URL.
  if (url.username !== '' || url.password !== '') throw new RefusedRedirect('a redirect to a URL with credentials')
  url.hash = ''
  return url.href
}

/** The next request: without its body where the status says so, and without what says who asks at another origin. */
function redirected(init: RequestInit, status: number, isElsewhere: boolean): RequestInit {
  const { method = 'GET' } = init
  const becomesGet = status === 303 ? method !== 'GET' && method !== 'HEAD' : status < 303 && method === 'POST'
  if (!becomesGet && init.body instanceof ReadableStream) throw new RefusedRedirect('a redirect of a body that cannot be sent again')
  const { body, headers: given, ...rest } = init
  const headers = new Headers(given)
  if (becomesGet) for (const name of OF_A_BODY) headers.delete(name)
  if (isElsewhere) for (const name of [...headers.keys()]) if (!FOR_EVERYBODY.has(name)) headers.delete(name)
  const isSame = !becomesGet && body !== undefined && body !== null
  return { ...rest, headers, method: becomesGet ? 'GET' : method, ...(isSame && { body }) }
}

/** Moved for good, without a word of when to look again. */
function isLasting({ status, headers }: BareResponse): boolean {
  if (status !== 301 && status !== 308) return false
  const said = parseCacheControl(headers.get('cache-control') ?? '')
  return !said.noStore && said.noCache === false && said.maxAge === undefined && !headers.has('expires') && !headers.has('set-cookie')
}
