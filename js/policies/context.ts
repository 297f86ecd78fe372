/** One call on its way through its policies, and who is told when it ends early. */

import type { Abortable } from '../abort-watch.ts'
import type { Driver } from '../core/driver.ts'
import type { CallContext } from './types.ts'

/**
 * See the top of this file. An `AbortController` costs more than all that policies do, so there is none before somebody reads `signal`; policies
 * that wait are told by {@link Context.watch}.
 */
export class Context implements CallContext, Abortable {
  readonly attempt: number
  readonly key: string
  readonly priority: number
  /** When everything has to be done, on the driver's timeline. */
  readonly endsAt: number
  /** Whether it may end early, so that whoever waits has to watch it. */
  readonly canEnd: boolean
  readonly driver: Driver
  readonly #parent: Context | undefined
  /** Mostly there is one; in a list, so that whoever leaves while others are told disturbs nobody. */
  #watching: Abortable | Abortable[] | undefined
  /** Whether the call that it is a part of tells it. */
  #isAttached = false
  #ended: { readonly reason: unknown } | undefined
  #controller: AbortController | undefined

  constructor(
    driver: Driver,
    options: { attempt?: number; key?: string; priority?: number; endsAt?: number; canEnd?: boolean },
    parent?: Context,
  ) {
    this.driver = driver
    this.attempt = options.attempt ?? parent?.attempt ?? 1
    this.key = options.key ?? parent?.key ?? ''
    this.priority = options.priority ?? parent?.priority ?? 0
    this.endsAt = Math.min(options.endsAt ?? Number.POSITIVE_INFINITY, parent?.endsAt ?? Number.POSITIVE_INFINITY)
    this.canEnd = options.canEnd === true || parent?.canEnd === true
    this.#parent = parent
  }

  get deadline(): number {
    const { clock } = this.driver
    return this.endsAt === Number.POSITIVE_INFINITY ? this.endsAt : clock.wall() + this.endsAt - this.driver.now()
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    const { ended } = this
    if (ended === undefined) this.#attach()
    else this.#controller.abort(ended.reason)
    return this.#controller.signal
  }

  /** Why it has ended early, if it has. */
  get ended(): { readonly reason: unknown } | undefined {
    return this.#ended ?? this.#parent?.ended
  }

  /** The same call, with something that is another. */
  child(options: { attempt?: number; endsAt?: number; canEnd?: boolean }): Context {
    return new Context(this.driver, options, this)
  }

  /** Tells `watcher` when it ends early. It must not have ended. */
  watch(watcher: Abortable): void {
    const watching = this.#watching
    if (watching === undefined) this.#watching = watcher
    else this.#watching = Array.isArray(watching) ? [...watching, watcher] : [watching, watcher]
    this.#attach()
  }

  /** Tells `watcher` no more. */
  unwatch(watcher: Abortable): void {
    const watching = this.#watching
    if (watching === watcher) this.#watching = undefined
    else if (Array.isArray(watching)) {
      const others = watching.filter(other => other !== watcher)
      this.#watching = others.length === 0 ? undefined : others
    }
    if (this.#watching === undefined && this.#controller === undefined) this.#detach()
  }

  /** Ends it early. */
  aborted(reason: unknown): void {
    if (this.#ended !== undefined) return
    this.#ended = { reason }
    const watching = this.#watching
    this.#watching = undefined
    this.#controller?.abort(reason)
    if (Array.isArray(watching)) for (const watcher of watching) watcher.aborted(reason)
    else watching?.aborted(reason)
  }

  /** The function is over: nobody above needs to know of it, unless another is called. */
  leave(): void {
    this.#watching = undefined
    this.#detach()
  }

  #attach(): void {
    if (this.#isAttached || this.#parent?.canEnd !== true) return
    this.#isAttached = true
    this.#parent.watch(this)
  }

  #detach(): void {
    if (!this.#isAttached) return
    this.#isAttached = false
    this.#parent?.unwatch(this)
  }
}
