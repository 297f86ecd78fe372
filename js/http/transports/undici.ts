/** `shelflife/transports/undici`: requests by the package undici, for Node. Faster than the platform's fetch, and with connections that can be seen and limited. */

import { InvalidArgumentError } from '../../errors.ts'
import { type Duration, durationMs, durationOrZeroMs, optionsObject, wholeNumber } from '../../options.ts'
import type { BareHangup, BareResponse, Transport, TransportProgress, TransportStats } from '../transport.ts'
import { Answer } from './answer.ts'
import { DnsCache } from './dns-cache.ts'
import { outgoing } from './outgoing.ts'
import { Sockets } from './sockets.ts'
import type { Connect, Undici } from './undici-types.ts'

export type { BareResponse, ConnectionStats, Transport, TransportProgress, TransportStats } from '../transport.ts'

/** Options of {@link undiciTransport}. */
export interface UndiciTransportOptions {
  /** Connections to one host and port. Default: 64. What a client has on the wire at once is the client's `perHost`. */
  connectionsPerHost?: number
  /** Connections in all. Whoever has none is given the place of one that is not used. Default: 256. */
  connections?: number
  /** Speaks HTTP/2 with hosts that do, over one connection for each: a burst to a host nobody has asked yet opens one, too. Default: false. */
  allowH2?: boolean
  /** How long a connection is kept that nobody uses, unless its host says otherwise. Default: 4 s. */
  keepAlive?: Duration
  /** How long a connection may take until it stands. Default: 10 s. `Infinity`: as long as the attempt. */
  connectTimeout?: Duration
  /** How long the addresses of a host are remembered; 0: not at all. Default: 10 s. */
  dnsTtl?: Duration
  /** What `tls.connect` takes: `ca`, `cert`, `key`, `servername` and others. */
  tls?: object
}

