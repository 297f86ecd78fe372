/** What users do between a call and the wire: change a request, answer it themselves, send it once more. */

import { InvalidArgumentError } from '../errors.ts'
import { optionsObject } from '../options.ts'
import type { AttemptRequest } from './attempt.ts'
import type { FetchHooks } from './types.ts'

/** All hooks, checked. */
export type Hooks = { readonly [Name in keyof FetchHooks]-?: NonNullable<FetchHooks[Name]> }

/** Checks and completes `given`. */
export function readHooks(given: FetchHooks | undefined): Hooks {
  const { beforeRequest = [], beforeRetry = [], afterResponse = [], ...others }: FetchHooks = optionsObject(given, 'hooks')
  // One of another name would never be called.
  for (const name of Object.keys(others))
    throw new InvalidArgumentError('hooks', 'made of beforeRequest, beforeRetry and afterResponse', name)
  for (const [name, list] of Object.entries({ beforeRequest, beforeRetry, afterResponse }))
    if (!Array.isArray(list) || !list.every(hook => typeof hook === 'function'))
      throw new InvalidArgumentError(`hooks.${name}`, 'an array of functions', list)
  return { beforeRequest: [...beforeRequest], beforeRetry: [...beforeRetry], afterResponse: [...afterResponse] }
}

/** A request as hooks see it. Its body stays behind: shown, it could be read once, and not be sent. */
export function shown({ url, method, init }: AttemptRequest): Request {
  const { headers, credentials, mode } = init
  return new Request(url, {
    method,
    ...(headers !== undefined && { headers }),
    ...(credentials !== undefined && { credentials }),
    ...(mode !== undefined && { mode }),
  })
}

/** What hooks made of a request. */
export interface Changed {
  readonly request: Request
  readonly response: Response | undefined
  /** One of them returned a request, be it the one that it was given. */
  readonly isReturned: boolean
}

/** Asks each hook in turn. Each sees what those before it have changed, and one that answers is the last. */
export async function ask<Context extends object>(
  hooks: readonly ((context: Context & { readonly request: Request }) => unknown)[],
  request: Request,
  context: Context,
): Promise<Changed> {
  let current = request
  let isReturned = false
  for (const hook of hooks) {
    const said = await hook({ ...context, request: current })
    if (said instanceof Response) return { request: current, response: said, isReturned }
    if (said instanceof Request) {
      current = said
      isReturned = true
    } else if (said !== undefined) throw new InvalidArgumentError('what a hook returns', 'a Request, a Response or nothing', said)
  }
  return { request: current, response: undefined, isReturned }
}

/** `before` as `request` has it now; the body is that of `before`, unless the hook brought one. */
export function rewired(before: AttemptRequest, request: Request): AttemptRequest {
  const { url, method, headers, body } = request
  const init: RequestInit & { duplex?: 'half' } = { ...before.init, headers }
  if (body !== null && body !== undefined) Object.assign(init, { body, duplex: 'half' })
  else if (method === 'GET' || method === 'HEAD') delete init.body
  return { url, method, init }
}

/** Whether `after` may have another answer than `before`, for reasons that the name of what is kept does not tell. */
export function differs(before: AttemptRequest, after: AttemptRequest, partitioned: boolean): boolean {
  if (before.url !== after.url || before.method !== after.method) return true
  const [old, now] = [new Headers(before.init.headers), new Headers(after.init.headers)]
  return !partitioned && [...now].some(([name, value]) => old.get(name) !== value)
}
