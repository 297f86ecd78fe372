/**
 * A stream of server-sent events for each who reads: first what was, then each snapshot as it is taken.
 *
 * Nothing waits for a slow reader: of each, one event at most lies in its stream, and when that is read, the newest comes next. One that reads nothing for half a minute
 * is let go. All get the same bytes.
 */

import type { Clock, ClockTimer } from '../clock.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { MonitorSnapshot } from '../monitor/types.ts'
import { nextTask } from '../next-task.ts'
import { HEADERS, Refusal } from './answers.ts'

/** How long nothing may be told, and how long one may read nothing: twice that. */
const BEAT_MS = 15_000
/** So many readers are told at a time, then others have a turn. */
const SLICE = 64
/** When the browser tries again. */
const RETRY_MS = 2000
/** What was, for charts. */
const POINTS = 300

/** What every event says, the first one with `history` besides. */
export interface Told {
  /** This monitor's first, then those that it hears of. */
  readonly snapshots: readonly MonitorSnapshot[]
  readonly canWrite: boolean
}

interface Reader {
  readonly controller: ReadableStreamDefaultController<Uint8Array>
  /** Whether something newer is to be told as soon as there is room. */
  behind: boolean
  /** When there was room last. */
  readAt: number
}

/** See the top of this file. */
export class Events {
  readonly #monitor: Monitor
  readonly #clock: Clock
  readonly #most: number
  readonly #tell: () => Told
  readonly #readers = new Set<Reader>()
  readonly #encoder = new TextEncoder()
  #newest: Uint8Array | undefined
  #hello: Uint8Array | undefined
  #off: (() => void) | undefined
  #beat: ClockTimer | undefined
  #toldAt = 0

  constructor(monitor: Monitor, { clock, maxReaders, tell }: { clock: Clock; maxReaders: number; tell: () => Told }) {
    this.#monitor = monitor
    this.#clock = clock
    this.#most = maxReaders
    this.#tell = tell
  }

  get readers(): number {
    return this.#readers.size
  }

  /** A stream for one more reader. */
  open(signal: AbortSignal): Response {
    if (this.#readers.size >= this.#most) throw new Refusal('ERR_TOO_MANY_READERS', `${this.#most} read already`, { 'retry-after': '10' })
    let reader: Reader
    const stream = new ReadableStream<Uint8Array>(
      {
        start: controller => {
          reader = { controller, behind: false, readAt: this.#clock.monotonic() }
          this.#readers.add(reader)
          this.#listen()
          controller.enqueue(this.#first())
        },
        pull: () => this.#drained(reader),
        cancel: () => this.#left(reader),
      },
      { highWaterMark: 1 },
    )
    const leave = () => this.#end(reader)
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
    const headers = { ...HEADERS, 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' }
    return new Response(stream, { headers })
  }

  /** Ends all streams. */
  close(): void {
    for (const reader of [...this.#readers]) this.#end(reader)
  }

  #listen(): void {
    this.#off ??= this.#monitor.on('point', () => void this.#point())
    this.#beat ??= this.#clock.timer(this.#clock.monotonic() + BEAT_MS, () => this.#beats())
  }

  async #point(): Promise<void> {
    this.#hello = undefined
    this.#toldAt = this.#clock.monotonic()
    const event = this.#event('snapshot', this.#tell())
    this.#newest = event
    let told = 0
    for (const reader of [...this.#readers]) {
      this.#give(reader, event)
      told += 1
      if (told % SLICE === 0) await nextTask()
      if (this.#newest !== event) return
    }
  }

  #give(reader: Reader, event: Uint8Array): void {
    const { controller } = reader
    if (!this.#readers.has(reader)) return
    if ((controller.desiredSize ?? 0) > 0) {
      reader.behind = false
      controller.enqueue(event)
    } else reader.behind = true
  }

  /** The stream of a reader has room. */
  #drained(reader: Reader): void {
    reader.readAt = this.#clock.monotonic()
    if (reader.behind && this.#newest !== undefined) this.#give(reader, this.#newest)
  }

  #beats(): void {
    this.#beat = undefined
    const now = this.#clock.monotonic()
    const quiet = now - this.#toldAt >= BEAT_MS
    for (const reader of [...this.#readers]) {
      const hasRoom = (reader.controller.desiredSize ?? 0) > 0
      if (!hasRoom && now - reader.readAt >= 2 * BEAT_MS) this.#end(reader)
      else if (quiet && hasRoom) reader.controller.enqueue(this.#encoder.encode(':\n\n'))
    }
    if (this.#readers.size > 0) this.#listen()
  }

  #first(): Uint8Array {
    this.#hello ??= this.#event('hello', { ...this.#tell(), history: this.#monitor.history().slice(-POINTS) }, `retry: ${RETRY_MS}\n`)
    return this.#hello
  }

  /** JSON has no line ends outside of strings, and inside they are escaped. */
  #event(name: string, data: unknown, before = ''): Uint8Array {
    return this.#encoder.encode(`${before}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
  }

  #end(reader: Reader): void {
    if (!this.#readers.has(reader)) return
    this.#left(reader)
    const { controller } = reader
    try {
      if ((controller.desiredSize ?? 0) > 0) controller.close()
      else controller.error(new Error('nobody reads'))
    } catch {
      // It has been cancelled meanwhile.
    }
  }

  #left(reader: Reader): void {
    this.#readers.delete(reader)
    if (this.#readers.size > 0) return
    this.#off?.()
    this.#off = undefined
    this.#beat?.cancel()
    this.#beat = undefined
    this.#newest = undefined
    this.#hello = undefined
  }
}
