/** What hooks make of an answer before it is kept or given to anybody. One of them may have the request sent once more, once. */

import type { Spent } from '../core/schedule-types.ts'
import { ask } from './hooks.ts'
import { type Source, type StoredResponse, toRecord, toResponse } from './record.ts'
import type { FetchHooks } from './types.ts'

/** What a review is about. */
export interface Reviewed {
  readonly record: StoredResponse
  readonly source: Source
  /** What the attempts until now have spent. */
  readonly spent: Spent
  /** The request as it went over the wire. */
  readonly request: Request
  /** By the wall clock. */
  readonly now: number
}

/** See the top of this file. */
export class Review {
  /** Whether hooks are at it. */
  isOn = false
  readonly #hooks: NonNullable<FetchHooks['afterResponse']>
  /** What was spent before a hook had the request sent once more. */
  #before: Spent | undefined

  constructor(hooks: NonNullable<FetchHooks['afterResponse']>) {
    this.#hooks = hooks
  }

  /** The answer as hooks leave it; the request, where it is to be sent once more; nothing where the exchange has ended meanwhile. */
  async of(
    { record, source, spent, request: before, now }: Reviewed,
    hasEnded: () => boolean,
  ): Promise<StoredResponse | Request | undefined> {
    const resent = this.#before !== undefined
    this.isOn = true
    try {
      let seen = toResponse(record, source, now)
      const given = seen
      for (const hook of this.#hooks) {
        const { request, response, isReturned } = await ask([hook], before, { response: seen, resent })
        if (hasEnded()) return undefined
        if (response !== undefined) seen = response
        else if (isReturned && !resent) {
          this.#before = spent
          return request
        }
      }
      return seen === given ? record : await toRecord(seen, record.url)
    } finally {
      this.isOn = false
    }
  }

  /** All that was spent, where `spent` was since the request was last sent. */
  total(spent: Spent): Spent {
    const { attempts = 0, queue = 0, rate = 0, running = 0, backoff = 0 } = this.#before ?? {}
    return {
      attempts: attempts + spent.attempts,
      queue: queue + spent.queue,
      rate: rate + spent.rate,
      running: running + spent.running,
      backoff: backoff + spent.backoff,
    }
  }
}
