/** Keys and URLs may be secrets: what is shown of them tells them apart, and little more. */

import type { MonitorSnapshot } from '../monitor/types.ts'

/** A few characters, and a hash with a secret of its own. */
export class Redaction {
  readonly #secret: number

  constructor(secret: number) {
    this.#secret = secret
  }

  /** What is shown of a key. */
  key(key: string): string {
    let hash = this.#secret
    for (let at = 0; at < key.length; at += 1) {
      hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
      hash ^= hash >>> 15
    }
    return `${key.slice(0, Math.min(4, key.length >> 2))}…${(hash >>> 0).toString(16).padStart(8, '0')}`
  }

  /** A snapshot without the keys in it. */
  snapshot(snapshot: MonitorSnapshot): MonitorSnapshot {
    return {
      ...snapshot,
      sources: snapshot.sources.map(({ hottest, keys, ...source }) => ({
        ...source,
        ...(hottest === undefined ? {} : { hottest: hottest.map(key => this.key(key)) }),
        ...(keys === undefined ? {} : { keys: keys.map(circuit => ({ ...circuit, key: this.key(circuit.key) })) }),
      })),
      ...this.#lists(snapshot),
    }
  }

  /** What a host's own report says, without the keys in it, where they stand as those of an advisor and of a snapshot do. */
  report(report: unknown): unknown {
    return typeof report === 'object' && report !== null ? { ...report, ...this.#lists(report) } : report
  }

  #lists({ slow, recommendations }: Partial<Pick<MonitorSnapshot, 'slow' | 'recommendations'>>) {
    return {
      ...(Array.isArray(slow) && {
        slow: slow.map(({ detail, ...one }) => (detail === undefined ? one : { ...one, detail: this.key(`${detail}`) })),
      }),
      ...(Array.isArray(recommendations) && {
        recommendations: recommendations.map(({ keys, ...one }) =>
          Array.isArray(keys) ? { ...one, keys: keys.map(key => this.key(`${key}`)) } : one,
        ),
      }),
    }
  }
}
