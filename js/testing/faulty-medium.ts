/** A medium that fails on demand, so that users can watch what their code does then. */

import { ShelflifeError } from '../errors.ts'
import type { Durability, ListedSegment, MediumCall, Peers, Segment, SegmentMedium } from '../stores/segment-medium.ts'
import type { SegmentStore } from '../stores/tier.ts'
import { segmentStore } from '../tier/segment-store.ts'

/** The calls that can fail. */
export type FaultyCall = 'open' | 'append' | 'list' | 'read' | 'remove' | 'clear'

/**
 * What happens to a call: nothing, an error before it takes effect, an error although it has taken effect, or
 * silence until it is told to stop, or for good.
 */
export type Fault = 'none' | 'fail' | 'quota' | 'fail-after' | 'hang' | 'hang-forever'

/** Decides the fate of the n-th call, counted from 1 over all kinds of calls. */
export type FaultPlan = (call: FaultyCall, n: number) => Fault

/** `store`, with faults. */
export function faultyStore(store: SegmentStore, plan: FaultPlan): SegmentStore {
  return segmentStore({
    name: `faulty ${store.name}`,
    maxSize: store.maxSize,
    openMedium: context => new FaultyMedium(store.openMedium(context), plan),
  })
}

/** See {@link faultyStore}. */
export class FaultyMedium implements SegmentMedium {
  readonly #inner: SegmentMedium
  readonly #plan: FaultPlan
  #calls = 0

  constructor(inner: SegmentMedium, plan: FaultPlan) {
    this.#inner = inner
    this.#plan = plan
  }

  get writable(): boolean {
    return this.#inner.writable
  }

  get overhead(): number {
    return this.#inner.overhead
  }

  get isOrdered(): boolean {
    return this.#inner.isOrdered === true
  }

  get peers(): Peers | undefined {
    return this.#inner.peers
  }

  open(call: MediumCall): Promise<void> {
    return this.#perhaps('open', call, () => this.#inner.open(call))
  }

  append(segments: readonly Segment[], durability: Durability, call: MediumCall): Promise<number[]> {
    return this.#perhaps('append', call, () => this.#inner.append(segments, durability, call))
  }

  list(after: number, call: MediumCall): Promise<ListedSegment[]> {
    return this.#perhaps('list', call, () => this.#inner.list(after, call))
  }

  read(id: number, call: MediumCall): Promise<Uint8Array | undefined> {
    return this.#perhaps('read', call, () => this.#inner.read(id, call))
  }

  remove(ids: readonly number[], call: MediumCall): Promise<void> {
    return this.#perhaps('remove', call, () => this.#inner.remove(ids, call))
  }

  clear(call: MediumCall): Promise<void> {
    return this.#perhaps('clear', call, () => this.#inner.clear(call))
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  async #perhaps<T>(kind: FaultyCall, { signal }: MediumCall, act: () => Promise<T>): Promise<T> {
    this.#calls += 1
    switch (this.#plan(kind, this.#calls)) {
      case 'fail':
        throw new ShelflifeError('ERR_STORE', `a planned failure of ${kind}`)
      case 'quota':
        throw new ShelflifeError('ERR_QUOTA', `a planned lack of room for ${kind}`)
      case 'fail-after':
        await act()
        throw new ShelflifeError('ERR_STORE', `a planned failure after ${kind}`)
      case 'hang':
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
      case 'hang-forever':
        return new Promise(() => {})
      default:
        return act()
    }
  }
}
