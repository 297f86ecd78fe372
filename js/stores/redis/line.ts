/**
 * Calls Redis, with an end to every wait: a deadline for each call, a breaker for a server that does not answer, a bound on
 * calls under way. While the breaker is open nothing is sent but a trial now and then, and calls fail at once.
 */

import { ClosedError, isShelflifeError, ShelflifeError, TimeoutError } from '../../errors.ts'
import type { TierCore } from '../../tier/core.ts'
import { Breaker } from '../breaker.ts'
import type { StoreContext } from '../tier.ts'
import type { Command, Connect, RedisConnection, Reply } from './client.ts'

/** Calls that may wait for their replies at the same time. */
const MOST_CALLS = 2048
/** So many trials in a row that were not answered: the connection is dead, whatever it says. */
const DEAD_TRIALS = 2
/** How long the first connection may take before the line counts as down. */
const CONNECT_MS = 2000
/** A timer that rings so much too late says more of this thread than of Redis. */
const TARDY_MS = 20

/** Options of a {@link RedisLine}. */
export interface LineOptions {
  readonly timeoutMs: number
  readonly failures: number
  readonly openMs: number
  readonly maxOpenMs: number
  readonly random: () => number
}

/** Who has to know. */
export interface LineHost {
  /** Something failed; for the counts. */
  count(kind: string): void
  /** Redis answers, at first or again. */
  onUp(): void
}

interface Call {
  readonly alarm: InstanceType<TierCore['Alarm']>
  readonly reject: (error: unknown) => void
}

/** See the top of this file. */
export class RedisLine {
  readonly #connect: Connect
  readonly #options: LineOptions
  readonly #host: LineHost
  readonly #driver: TierCore['driver']
  readonly #Alarm: TierCore['Alarm']
  readonly #breaker: Breaker
  readonly #calls = new Set<Call>()
  readonly #trial: InstanceType<TierCore['Alarm']>
  #connection: RedisConnection | undefined
  #opening: Promise<void> | undefined
  #settleOpening: () => void = () => {}
  #state: 'new' | 'up' | 'down' | 'closed' = 'new'
  #reason: string | undefined
  #silentTrials = 0
  #endTrial: () => void = () => {}

  constructor(connect: Connect, { core }: StoreContext, options: LineOptions, host: LineHost) {
    this.#connect = connect
    this.#options = options
    this.#host = host
    this.#driver = core.driver
    this.#Alarm = core.Alarm
    this.#breaker = new Breaker(options)
    this.#trial = new core.Alarm(() => this.#try())
  }

  /** Whether calls are made. */
  get isUp(): boolean {
    return this.#state === 'up'
  }

  /** Why not. */
  get reason(): string | undefined {
    return this.#reason
  }

