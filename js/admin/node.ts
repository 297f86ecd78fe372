/** From Node's `http` to handlers of standard requests, and back. */

/** A handler of standard requests. */
export type WebHandler = (request: Request, info: { readonly remoteAddress?: string | undefined }) => Promise<Response>

/** What is read of Node's `IncomingMessage`. */
export interface NodeRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  /** What Express had before it cut off where it is mounted. */
  readonly originalUrl?: string | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly socket: { readonly remoteAddress?: string | undefined }
  resume(): unknown
  [Symbol.asyncIterator](): AsyncIterator<unknown>
}

/** What is used of Node's `ServerResponse`. */
export interface NodeResponse {
  readonly destroyed: boolean
  writeHead(status: number, headers?: Record<string, string>): { end(): unknown }
  flushHeaders(): void
  write(part: unknown): boolean
  end(): unknown
  destroy(): unknown
  on(event: string, listener: () => void): unknown
  off(event: string, listener: () => void): unknown
}

/**
 * Makes a listener for `http.createServer`, Express (`app.use('/admin', toNodeListener(admin))`, before anything that reads bodies) and Connect.
 * What is sent waits for the socket, so a slow reader costs no memory.
 */
export function toNodeListener(handler: WebHandler): (request: NodeRequest, response: NodeResponse) => void {
  return (incoming, outgoing) => {
    void answer(handler, incoming, outgoing).catch(() => outgoing.destroy())
  }
}

async function answer(handler: WebHandler, incoming: NodeRequest, outgoing: NodeResponse): Promise<void> {
  const gone = new AbortController()
  outgoing.on('close', () => gone.abort())
  outgoing.on('error', () => gone.abort())
  const request = requestOf(incoming, gone.signal)
  if (request === undefined) return void outgoing.writeHead(400).end()
  const response = await handler(request, { remoteAddress: incoming.socket.remoteAddress })
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  const reader = response.body?.getReader()
  if (reader === undefined || incoming.method === 'HEAD') return void outgoing.end()
  const leave = () => void reader.cancel().catch(() => {})
  // Whoever has left while the answer was made is not heard of again.
  if (gone.signal.aborted) return leave()
  gone.signal.addEventListener('abort', leave, { once: true })
  // One that reads nothing is broken off by the handler, while this waits for the socket.
  reader.closed.catch(() => outgoing.destroy())
  outgoing.flushHeaders()
  for (;;) {
    const { value, done } = await reader.read()
    if (done) break
    if (outgoing.destroyed) return leave()
    if (!outgoing.write(value)) await drained(outgoing, gone.signal)
  }
  outgoing.end()
}

/** `undefined` where there is no such URL. */
function requestOf(incoming: NodeRequest, signal: AbortSignal): Request | undefined {
  const { method = 'GET', headers, originalUrl, url = '/' } = incoming
  const isSecure = (incoming.socket as { encrypted?: boolean }).encrypted === true
  const base = `${isSecure ? 'https' : 'http'}://${headers.host ?? headers[':authority'] ?? ''}`
  const path = originalUrl ?? url
  if (!path.startsWith('/') || !URL.canParse(base + path)) return undefined
  const given = new Headers()
  for (const [name, value] of Object.entries(headers)) if (value !== undefined && !name.startsWith(':')) given.append(name, String(value))
  const hasBody = method !== 'GET' && method !== 'HEAD'
  try {
    return new Request(base + path, { method, headers: given, signal, ...(hasBody ? { body: streamOf(incoming), duplex: 'half' } : {}) })
  } catch {
    // A URL with a name and a password, or a method that nobody may use.
    return undefined
  }
}

function streamOf(incoming: NodeRequest): ReadableStream<Uint8Array> {
  const parts = incoming[Symbol.asyncIterator]()
  return new ReadableStream(
    {
      async pull(controller) {
        const { value, done } = await parts.next()
        if (done) controller.close()
        else controller.enqueue(value as Uint8Array)
      },
      cancel() {
        // Whoever sends too much is answered all the same.
        incoming.resume()
      },
    },
    { highWaterMark: 0 },
  )
}

function drained(outgoing: NodeResponse, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      outgoing.off('drain', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    outgoing.on('drain', done)
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
  })
}
