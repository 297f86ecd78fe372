/** Delays and retry budgets in the core, seen from here. */

import { CoreHandle } from './door.ts'
import type { Driver } from './driver.ts'
import { BackoffHandle, BudgetHandle, part } from './parts/schedule.ts'
import type { BackoffConfig, BudgetConfig } from './schedule-types.ts'

/** How long to wait before each further attempt. */
export class BackoffCore {
  readonly #core: CoreHandle<BackoffHandle>

  constructor(config: BackoffConfig) {
    this.#core = new CoreHandle(part, () => new BackoffHandle(config))
  }

  /** The delay in milliseconds after so many failed attempts, of which the last was preceded by a delay of `previous`. */
  delay(failures: number, previous: number): number {
    return this.#core.useOrRenew(core => core.delay(failures, previous)) ?? previous
  }
}

/** How many second attempts there are. After a trap none of it is spent. */
export class BudgetCore {
  readonly #core: CoreHandle<BudgetHandle>
  readonly #driver: Driver

  constructor(config: BudgetConfig, driver: Driver) {
    this.#driver = driver
    this.#core = new CoreHandle(part, () => new BudgetHandle(config))
  }

  /** A call was made. */
  note(): void {
    const now = this.#driver.now()
    this.#core.useOrRenew(core => core.note(now))
  }

  /** Takes one second attempt, if there is one. */
  spend(): boolean {
    const now = this.#driver.now()
    return this.#core.useOrRenew(core => core.spend(now)) ?? false
  }

  /** Second attempts that there are. */
  left(): number {
    const now = this.#driver.now()
    return this.#core.useOrRenew(core => core.left(now)) ?? 0
  }
}
