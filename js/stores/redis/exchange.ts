/** Tells Redis what this process has given up, and hears what others have. */

import { ShelflifeError } from '../../errors.ts'
import type { StoreContext } from '../tier.ts'
import type { Parts } from './parts.ts'

/** See the top of this file. One call at a time. */
export class Exchange {
  readonly #parts: Parts
  readonly #onChange: StoreContext['onChange']
  #running: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined

  constructor(parts: Parts, onChange: StoreContext['onChange']) {
    this.#parts = parts
    this.#onChange = onChange
  }

  /** What is owed at the call is told when it resolves. */
  run(): Promise<void> {
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = undefined
        this.#running = this.#inquire()
        return this.#running
      })
    return this.#next
  }

  async #inquire(): Promise<void> {
    const { ledger, line, count } = this.#parts
    await line.open()
    const { command, owed } = ledger.inquire()
    const [reply] = await line.call([command])
    const news = ledger.settle(reply, owed)
    if (news !== undefined) {
      for (const change of news) this.#onChange?.(change)
      return
    }
    count('format')
    throw new ShelflifeError('ERR_STORE', 'Redis gave an answer that is none')
  }
}
