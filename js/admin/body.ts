/** The JSON that a request carries, and no more of it than is good. */

import { Refusal } from './answers.ts'

const LONGEST_BODY = 65_536

/** An object, empty where there is no body. */
export async function bodyOf(request: Request): Promise<Readonly<Record<string, unknown>>> {
  const bytes = await limited(request)
  if (bytes.length === 0) return {}
  // Forms of other pages cannot say so without asking first.
  if (!/^application\/json\s*(;|$)/i.test(request.headers.get('content-type') ?? ''))
    throw new Refusal('ERR_BAD_REQUEST', 'the body has to be application/json')
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new Refusal('ERR_BAD_REQUEST', 'the body is not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Refusal('ERR_BAD_REQUEST', 'the body has to be an object')
  return value as Record<string, unknown>
}

async function limited(request: Request): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  const reader = request.body?.getReader()
  for (;;) {
    const { value, done } = (await reader?.read()) ?? { done: true }
    if (done) break
    length += value.length
    if (length > LONGEST_BODY) {
      void reader?.cancel().catch(() => {})
      throw new Refusal('ERR_TOO_LARGE', `the body is longer than ${LONGEST_BODY} bytes`)
    }
    parts.push(value)
  }
  const all = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
