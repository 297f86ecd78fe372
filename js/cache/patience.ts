/** Ends what takes too long. All get the same time, so that the oldest ends first and one alarm serves them all. */

import { Alarm, type Driver } from '../core/driver.ts'

/** Something under way. */
export interface Wait {
  readonly at: number
  readonly late: () => void
}

/** See the top of this file. */
export class Patience {
  readonly #driver: Driver
  readonly #ms: number
  readonly #waits = new Set<Wait>()
  readonly #alarm: Alarm

  /** With `holds`, somebody waits, so that the process goes on until then. */
  constructor(driver: Driver, ms: number, { holds = false } = {}) {
    this.#driver = driver
    this.#ms = ms
    this.#alarm = new Alarm(now => this.#ring(now), { holds })
  }

  /** Calls `late` when it has taken too long, unless it has ended before. */
  begin(late: () => void): Wait {
    const wait = { at: this.#driver.now() + this.#ms, late }
    this.#waits.add(wait)
    if (this.#waits.size === 1) this.#driver.set(this.#alarm, wait.at)
    return wait
  }

  end(wait: Wait): void {
    if (this.#waits.delete(wait) && this.#waits.size === 0) this.#driver.set(this.#alarm, Number.POSITIVE_INFINITY)
  }

  #ring(now: number): void {
    for (const wait of this.#waits) {
      if (wait.at > now) {
        this.#driver.set(this.#alarm, wait.at)
        return
      }
      this.#waits.delete(wait)
      wait.late()
    }
  }
}
