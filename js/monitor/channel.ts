/** Monitors of one origin tell each other what they see: over a BroadcastChannel, the newest snapshot of each. */

import type { MonitorSnapshot } from './types.ts'

/** Of more than these, the ones that were heard of first are forgotten. */
const MOST_OTHERS = 32
/** After so many intervals of silence one is taken for gone. */
const SILENCE = 5

interface Heard {
  readonly snapshot: MonitorSnapshot
  readonly until: number
}

/** See the top of this file. */
export class Channel {
  readonly #channel: BroadcastChannel
  readonly #now: () => number
  readonly #others = new Map<string, Heard>()

  constructor(
    name: string,
    own: string,
    { now, onOther }: { now: () => number; onOther: ((snapshot: MonitorSnapshot) => void) | undefined },
  ) {
    this.#channel = new BroadcastChannel(`shelflife:monitor:${name}`)
    this.#now = now
    ;(this.#channel as { unref?(): void }).unref?.()
    if (onOther === undefined) return
    this.#channel.onmessage = ({ data }: { data: unknown }) => {
      if (isGone(data)) return void this.#others.delete(data.gone)
      if (!isSnapshot(data) || data.id === own) return
      this.#others.delete(data.id)
      this.#others.set(data.id, { snapshot: data, until: now() + SILENCE * Math.max(1000, data.interval) })
      for (const id of this.#others.keys()) {
        if (this.#others.size <= MOST_OTHERS) break
        this.#others.delete(id)
      }
      onOther(data)
    }
  }

  tell(snapshot: MonitorSnapshot): void {
    this.#channel.postMessage(snapshot)
  }

  others(): MonitorSnapshot[] {
    for (const [id, { until }] of this.#others) if (until < this.#now()) this.#others.delete(id)
    return Array.from(this.#others.values(), heard => heard.snapshot)
  }

  close(own: string): void {
    this.#channel.postMessage({ gone: own })
    this.#channel.close()
    this.#others.clear()
  }
}

function isSnapshot(data: unknown): data is MonitorSnapshot {
  const { version, id, name, interval, sources } = (data ?? {}) as Partial<Record<keyof MonitorSnapshot, unknown>>
  return version === 1 && typeof id === 'string' && typeof name === 'string' && typeof interval === 'number' && Array.isArray(sources)
}

function isGone(data: unknown): data is { gone: string } {
  return typeof (data as { gone?: unknown } | null)?.gone === 'string'
}
