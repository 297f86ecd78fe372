/** The clients that are told of, and what has been heard of each. */

import type { MonitorPoint, MonitorSnapshot } from 'shelflife'
import type { Client } from './view.ts'

const MOST_POINTS = 900

/** See the top of this file. */
export class Clients {
  readonly #clients = new Map<string, { snapshot: MonitorSnapshot; points: MonitorPoint[] }>()

  /** Takes the snapshots of all that there are; who is not among them is gone. `history` is of the first. */
  take(snapshots: readonly MonitorSnapshot[], history: readonly MonitorPoint[] = []): void {
    for (const id of this.#clients.keys()) if (!snapshots.some(snapshot => snapshot.id === id)) this.#clients.delete(id)
    for (const [at, snapshot] of snapshots.entries()) {
      const client = this.#clients.get(snapshot.id) ?? { snapshot, points: [] }
      client.snapshot = snapshot
      if (at === 0 && history.length > client.points.length) client.points = [...history]
      const { point } = snapshot
      if (point !== null && point.at > (client.points.at(-1)?.at ?? 0)) client.points.push(point)
      if (client.points.length > MOST_POINTS) client.points.shift()
      this.#clients.set(snapshot.id, client)
    }
  }

  get all(): readonly Client[] {
    return [...this.#clients.values()]
  }

  find(id: string): Client | undefined {
    return this.#clients.get(id)
  }
}
