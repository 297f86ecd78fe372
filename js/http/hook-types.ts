/** The public types of hooks. */

/**
 * Functions between a call and the wire. Each is given a `Request` without its body: it may change its headers, return another Request or a
 * Response, or throw, which is what the call then rejects with.
 *
 * ```ts
 * const fetch = createFetch({
 *   hooks: {
 *     beforeRequest: [({ request }) => request.headers.set('authorization', `Bearer ${token}`)],
 *     afterResponse: [
 *       async ({ request, response, resent }) => {
 *         if (response.status !== 401 || resent) return
 *         token = await refresh()
 *         request.headers.set('authorization', `Bearer ${token}`)
 *         return request   // is sent once more
 *       },
 *     ],
 *   },
 * })
 * ```
 */
export interface FetchHooks {
  /** Once for each call, before the cache is asked: what it sets is part of the request as if the caller had. A Response is the answer. */
  beforeRequest?: readonly ((context: { readonly request: Request }) => HookResult)[]
  /** Before each attempt after the first, in its slot and within its time. A Response is its answer. */
  beforeRetry?: readonly ((context: RetryContext) => HookResult)[]
  /**
   * For each answer that came over the wire and is not tried again, before it is kept or given to anybody. A Response takes its place; a
   * Request is sent, once.
   */
  afterResponse?: readonly ((context: ResponseContext) => HookResult)[]
}

/** What a hook may return, or promise. */
// biome-ignore lint/suspicious/noConfusingVoidType: hooks that return nothing are functions that return void
export type HookResult = Request | Response | undefined | void | Promise<Request | Response | undefined | void>

/** What `beforeRetry` is told. */
export interface RetryContext {
  readonly request: Request
  /** The attempt that begins; 2 is the first that is one. */
  readonly attempt: number
  /** Why: what the attempt before failed with, or its status. */
  readonly error: unknown
  readonly status: number | undefined
}

/** What `afterResponse` is told. */
export interface ResponseContext {
  readonly request: Request
  readonly response: Response
  /** Whether a hook has had the request sent once more; what is returned then is not sent. */
  readonly resent: boolean
}
