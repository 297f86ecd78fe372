/** That the browser closes a connection, for all who wait for something on it. It outlives them: who has an answer does not stay. */
export class Death {
  #cause: { readonly reason: unknown } | undefined
  readonly #waiting = new Set<(reason: unknown) => void>()

  /** It is closed, for this reason. Later ones count for nothing. */
  come(reason: unknown): void {
    if (this.#cause !== undefined) return
    this.#cause = { reason }
    for (const reject of this.#waiting) reject(reason)
    this.#waiting.clear()
  }

  /** What `work` comes to; rejects when the connection is closed before. */
  before<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#cause !== undefined) reject(this.#cause.reason)
      this.#waiting.add(reject)
      work.then(
        result => {
          this.#waiting.delete(reject)
          resolve(result)
        },
        error => {
          this.#waiting.delete(reject)
          reject(error)
        },
      )
    })
  }
}
