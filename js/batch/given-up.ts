/** What a handler of our own throws to say that another try is of no use. */

import type { ShelflifeError } from '../errors.ts'

/** See the top of this file: the items of this batch fail, or all that are not settled. */
export class GivenUp {
  readonly error: ShelflifeError
  readonly scope: 'batch' | 'run'

  constructor(error: ShelflifeError, scope: 'batch' | 'run') {
    this.error = error
    this.scope = scope
  }
}