/** A transport for `createFetch`. */
export interface UndiciTransport extends Transport {
  readonly bare: NonNullable<Transport['bare']>
  /** Connections by host and port, as they are now. */
  stats(): TransportStats
  /** Ends all connections, and what is on them. Clients do not close what was given to them. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Performs requests by `undici`, which has to be installed (7 or newer). Bodies in gzip, deflate and br are decoded here, so that the client sees
 * how many bytes came over the wire (`maxCompressionRatio`). Redirects are left to the client. What `RequestInit` says to browsers alone is not read;
 * `integrity` is refused.
 *
 * ```ts
 * const transport = undiciTransport({ connectionsPerHost: 16, allowH2: true })
 * const fetch = createFetch({ fetch: transport, perHost: 64 })
 * ```
 *
 * @throws InvalidArgumentError when an option cannot be meant.
 */
export function undiciTransport(options?: UndiciTransportOptions): UndiciTransport {
  const given: UndiciTransportOptions = optionsObject(options, 'options')
  const perHost = wholeNumber(given.connectionsPerHost ?? 64, 'connectionsPerHost')
  const total = wholeNumber(given.connections ?? 256, 'connections')
  const { allowH2 = false, tls = {} } = given
  if (typeof allowH2 !== 'boolean') throw new InvalidArgumentError('allowH2', 'true or false', allowH2)
  if (typeof tls !== 'object' || tls === null) throw new InvalidArgumentError('tls', 'an object of options', tls)
  const connectTimeout = durationMs(given.connectTimeout ?? '10s', 'connectTimeout')
  const keepAliveMs = durationMs(given.keepAlive ?? '4s', 'keepAlive')
  const dnsTtl = durationOrZeroMs(given.dnsTtl ?? '10s', 'dnsTtl')
  const dns = dnsTtl === 0 ? undefined : new DnsCache(dnsTtl)
  const shared = { perHost, total, keepAliveMs, mayMultiplex: (origin: string) => allowH2 && origin.startsWith('https:') }
  const timeout = connectTimeout === Number.POSITIVE_INFINITY ? 0 : connectTimeout

  const open = ({ Client, buildConnector }: Undici): Sockets => {
    const connect = buildConnector({ ...tls, allowH2, timeout, ...(dns !== undefined && { lookup: dns.lookup }) })
    return new Sockets({
      ...shared,
      open: (origin, onProtocol) =>
        new Client(origin, {
          connect: connector(connect, origin, onProtocol, dns),
          allowH2,
          keepAliveTimeout: keepAliveMs,
          keepAliveMaxTimeout: Math.max(keepAliveMs, 600_000),
          // The client has deadlines of its own.
          headersTimeout: 0,
          bodyTimeout: 0,
        }),
    })
  }
  return transportOver(open)
}

/** `connect`, seen from the pool. */
function connector(connect: Connect, origin: string, onProtocol: (multiplexes: boolean) => void, dns: DnsCache | undefined): Connect {
  return (options, callback) =>
    connect(options, (error, socket) => {
      if (error === null) onProtocol(socket.alpnProtocol === 'h2')
      else dns?.forget(new URL(origin).hostname)
      callback(error, socket)
    })
}

function transportOver(open: (undici: Undici) => Sockets): UndiciTransport {
  let sockets: Sockets | undefined
  let opening: Promise<Sockets> | undefined
  let isClosed = false
  const ready = async () => {
    opening ??= import('undici' as string).then(
      (undici: Undici) => {
        sockets = open(undici)
        return sockets
      },
      cause => {
        throw new Error('the package undici (7 or newer), which has to be installed, cannot be loaded', { cause })
      },
    )
    return opening
  }
  const send = (pool: Sockets, url: string, init: RequestInit, progress: TransportProgress | undefined, hangup: BareHangup) => {
    if (isClosed) throw new Error('the transport is closed')
    if (hangup.aborted) throw hangup.reason
    const { origin, request } = outgoing(url, init)
    const answer = new Answer(url, progress, hangup)
    if (!(request instanceof Promise)) pool.send(origin, request, answer)
    else
      request.then(
        read => answer.isOver || pool.send(origin, read, answer),
        error => answer.abort(error),
      )
    return answer.head
  }
  const bare = async (url: string, init: RequestInit, progress: TransportProgress | undefined, hangup: BareHangup) =>
    send(sockets ?? (await ready()), url, init, progress, hangup)
  const close = async () => {
    isClosed = true
    await sockets?.close()
  }
  const call = async (url: string, init: RequestInit = {}, progress?: TransportProgress) =>
    standard(await bare(new URL(url).href, init, progress, hangupOf(init.signal)))
  return Object.assign(call, { bare, close, stats: () => ({ hosts: sockets?.stats() ?? {} }), [Symbol.asyncDispose]: close })
}

/** A signal heard as long as somebody wants to know of it. */
function hangupOf(signal: AbortSignal | null | undefined): BareHangup {
  let listener: ((reason: unknown) => void) | undefined
  const heard = () => listener?.(signal?.reason)
  return {
    get signal() {
      return signal ?? new AbortController().signal
    },
    get aborted() {
      return signal?.aborted ?? false
    },
    get reason() {
      return signal?.reason
    },
    get onAbort() {
      return listener
    },
    set onAbort(next) {
      if (listener === undefined && next !== undefined) signal?.addEventListener('abort', heard)
      if (next === undefined) signal?.removeEventListener('abort', heard)
      listener = next
    },
  }
}

/** The platform's own constructor takes no higher status, and no URL. */
const HIGHEST_STATUS = 599

function standard(bare: BareResponse): Response {
  const { status, statusText, headers, body, url } = bare
  const response = new Response(body, { status: Math.min(status, HIGHEST_STATUS), statusText, headers: [...headers] })
  if (status > HIGHEST_STATUS) Object.defineProperty(response, 'status', { value: status, enumerable: true })
  return Object.defineProperty(response, 'url', { value: url, enumerable: true })
}
