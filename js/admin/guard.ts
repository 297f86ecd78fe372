/** Who may ask: from this machine, by a name of this machine, from a page of this handler, with the token. */

import { Refusal } from './answers.ts'

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']
const LONGEST_URL = 2048
const LONGEST_HEADER = 1024

/** What a guard goes by. */
export interface GuardRules {
  readonly token: string
  readonly hosts: readonly string[]
  readonly allowRemote: boolean
}

/** See the top of this file. */
export class Guard {
  readonly #rules: GuardRules
  readonly #hosts: ReadonlySet<string>

  constructor(rules: GuardRules) {
    this.#rules = rules
    this.#hosts = new Set([...LOOPBACK, ...rules.hosts.map(host => host.toLowerCase())])
  }

  /** Of every request, of the page too. A name that somebody else resolves to this machine must not let his page in. */
  place(request: Request, remoteAddress: string | undefined): URL {
    if (!this.#rules.allowRemote && remoteAddress !== undefined && !isLoopback(remoteAddress))
      throw new Refusal('ERR_FORBIDDEN_ADDRESS', 'this handler answers to its own machine only')
    if (request.url.length > LONGEST_URL) throw new Refusal('ERR_TOO_LARGE', 'the URL is too long')
    const url = new URL(request.url)
    const named = request.headers.get('host')
    if (!this.#knows(url.host) || (named !== null && !this.#knows(named)))
      throw new Refusal('ERR_FORBIDDEN_HOST', 'this handler does not answer under that name')
    return url
  }

  /** Of everything that tells or changes something. */
  caller(request: Request, url: URL): void {
    const origin = request.headers.get('origin')
    const site = request.headers.get('sec-fetch-site')
    if (origin !== null && !this.#isOwn(origin, url, request.headers.get('host')))
      throw new Refusal('ERR_FORBIDDEN_ORIGIN', 'not from another page')
    if (site !== null && site !== 'same-origin' && site !== 'none') throw new Refusal('ERR_FORBIDDEN_ORIGIN', 'not from another site')
    const [scheme = '', given = ''] = (request.headers.get('authorization') ?? '').slice(0, LONGEST_HEADER).split(' ')
    if (scheme.toLowerCase() !== 'bearer' || !isEqual(given, this.#rules.token))
      throw new Refusal('ERR_UNAUTHORIZED', 'the token is missing or wrong', { 'www-authenticate': 'Bearer' })
  }

  #knows(host: string): boolean {
    const parsed = parse(`http://${host}/`)
    // Nothing but a name and a port.
    return (
      parsed !== undefined && parsed.pathname === '/' && parsed.username === '' && host.indexOf('@') < 0 && this.#hosts.has(parsed.hostname)
    )
  }

  /** Another port of this machine is another origin. */
  #isOwn(origin: string, url: URL, host: string | null): boolean {
    const parsed = parse(origin)
    return (
      parsed !== undefined && parsed.origin === origin && (parsed.host === url.host || parsed.host === host) && this.#knows(parsed.host)
    )
  }
}

/** Takes as long whatever of `given` is right; only its length shows. */
function isEqual(given: string, token: string): boolean {
  let differs = given.length ^ token.length
  for (let at = 0; at < token.length; at += 1) differs |= token.charCodeAt(at) ^ (given.charCodeAt(at % Math.max(1, given.length)) || 0)
  return differs === 0
}

/** Whether an address is of this machine, in either version, or one in the clothes of the other. */
function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/i.test(address)
}

function parse(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined
}
