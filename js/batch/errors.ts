/** The errors of batches. */

import { isShelflifeError, ShelflifeError } from '../errors.ts'

/** The run was aborted before the item was finished. */
export class BatchAbortedError extends ShelflifeError {
  override readonly name: string = 'BatchAbortedError'
  /** Whether the handler had been given the item, so that it may have been processed all the same. */
  readonly started: boolean

  constructor(started: boolean, reason: unknown) {
    super('ERR_ABORTED', started ? 'the run was aborted while the item was in progress' : 'the run was aborted before the item', {
      cause: reason,
    })
    this.started = started
  }
}

/** The handler did not return one result for each item, so nobody can say which result belongs to which item. */
export class BatchResultError extends ShelflifeError {
  override readonly name: string = 'BatchResultError'
  constructor(expected: number, received: unknown) {
    const got = Array.isArray(received) ? `${received.length} results` : 'no array'
    super('ERR_BATCH_RESULT', `the handler must return an array of ${expected} results, in the order of the items; it returned ${got}`)
  }
}

/** What a function of the caller threw, with a code. An error of shelflife is passed on as it is. */
export function thrownBy(what: string, cause: unknown): ShelflifeError {
  if (isShelflifeError(cause)) return cause
  return new ShelflifeError('ERR_HANDLER', `${what} threw: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
}
