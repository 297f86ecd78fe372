/** What goes over the wire for a request: hooks may change it before each further attempt, and are told how the one before it ended. */

import type { AttemptRequest } from './attempt.ts'
import { ask, type Hooks, rewired, shown } from './hooks.ts'

/** See the top of this file. */
export class Wire {
  #request: AttemptRequest
  readonly #hooks: Hooks
  /** How the last attempt ended. */
  #last: { readonly error: unknown; readonly status: number | undefined } = { error: undefined, status: undefined }

  constructor(request: AttemptRequest, hooks: Hooks) {
    this.#request = request
    this.#hooks = hooks
  }

  /** The request, as hooks left it. */
  get request(): AttemptRequest {
    return this.#request
  }

  /** A hook has changed the request. */
  rewire(request: Request): void {
    this.#request = rewired(this.#request, request)
  }

  /** An attempt has ended, by an error or with an answer of this status. */
  ended(error: unknown, status: number | undefined): void {
    this.#last = { error, status }
  }

  /** Whether there are hooks that are to be asked before this attempt. */
  isAsked(attempt: number): boolean {
    return attempt > 1 && this.#hooks.beforeRetry.length > 0
  }

  /** Asks them. What they made of the request counts where the attempt `isWanted` by then. Resolves with the answer of one, where one answers. */
  async ask(attempt: number, isWanted: () => boolean): Promise<Response | undefined> {
    const { request, response } = await ask(this.#hooks.beforeRetry, shown(this.#request), { attempt, ...this.#last })
    if (isWanted()) this.rewire(request)
    return response
  }
}
