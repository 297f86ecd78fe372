/** From Node's `http` to handlers of standard requests, and back. */

import type { IncomingMessage, ServerResponse } from 'node:http'

/** A handler of standard requests. */
export type WebHandler = (request: Request, info: { readonly remoteAddress?: string | undefined }) => Promise<Response>

/**
 * Makes a listener for `http.createServer`, Express (`app.use('/admin', toNodeListener(admin))`, before anything that reads bodies) and Connect.
 * What is sent waits for the socket, so a slow reader costs no memory.
 */
export function toNodeListener(handler: WebHandler): (request: IncomingMessage, response: ServerResponse) => void {
  return (incoming, outgoing) => {
    void answer(handler, incoming, outgoing).catch(() => outgoing.destroy())
  }
}

async function answer(handler: WebHandler, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const gone = new AbortController()
  outgoing.on('close', () => gone.abort())
  outgoing.on('error', () => gone.abort())
  const request = requestOf(incoming, gone.signal)
  if (request === undefined) return void outgoing.writeHead(400).end()
  const response = await handler(request, { remoteAddress: incoming.socket.remoteAddress })
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  const reader = response.body?.getReader()
  if (reader === undefined || incoming.method === 'HEAD') return void outgoing.end()
  gone.signal.addEventListener('abort', () => void reader.cancel().catch(() => {}), { once: true })
  // One that reads nothing is broken off by the handler, while this waits for the socket.
  reader.closed.catch(() => outgoing.destroy())
  outgoing.flushHeaders()
  for (;;) {
    const { value, done } = await reader.read()
    if (done || outgoing.destroyed) break
    if (!outgoing.write(value)) await drained(outgoing, gone.signal)
  }
  outgoing.end()
}

/** `undefined` where there is no such URL. */
function requestOf(incoming: IncomingMessage & { originalUrl?: string }, signal: AbortSignal): Request | undefined {
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

function streamOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
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

function drained(outgoing: ServerResponse, signal: AbortSignal): Promise<void> {
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