  /** Connects. Resolves when Redis answers or has failed to, after two seconds at most; it goes on trying. */
  open(): Promise<void> {
    this.#opening ??= new Promise(resolve => {
      const late = this.#deadline(CONNECT_MS, CONNECT_MS, () => this.#fall('connect', 'no connection yet'))
      this.#settleOpening = () => {
        this.#driver.set(late, Number.POSITIVE_INFINITY)
        resolve()
      }
      this.#connection = this.#connect(failure => this.#changed(failure))
    })
    return this.#opening
  }

  /**
   * The replies to `commands`, which go out together. Rejects with `ERR_TIMEOUT` after the deadline, at once with `ERR_STORE` while the
   * breaker is open, and where the server refuses one of them or the connection breaks: then `cause` is what the client said.
   */
  call(commands: readonly Command[], timeoutMs = this.#options.timeoutMs): Promise<Reply[]> {
    if (this.#state === 'closed') return Promise.reject(new ClosedError('the connection'))
    if (this.#state !== 'up') return Promise.reject(this.#down())
    if (this.#calls.size >= MOST_CALLS) {
      this.#host.count('overload')
      return Promise.reject(new ShelflifeError('ERR_STORE', `${MOST_CALLS} calls of Redis wait for replies`, { retryable: true }))
    }
    if (this.#connection?.isReady !== true) {
      this.#fall('connection', 'the connection is broken')
      return Promise.reject(this.#down())
    }
    return this.#within(commands, timeoutMs)
  }

  close(): void {
    this.#state = 'closed'
    this.#driver.set(this.#trial, Number.POSITIVE_INFINITY)
    this.#endTrial()
    this.#settleOpening()
    this.#connection?.close()
    this.#rejectAll(new ClosedError('the connection'))
  }

  #within(commands: readonly Command[], timeoutMs: number): Promise<Reply[]> {
    return new Promise((resolve, reject) => {
      const call: Call = { alarm: this.#deadline(timeoutMs, TARDY_MS, () => this.#late(call, timeoutMs)), reject }
      this.#calls.add(call)
      const connection = this.#connection as RedisConnection
      Promise.all(commands.map(command => connection.send(command))).then(
        replies => {
          if (!this.#forget(call)) return
          this.#breaker.succeeded()
          resolve(replies)
        },
        error => {
          if (!this.#forget(call)) return
          if (isRefusal(error)) {
            this.#host.count(refusalOf(error))
            if (isTransient(error)) this.#failed(undefined, error.message)
            else this.#breaker.succeeded()
          } else this.#failed('connection', messageOf(error))
          reject(failed(error))
        },
      )
    })
  }

  /** An alarm in `ms`. One that rings too late says that this thread was busy: what it waits for may lie there unread, and gets `grace` more. */
  #deadline(ms: number, grace: number, ring: () => void): InstanceType<TierCore['Alarm']> {
    let due = this.#driver.now() + ms
    const alarm = new this.#Alarm(
      now => {
        if (now <= due + TARDY_MS) return ring()
        due = now + grace
        this.#driver.set(alarm, due)
      },
      { holds: true },
    )
    this.#driver.set(alarm, due)
    return alarm
  }

  /** The reply may come yet: nobody waits for it any more. */
  #late(call: Call, timeoutMs: number): void {
    this.#calls.delete(call)
    this.#failed('timeout', `no reply within ${timeoutMs} ms`)
    call.reject(new TimeoutError('store', timeoutMs))
  }

  #forget(call: Call): boolean {
    this.#driver.set(call.alarm, Number.POSITIVE_INFINITY)
    return this.#calls.delete(call)
  }

  #failed(kind: string | undefined, reason: string): void {
    if (kind !== undefined) this.#host.count(kind)
    if (this.#state === 'up' && this.#breaker.failed(this.#driver.now())) this.#fall(undefined, reason)
  }

  /** Nothing is sent from now on; who waits for a reply waits no longer. */
  #fall(kind: string | undefined, reason: string): void {
    if (this.#state === 'closed' || this.#state === 'down') return
    if (kind !== undefined) this.#host.count(kind)
    // Of a broken connection one failure says enough.
    if (!this.#breaker.isOpen) this.#breaker.open(this.#driver.now())
    if (this.#state === 'up') this.#host.count('breaker')
    this.#state = 'down'
    this.#reason = reason
    this.#silentTrials = 0
    this.#driver.set(this.#trial, this.#breaker.retryAt)
    this.#settleOpening()
    this.#rejectAll(this.#down())
  }

  /** The client has told of something: perhaps there is a connection now. */
  #changed(failure: unknown): void {
    if (this.#state === 'closed') return
    if (failure !== undefined) {
      if (this.#state === 'new') this.#fall('connect', messageOf(failure))
      else if (this.#connection?.isReady !== true) {
        this.#fall('connection', messageOf(failure))
        this.#reason = messageOf(failure)
      }
    } else if (this.#state !== 'up') this.#try()
  }

  /** The one call while the breaker is open. Nobody's read waits for it. */
  #try(): void {
    const connection = this.#connection
    if (connection === undefined || this.#state === 'closed' || this.#state === 'up') return
    this.#driver.set(this.#trial, Number.POSITIVE_INFINITY)
    if (!connection.isReady) return this.#tryLater()
    let settled = false
    const end = (succeeded: boolean) => {
      if (settled) return
      settled = true
      this.#driver.set(late, Number.POSITIVE_INFINITY)
      if (this.#state === 'closed' || connection !== this.#connection) return
      if (succeeded) this.#rise()
      else if (this.#state === 'new') this.#fall('connect', this.#reason ?? 'no answer')
      else this.#tryLater()
    }
    const late = this.#deadline(this.#options.timeoutMs, TARDY_MS, () => {
      this.#silentTrials += 1
      if (this.#silentTrials >= DEAD_TRIALS) {
        this.#silentTrials = 0
        connection.renew()
      }
      end(false)
    })
    this.#endTrial = () => end(false)
    connection.send(['PING']).then(
      () => end(true),
      error => {
        // Who may not ask is no better off than who gets no answer; who is refused a PING only is.
        this.#reason = messageOf(error)
        end(false)
      },
    )
  }

  #tryLater(): void {
    if (this.#state === 'new') return
    this.#breaker.open(this.#driver.now())
    this.#driver.set(this.#trial, this.#breaker.retryAt)
  }

  #rise(): void {
    if (this.#state === 'up') return
    this.#breaker.succeeded()
    this.#state = 'up'
    this.#reason = undefined
    this.#settleOpening()
    this.#host.onUp()
  }

  #rejectAll(error: ShelflifeError): void {
    const calls = [...this.#calls]
    this.#calls.clear()
    for (const { alarm, reject } of calls) {
      this.#driver.set(alarm, Number.POSITIVE_INFINITY)
      reject(error)
    }
  }

  #down(): ShelflifeError {
    return new ShelflifeError('ERR_STORE', `Redis does not answer: ${this.#reason ?? 'no connection yet'}`, { retryable: true })
  }
}

/** What the server says of a command that it does not execute begins with a word in capitals. */
const REFUSAL = /^([A-Z]{2,16})(?: |$)/
/** Refusals that a while later need not be: nothing else will succeed before. */
const TRANSIENT = ['LOADING', 'MASTERDOWN', 'BUSY', 'NOAUTH', 'TRYAGAIN', 'CLUSTERDOWN']

function isRefusal(error: unknown): error is Error {
  return error instanceof Error && REFUSAL.test(error.message)
}

/** The first word of a refusal, in small letters: `'oom'`, `'readonly'`, `'loading'`; of the error itself, or of what is its cause. */
export function refusalOf(error: unknown): string {
  const said = isShelflifeError(error) ? error.cause : error
  const [, word] = (said instanceof Error && REFUSAL.exec(said.message)) || []
  return word?.toLowerCase() ?? 'none'
}

function isTransient(error: Error): boolean {
  return TRANSIENT.some(word => error.message.startsWith(word))
}

function failed(cause: unknown): ShelflifeError {
  const retryable = !isRefusal(cause) || isTransient(cause)
  return new ShelflifeError('ERR_STORE', `Redis failed: ${messageOf(cause)}`, { cause, retryable })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error)
}
