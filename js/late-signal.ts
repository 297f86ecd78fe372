/** A signal for those who ask for one. Most never do, and an AbortController costs more than many a call. */

/** See the top of this file. */
export class LateSignal {
  #controller: AbortController | undefined
  #aborted: { readonly reason: unknown } | undefined

  /** Made when it is first asked for. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted.reason)
    }
    return this.#controller.signal
  }

  /** Whether it is aborted. */
  get aborted(): boolean {
    return this.#aborted !== undefined
  }

  /** Aborts it, now or when it is made. Only the first reason counts. */
  abort(reason: unknown): void {
    this.#aborted ??= { reason }
    this.#controller?.abort(reason)
  }
}
