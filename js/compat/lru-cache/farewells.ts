/** Tells of entries that leave: `dispose` before they have left, `disposeAfter` when the cache is whole again. */

import type { DisposeReason, Disposer } from './types.ts'

/** See the top of this file. */
export class Farewells<K, V> {
  readonly dispose: Disposer<K, V> | undefined
  readonly disposeAfter: Disposer<K, V> | undefined
  readonly #waiting: { value: V; key: K; reason: DisposeReason }[] = []

  constructor(dispose: Disposer<K, V> | undefined, disposeAfter: Disposer<K, V> | undefined) {
    this.dispose = typeof dispose === 'function' ? dispose : undefined
    this.disposeAfter = typeof disposeAfter === 'function' ? disposeAfter : undefined
  }

  /** Whether anybody wants to know. */
  get wanted(): boolean {
    return this.dispose !== undefined || this.disposeAfter !== undefined
  }

  /** An entry is about to leave. */
  tell(value: V, key: K, reason: DisposeReason): void {
    this.dispose?.(value, key, reason)
    if (this.disposeAfter !== undefined) this.#waiting.push({ value, key, reason })
  }

  /** Everything that was to leave has left. */
  flush(): void {
    for (let left = this.#waiting.shift(); left !== undefined; left = this.#waiting.shift()) {
      this.disposeAfter?.(left.value, left.key, left.reason)
    }
  }
}
