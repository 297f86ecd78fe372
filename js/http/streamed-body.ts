/** The body of an answer that was handed over at its head: it comes as it is read, and is gathered as long as it is small enough to be kept. */

import { Gathered } from '../bytes.ts'
import { Alarm, type Driver } from '../core/driver.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** What a body tells its request. After {@link StreamedBody.stop} it tells nothing more. */
export interface BodyHost {
  /** A piece came, and so many bytes by now. Throws when that is too many. */
  received(piece: number, bytes: number): void
  /** It has ended. */
  bodyEnded(): void
  /** All of it, after its end; not of a large one. */
  gathered(whole: Uint8Array): void
  bodyFailed(error: unknown): void
  /** Nobody wants the rest. */
  cancelled(reason: unknown): void
  /** Nothing came any more while something was waited for. */
  bodyFellSilent(): void
}

/** How a body is read. */
export interface BodyOptions {
  readonly driver: Driver
  /** In milliseconds. */
  readonly idleTimeout: number
  /** As large as this it is gathered; `undefined`: not at all. */
  readonly mostGathered: number | undefined
}

/** See the top of this file. */
export class StreamedBody {
  readonly stream: ReadableStream<Uint8Array>
  readonly #reader: ReadableStreamDefaultReader<Bytes>
  readonly #host: BodyHost
  readonly #driver: Driver
  readonly #idleTimeout: number
  readonly #idle: Alarm
  readonly #copy: Copy | undefined
  #sink: ReadableStreamDefaultController<Bytes> | undefined
  #received = 0
  #isOver = false

  constructor(body: ReadableStream<Uint8Array>, host: BodyHost, { driver, idleTimeout, mostGathered }: BodyOptions) {
    this.#reader = body.getReader() as ReadableStreamDefaultReader<Bytes>
    this.#host = host
    this.#driver = driver
    this.#idleTimeout = idleTimeout
    this.#idle = new Alarm(() => host.bodyFellSilent(), { holds: true })
    this.#copy = mostGathered === undefined ? undefined : new Copy(mostGathered)
    const start = (sink: ReadableStreamDefaultController<Bytes>) => {
      this.#sink = sink
    }
    const pull = (sink: ReadableStreamDefaultController<Bytes>) => this.#pull(sink)
    const cancel = (reason: unknown) => {
      this.#host.cancelled(reason)
      return this.#reader.cancel(reason).catch(() => undefined)
    }
    this.stream = new ReadableStream<Bytes>({ start, pull, cancel }, { highWaterMark: 0 })
  }

  /** Its request has ended. */
  stop(): void {
    this.#isOver = true
    this.#listen(false)
  }

  /** The same, and the reader is told why. Nothing more is read, also of a transport that ignores its signal. */
  fail(error: unknown): void {
    this.stop()
    this.#sink?.error(error)
    this.#reader.cancel(error).catch(() => undefined)
  }

  async #pull(sink: ReadableStreamDefaultController<Bytes>): Promise<void> {
    // Only while something is waited for: a reader who takes his time is not a silent origin.
    this.#listen(true)
    try {
      const { done, value } = await this.#reader.read()
      this.#listen(false)
      if (this.#isOver) return
      if (done) {
        this.#host.bodyEnded()
        sink.close()
        const whole = this.#copy?.bytes
        if (whole !== undefined) this.#host.gathered(whole)
        return
      }
      this.#received += value.byteLength
      this.#host.received(value.byteLength, this.#received)
      this.#copy?.add(value)
      sink.enqueue(value)
    } catch (error) {
      this.#listen(false)
      if (!this.#isOver) this.#host.bodyFailed(error)
    }
  }

  #listen(on: boolean): void {
    if (this.#idleTimeout === Number.POSITIVE_INFINITY) return
    this.#driver.set(this.#idle, on ? this.#driver.now() + this.#idleTimeout : Number.POSITIVE_INFINITY)
  }
}

/** What has passed, as long as it is small enough to be kept. */
class Copy {
  readonly #most: number
  #gathered: Gathered | undefined = new Gathered()

  constructor(most: number) {
    this.#most = most
  }

  get bytes(): Bytes | undefined {
    return this.#gathered?.whole() as Bytes | undefined
  }

  /** A copy of the piece: whoever reads it may do with it what he likes. */
  add(chunk: Bytes): void {
    if (this.#gathered !== undefined && this.#gathered.size + chunk.byteLength > this.#most) this.#gathered = undefined
    this.#gathered?.add(chunk.slice())
  }
}
