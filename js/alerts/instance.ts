/** One alert of a rule: its walk through the states, as Prometheus has it. */

/** Where an alert is. */
export type AlertState = 'inactive' | 'pending' | 'firing' | 'resolved'

/** How long an alert that is over is told of. */
const RESOLVED_FOR_MS = 900_000

/** The durations of a rule, in milliseconds. */
export interface Holds {
  readonly forMs: number
  readonly keepFiringForMs: number
}

/** See the top of this file. Times are those of the evaluations. */
export class Instance {
  readonly labels: Readonly<Record<string, string>>
  state: AlertState = 'inactive'
  value: number | null = null
  /** Since when it is in this state. */
  since: number
  /** Since when something is wrong, or right again. */
  #wrongSince = 0
  #rightSince: number | undefined

  constructor(labels: Readonly<Record<string, string>>, now: number) {
    this.labels = labels
    this.since = now
  }

  /** Takes in one evaluation. */
  evaluate(wrong: boolean, value: number | null, now: number, { forMs, keepFiringForMs }: Holds): void {
    this.value = value
    if (wrong) {
      this.#rightSince = undefined
      if (this.state === 'inactive' || this.state === 'resolved') {
        this.#wrongSince = now
        this.#enter('pending', now)
      }
      if (this.state === 'pending' && now - this.#wrongSince >= forMs) this.#enter('firing', now)
    } else if (this.state === 'firing') {
      this.#rightSince ??= now
      if (now - this.#rightSince >= keepFiringForMs) this.#enter('resolved', now)
    } else if (this.state === 'pending') this.#enter('inactive', now)
    else if (this.state === 'resolved' && now - this.since > RESOLVED_FOR_MS) this.#enter('inactive', now)
  }

  #enter(state: AlertState, now: number): void {
    this.state = state
    this.since = now
  }
}
