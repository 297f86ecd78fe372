/** Answers, and the refusals among them. */

import type { AdminErrorCode } from './types.ts'

/** What every answer has. Nothing of it is kept, framed, sniffed or named to others. */
export const HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'x-frame-options': 'DENY',
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
} as const

const STATUS: Readonly<Record<AdminErrorCode, number>> = {
  ERR_BAD_REQUEST: 400,
  ERR_UNAUTHORIZED: 401,
  ERR_FORBIDDEN_HOST: 421,
  ERR_FORBIDDEN_ORIGIN: 403,
  ERR_FORBIDDEN_ADDRESS: 403,
  ERR_READ_ONLY: 403,
  ERR_NOT_FOUND: 404,
  ERR_METHOD: 405,
  ERR_TOO_LARGE: 413,
  ERR_TOO_MANY_READERS: 503,
  ERR_HANDLER: 500,
  ERR_CLOSED: 503,
}

/** A request that is not granted. */
export class Refusal extends Error {
  readonly code: AdminErrorCode
  readonly headers: Readonly<Record<string, string>>

  constructor(code: AdminErrorCode, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.code = code
    this.headers = headers
  }
}

/** An answer of text. */
export function text(body: string, type: string, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(body, { status, headers: { ...HEADERS, 'content-type': type, ...headers } })
}

/** An answer of JSON; what has none is `null`. */
export function json(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return text(JSON.stringify(value) ?? 'null', 'application/json', status, headers)
}

/** The answer to a request that is not granted. */
export function refused({ code, message, headers }: Refusal): Response {
  return json({ error: { code, message } }, STATUS[code], headers)
}
