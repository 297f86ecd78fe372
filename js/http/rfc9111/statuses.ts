/** What a status means to a cache. */

const BY_DEFAULT = new Set([200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501])

/** Others whose rules of caching are followed here, which is what `must-understand` asks for. */
const ALSO_UNDERSTOOD = new Set([302, 303, 307, 400, 401, 403, 406, 407, 409, 411, 412, 413, 415, 422, 429, 451, 500, 502, 503, 504])

/** Whether it may be kept without a word about its freshness (RFC 9110, section 15.1; 206 never is kept here). */
export function isCacheableByDefault(status: number): boolean {
  return BY_DEFAULT.has(status)
}

/** Whether the rules of caching that it has are followed here. */
export function isUnderstood(status: number): boolean {
  return BY_DEFAULT.has(status) || ALSO_UNDERSTOOD.has(status)
}

/** Whether `stale-if-error` takes it for a failure (RFC 5861, section 4). */
export function isServerFailure(status: number): boolean {
  return status === 500 || (status >= 502 && status <= 504)
}
