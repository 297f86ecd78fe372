/** Breaks an attempt off. An `AbortSignal` is made for transports that want one: it costs as much as much of a request. */

import type { BareHangup } from './transport.ts'

/** See the top of this file. */
export class Hangup implements BareHangup {
  onAbort: ((reason: unknown) => void) | undefined
  aborted = false
  reason: unknown
  #controller: AbortController | undefined

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.aborted) this.#controller.abort(this.reason)
    }
    return this.#controller.signal
  }

  abort(reason: unknown): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    this.#controller?.abort(reason)
    this.onAbort?.(reason)
  }
}
