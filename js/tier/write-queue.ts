/**
 * What has been written to a tier and is not yet in its medium. Reads look here first.
 *
 * The queue holds encoded values, so that its size is known exactly and nobody can change a value behind its back. A newer
 * write of a key takes the place of the older one, position included: whoever waits for the older one gets something newer stored.
 */

import type { Encoded } from '../codec.ts'
import type { Outgoing } from '../stores/directory.ts'

/** A write that waits. `bytes` undefined is a deletion. */
export interface Pending extends Outgoing {
  /** Its place in line, which the queue gives; places rise and are never used twice. */
  ticket: number
  durable: boolean
}

/** A write that has no place in line yet. */
export function writeOf(key: string, bytes: Encoded | undefined, expiresAt: number, writtenAt: number, durable: boolean): Pending {
  return { key, bytes, expiresAt, writtenAt, order: 0, ticket: 0, durable }
}

/** See the top of this file. */
export class WriteQueue {
  #waiting = new Map<string, Pending>()
  #leaving = new Map<string, Pending>()
  #bytes = 0
  /** Those of what is on its way. */
  #leavingBytes = 0
  #ticket = 0

  /** Queues a write and gives its place in line. */
  push(write: Pending): number {
    const old = this.#waiting.get(write.key)
    if (old === undefined) {
      this.#ticket += 1
      write.ticket = this.#ticket
    } else {
      takeOver(write, old)
      this.#bytes -= weigh(old)
    }
    this.#waiting.set(write.key, write)
    this.#bytes += weigh(write)
    return write.ticket
  }

  /** The newest write of `key` that is not in the medium yet. */
  get(key: string): Pending | undefined {
    return this.size === 0 ? undefined : (this.#waiting.get(key) ?? this.#leaving.get(key))
  }

  /** Whether a write of `key` is on its way to the medium at this moment. */
  isLeaving(key: string): boolean {
    return this.#leaving.has(key)
  }

  /** Takes back a write that waits, for a key that the medium does not have. */
  drop(key: string): void {
    const old = this.#waiting.get(key)
    if (old === undefined) return
    this.#waiting.delete(key)
    this.#bytes -= weigh(old)
  }

  /** Gives up the oldest write that waits. */
  shed(): Pending | undefined {
    for (const [key, pending] of this.#waiting) {
      this.#waiting.delete(key)
      this.#bytes -= weigh(pending)
      return pending
    }
    return undefined
  }

  /** The writes to do next, up to `most` bytes; they stay visible until {@link done} or {@link giveBack}. */
  take(most: number): Pending[] {
    const batch: Pending[] = []
    let bytes = 0
    for (const pending of this.#waiting.values()) {
      const weight = weigh(pending)
      if (batch.length > 0 && bytes + weight > most) break
      bytes += weight
      batch.push(pending)
    }
    this.#leavingBytes += bytes
    if (batch.length === this.#waiting.size && this.#leaving.size === 0) {
      const none = this.#leaving
      this.#leaving = this.#waiting
      this.#waiting = none
      return batch
    }
    for (const pending of batch) {
      this.#waiting.delete(pending.key)
      this.#leaving.set(pending.key, pending)
    }
    return batch
  }

  /** What was taken is in the medium, or given up. */
  done(): void {
    this.#bytes -= this.#leavingBytes
    this.#leavingBytes = 0
    this.#leaving.clear()
  }

  /** What was taken is not in the medium and goes to the head of the line, except what has been written anew meanwhile. */
  giveBack(): void {
    const line = this.#leaving
    for (const [key, pending] of this.#waiting) {
      const old = line.get(key)
      if (old !== undefined) {
        takeOver(pending, old)
        this.#bytes -= weigh(old)
      }
      line.set(key, pending)
    }
    this.#waiting = line
    this.#leaving = new Map()
    this.#leavingBytes = 0
  }

  /** Forgets all that waits; what is on its way is no longer seen either. Gives what was forgotten. */
  clear(): Pending[] {
    const forgotten = [...this.#leaving.values(), ...this.#waiting.values()]
    this.#waiting.clear()
    this.#leaving.clear()
    this.#leavingBytes = 0
    this.#bytes = 0
    return forgotten
  }

  /** The last place in line that was given out. */
  get ticket(): number {
    return this.#ticket
  }

  /** The first place in line that is not in the medium yet. */
  get oldest(): number {
    for (const { ticket } of this.#leaving.values()) return ticket
    for (const { ticket } of this.#waiting.values()) return ticket
    return this.#ticket + 1
  }

  /** Writes that wait or are on their way. */
  get size(): number {
    return this.#waiting.size + this.#leaving.size
  }

  /** Whether nothing waits to be taken. */
  get isEmpty(): boolean {
    return this.#waiting.size === 0
  }

  /** Bytes of keys and values. */
  get bytes(): number {
    return this.#bytes
  }
}

/** Whoever waits for `old` gets `write`. */
function takeOver(write: Pending, old: Pending): void {
  write.ticket = old.ticket
  write.durable ||= old.durable
}

function weigh(write: Outgoing): number {
  return write.key.length * 2 + (write.bytes?.length ?? 0) + 64
}
