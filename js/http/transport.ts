/** What performs one request: its contract, and what one that sees more than an answer may tell. */

/**
 * What performs one request: the platform's `fetch`, or one with the same shape. One that sees more than an answer tells
 * `progress`, which is made for each attempt.
 */
export interface Transport {
  (url: string, init: RequestInit, progress: TransportProgress): Promise<Response>
  /** The same without a `Response` and a signal, which cost more than many a request: a client that has this asks it and nobody else. */
  readonly bare?: (url: string, init: RequestInit, progress: TransportProgress, hangup: BareHangup) => Promise<BareResponse>
  /** What it knows of its connections. */
  readonly stats?: () => TransportStats
}

/** What a transport may tell of an attempt. */
export interface TransportProgress {
  /** The connection stands, and the request goes out on it. */
  connected(): void
  /** So many more bytes of the body have come, as they are on the wire: what is decoded of them has a limit, see `maxCompressionRatio`. */
  encoded(bytes: number): void
}

/** In place of a signal: tells one listener that the request is broken off. */
export interface BareHangup {
  readonly aborted: boolean
  readonly reason: unknown
  onAbort: ((reason: unknown) => void) | undefined
  /** A signal of the platform that says the same; it is made when it is first read. */
  readonly signal: AbortSignal
}

/** As much of a `Response` as a client reads. */
export interface BareResponse extends Pick<Response, 'status' | 'statusText' | 'type' | 'url' | 'redirected' | 'body'> {
  readonly headers: Iterable<[string, string]> & Pick<Headers, 'get' | 'has'>
  /** All of the body, in place of `body`. `received` is told how many decoded bytes there are by now; what it throws ends the transfer. */
  readonly collect?: (received: (bytes: number) => void) => Promise<Uint8Array>
}

/** The connections of a transport, by host and port. */
export interface TransportStats {
  readonly hosts: Readonly<Record<string, ConnectionStats>>
}

/** Connections to one host and port, and what they do. */
export interface ConnectionStats {
  /** Connections that stand. */
  readonly connected: number
  /** Of these, the ones without a request. */
  readonly free: number
  /** Requests that have a connection which does not stand yet. */
  readonly pending: number
  /** Requests on their way. */
  readonly running: number
  /** Requests that wait for a connection. */
  readonly queued: number
}
