/** What a page has and Node has not, or not in a way that tests can hold: documents that hide, channels, locks. */

import { vi } from 'vitest'

/** The part of a page that listens. Tabs are made and closed `within` theirs. */
export class FakePage {
  readonly document = Object.assign(new EventTarget(), { visibilityState: 'visible' })
  readonly window = new EventTarget()
  readonly #listeners: { readonly target: EventTarget; readonly type: string; readonly listener: unknown }[] = []

  constructor() {
    for (const target of [this.document, this.window]) {
      const { addEventListener, removeEventListener } = target
      target.addEventListener = (...args: Parameters<typeof addEventListener>) => {
        const [type, listener] = args
        if (this.#find(target, type, listener) < 0) this.#listeners.push({ target, type, listener })
        addEventListener.apply(target, args)
      }
      target.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
        const at = this.#find(target, args[0], args[1])
        if (at >= 0) this.#listeners.splice(at, 1)
        removeEventListener.apply(target, args)
      }
    }
  }

  /** Listeners that are set. */
  get listening(): number {
    return this.#listeners.length
  }

  within<T>(work: () => T): T {
    vi.stubGlobal('document', this.document)
    vi.stubGlobal('window', this.window)
    return work()
  }

  show(): void {
    this.document.visibilityState = 'visible'
    this.#tell(this.document, 'visibilitychange')
  }

  hide(): void {
    this.document.visibilityState = 'hidden'
    this.#tell(this.document, 'visibilitychange')
  }

  /** Thaws, and may be hidden still. */
  resume(): void {
    this.#tell(this.document, 'resume')
  }

  /** Goes into the back/forward cache, or for ever. */
  leave(): void {
    this.#tell(this.window, 'pagehide')
  }

  comeBack(): void {
    this.#tell(this.window, 'pageshow')
  }

  #find(target: EventTarget, type: string, listener: unknown): number {
    return this.#listeners.findIndex(one => one.target === target && one.type === type && one.listener === listener)
  }

  #tell(target: EventTarget, type: string): void {
    this.within(() => target.dispatchEvent(new Event(type)))
  }
}

/** Stands for `BroadcastChannel`. What is posted arrives in a microtask, or never when the channel was closed before. */
export class FakeChannel {
  static readonly open = new Set<FakeChannel>()
  readonly name: string
  onmessage: ((event: { data: unknown }) => void) | null = null

  constructor(name: string) {
    this.name = name
    FakeChannel.open.add(this)
  }

  postMessage(data: unknown): void {
    if (!FakeChannel.open.has(this)) throw new DOMException('the channel is closed', 'InvalidStateError')
    for (const other of FakeChannel.open) {
      if (other === this || other.name !== this.name) continue
      queueMicrotask(() => {
        if (FakeChannel.open.has(other)) other.onmessage?.({ data })
      })
    }
  }

  close(): void {
    FakeChannel.open.delete(this)
  }
}

/** Stands for `navigator.locks`, as far as tabs use it. */
export class FakeLocks {
  readonly #held = new Set<string>()
  readonly #waiting: { readonly name: string; readonly go: () => void }[] = []

  /** Names of the locks that somebody has. */
  get held(): string[] {
    return [...this.#held]
  }

  async request<T>(
    name: string,
    options: { readonly ifAvailable?: boolean; readonly signal?: AbortSignal },
    work: (lock: object | null) => T | Promise<T>,
  ): Promise<T> {
    if (this.#held.has(name)) {
      if (options.ifAvailable === true) return await work(null)
      await this.#turn(name, options.signal)
    }
    this.#held.add(name)
    try {
      return await work({ name })
    } finally {
      this.#held.delete(name)
      const next = this.#waiting.findIndex(one => one.name === name)
      if (next >= 0) this.#waiting.splice(next, 1)[0]?.go()
    }
  }

  #turn(name: string, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const one = { name, go: () => resolve() }
      this.#waiting.push(one)
      signal?.addEventListener('abort', () => {
        const at = this.#waiting.indexOf(one)
        if (at >= 0) this.#waiting.splice(at, 1)
        reject(signal.reason)
      })
    })
  }
}
