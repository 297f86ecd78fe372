/** What another attempt may mend, and the pause a server asks for. */

import type { StoredResponse } from './record.ts'

/** Whether the same body can be sent again. */
export function isRepeatable(body: unknown): boolean {
  if (body === undefined || body === null || typeof body === 'string') return true
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return true
  return body instanceof URLSearchParams || body instanceof Blob || body instanceof FormData
}

/** The pause that `Retry-After` asks for, in milliseconds from `wall`; `undefined` when it asks for none that can be meant. */
export function retryAfterMs({ headers }: Pick<StoredResponse, 'headers'>, wall: number): number | undefined {
  const value = headers.find(([name]) => name === 'retry-after')?.[1].trim()
  if (value === undefined) return undefined
  if (/^\d+$/.test(value)) return Number(value) * 1000
  // Date.parse takes "-1" for a year: a date has letters.
  const at = /[a-z]/i.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(at) ? undefined : Math.max(0, at - wall)
}
