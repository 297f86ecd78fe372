/** A request of the platform's shape as undici sends it. */

import type { UndiciRequest } from './undici-types.ts'

/** What is decoded here is asked for. */
const ACCEPTED = 'gzip, deflate, br'

/** The request to `url`, which must be absolute. What is not text has to be read first. */
export function outgoing(url: string, init: RequestInit): { origin: string; request: UndiciRequest | Promise<UndiciRequest> } {
  const at = url.indexOf('/', url.indexOf('://') + 3)
  const { method = 'GET', headers: given, body } = init
  // Its bytes are seen here only once they are decoded.
  if (init.integrity) throw new TypeError('undiciTransport does not check the integrity of bodies')
  const headers: Record<string, string> = { accept: '*/*', 'user-agent': 'node', 'accept-encoding': ACCEPTED }
  if (given !== undefined) {
    const own = given instanceof Headers ? given : new Headers(given)
    own.forEach((value, name) => {
      headers[name] = value
    })
  }
  // A range of what is coded is no range of what it codes.
  if (headers.range !== undefined && headers['accept-encoding'] === ACCEPTED) headers['accept-encoding'] = 'identity'
  const path = url.slice(at)
  const origin = url.slice(0, at)
  if (body === undefined || body === null) return { origin, request: { method, path, headers, body: null } }
  if (body instanceof ReadableStream || (typeof body === 'object' && Symbol.asyncIterator in body))
    return { origin, request: { method, path, headers, body } }
  return { origin, request: read(body).then(({ type, bytes }) => withBody({ method, path, headers, body: bytes }, type)) }
}

/** As the platform makes bytes of texts, forms and blobs. */
async function read(body: NonNullable<RequestInit['body']>): Promise<{ type: string | null; bytes: Uint8Array }> {
  const made = new Response(body)
  return { type: made.headers.get('content-type'), bytes: new Uint8Array(await made.arrayBuffer()) }
}

function withBody(request: UndiciRequest, type: string | null): UndiciRequest {
  if (type !== null) request.headers['content-type'] ??= type
  return request
}
