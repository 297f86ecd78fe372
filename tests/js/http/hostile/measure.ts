/** How much memory a process takes, and how much time is not its own. */

import { readFileSync, writeFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** How much may wait to be collected, beyond the limit of what is read. */
const SLACK = 16 * 1024 ** 2

/** Bytes in memory, and in buffers. */
export interface Bytes {
  readonly resident: number
  readonly buffers: number
}

/** The most memory that the process has had since it was made, looked at often; where the kernel counts, by its count. */
export class Memory {
  readonly #base: Bytes
  readonly #most: number
  readonly #timer: NodeJS.Timeout
  #resident = 0
  #buffers = 0
  #collectAt: number

  /** Looks closely when there is more than `limit` bytes and some: what only waits to be collected is none of an origin's doing. */
  constructor(limit: number) {
    this.#base = collected()
    this.#most = limit + SLACK
    this.#collectAt = this.#base.resident + this.#most
    forgetHighWater()
    this.#timer = setInterval(() => this.#look(), 2)
  }

  /** What it was more than in the beginning. */
  end(): Bytes {
    clearInterval(this.#timer)
    this.#look()
    const { resident, buffers } = this.#base
    return { resident: Math.max(this.#resident, highWater()) - resident, buffers: this.#buffers - buffers }
  }

  #look(): void {
    let now = taken()
    if (now.resident > this.#collectAt || now.buffers > this.#base.buffers + this.#most) {
      now = collected()
      this.#collectAt = now.resident + this.#most
    }
    this.#resident = Math.max(this.#resident, now.resident)
    this.#buffers = Math.max(this.#buffers, now.buffers)
  }
}

/** What is in memory once all that nobody holds is gone. */
export function collected(): Bytes {
  collect()
  collect()
  return taken()
}

/** How long this process has been ready to run while others ran, in milliseconds; 0 where the kernel does not tell. */
export function waitedMs(): number {
  return Number(told('/proc/self/schedstat').split(' ')[1] ?? 0) / 1e6
}

function taken(): Bytes {
  const { rss, arrayBuffers } = process.memoryUsage()
  return { resident: rss, buffers: arrayBuffers }
}

function highWater(): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(told('/proc/self/status'))?.[1] ?? 0) * 1024
}

function forgetHighWater(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5')
  } catch {
    // Then there is what was seen.
  }
}

function told(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
