/**
 * Whether what a tier lies over can be used: it is opened, turned off when nothing can be written, and tried again later. One that
 * somebody else holds is only read, and asked for now and then.
 */

import { ClosedError, ShelflifeError } from '../errors.ts'
import type { TierState } from '../stores/tier.ts'
import type { TierCore } from './core.ts'
import type { TierLog } from './tier-log.ts'

/** A tier that only reads looks this often, when it is used, for what is new and whether it may write. */
const TAKE_OVER_MS = 1000
/** A tier that is off is opened again when it is used after this, and after waits that grow. */
const REVIVE_MS = 1000
const REVIVE_MOST_MS = 300_000

/** The tier. */
export interface LogStateHost {
  readonly name: string
  /** Whether everything in the log is out of date, so that nobody reads it before it is emptied. */
  readonly mustForgetAll: boolean
  /** It may be written to now, or only be read. */
  opened(): void
  /** Another log takes the place of one that was off; others may have written meanwhile. */
  renewed(log: TierLog, hasMissed: boolean): void
  /** It may be used again, after it could not be for a while. */
  returned(): void
  /** What is queued will not be written. */
  gaveUp(reason: ShelflifeError): void
  /** Nothing can be written or read for a while, for this reason. */
  turnedOff(reason: ShelflifeError): void
}

/** See the top of this file. */
export class LogState {
  state: TierState = 'closed'
  reason: string | undefined
  log: TierLog
  readonly #host: LogStateHost
  readonly #renew: ((log: TierLog) => TierLog) | undefined
  readonly #core: TierCore
  #opening: Promise<void> | undefined
  #isClosing = false
  /** When a tier that is off may be opened again, on the driver's timeline, and the wait after that. */
  #reviveAt = Number.POSITIVE_INFINITY
  #reviveMs = REVIVE_MS
  #takeOverAt = 0
  /** What had been written last when the log was given up. */
  #last: number | undefined

  /** `renew` gives a log that can be opened in place of one that was closed; without it, off is for good. */
  constructor(host: LogStateHost, log: TierLog, core: TierCore, renew: ((log: TierLog) => TierLog) | undefined) {
    this.#host = host
    this.log = log
    this.#core = core
    this.#renew = renew
  }

  open(): Promise<void> {
    this.#opening ??= this.#open()
    return this.#opening
  }

  /** From now on nothing is opened again. Resolves when nothing is being opened. */
  async end(): Promise<void> {
    this.#isClosing = true
    if (this.#opening !== undefined) await this.#opening
  }

  /** It is used no more. */
  close(): void {
    this.state = 'closed'
    this.#reviveAt = Number.POSITIVE_INFINITY
  }

  /** Nothing can be written, for this reason. */
  turnOff(kind: string, cause: unknown): void {
    this.log.count(kind)
    // Nobody opens it again, and whoever closes it waits for the queue.
    if (this.#isClosing) return this.#host.gaveUp(new ClosedError(`tier ${this.#host.name}`))
    const isNews = this.state !== 'off'
    this.state = 'off'
    this.reason = cause instanceof Error ? cause.message : String(cause)
    const unable = this.unable(cause)
    this.#host.gaveUp(unable)
    if (isNews) this.#host.turnedOff(unable)
    const { log } = this
    this.#last = log.last ?? this.#last
    void log.inTurn(() => log.close()).catch(() => log.count('close'))
    this.#reviveAt = this.#core.driver.now() + this.#reviveMs
    this.#reviveMs = Math.min(this.#reviveMs * 4, REVIVE_MOST_MS)
  }

  /** Something was written: what goes wrong from now on is another matter, and is tried again as soon as at first. */
  worked(): void {
    this.#reviveMs = REVIVE_MS
  }

  /** It is used: tries again what could not be done before, if it is time. */
  tryAgain(): void {
    if (this.state === 'off') this.#perhapsRevive()
    else if (this.state === 'read-only') this.#perhapsTakeOver()
  }

  unable(cause?: unknown): ShelflifeError {
    const why = `tier ${this.#host.name} is ${this.state}: ${this.reason}`
    return new ShelflifeError('ERR_STORE', why, cause === undefined ? {} : { cause })
  }

  async #open(): Promise<void> {
    try {
      await this.log.open()
      // Also when `close` waits for this: what was given meanwhile is still to be written.
      this.state = this.log.writable ? 'on' : 'read-only'
    } catch (error) {
      this.turnOff('open', error)
      return
    }
    if (this.state === 'on') return this.#host.opened()
    this.reason = this.log.whyReadOnly
    this.log.count('locked')
    this.#host.gaveUp(this.unable())
  }

  /** Opens a tier that is off again, if that may be tried. What went wrong may have passed: a full disk, a tab that blocked. */
  #perhapsRevive(): void {
    const renew = this.#renew
    if (renew === undefined || this.#core.driver.now() < this.#reviveAt || this.#isClosing) return
    this.#reviveAt = Number.POSITIVE_INFINITY
    this.#opening = this.#revive(renew)
  }

  async #revive(renew: (log: TierLog) => TierLog): Promise<void> {
    const log = renew(this.log)
    try {
      await log.open()
      if (this.#host.mustForgetAll) {
        if (!log.writable) throw new ShelflifeError('ERR_STORE', log.whyReadOnly)
        await log.clear(async () => {})
      }
    } catch (error) {
      await log.close().catch(() => {})
      return this.turnOff('open', error)
    }
    this.log = log
    this.state = log.writable ? 'on' : 'read-only'
    this.reason = undefined
    this.#host.renewed(log, this.#last !== undefined && log.last !== this.#last)
    this.#host.returned()
    log.count('revived')
  }

  /** The one who holds the log may have ended. What it has written meanwhile is read in any case. */
  #perhapsTakeOver(): void {
    const now = this.#core.driver.now()
    if (now < this.#takeOverAt || this.log.takeOver === undefined || this.#isClosing) return
    this.#takeOverAt = Number.POSITIVE_INFINITY
    void this.#takeOver().finally(() => {
      this.#takeOverAt = this.#core.driver.now() + TAKE_OVER_MS
    })
  }

  async #takeOver(): Promise<void> {
    const { log } = this
    const isOurs = await log.takeOver?.().catch(() => log.count('read'))
    if (isOurs !== true || this.state !== 'read-only' || this.#isClosing) return
    this.state = 'on'
    this.reason = undefined
    log.count('tookOver')
    this.#host.returned()
  }
}
