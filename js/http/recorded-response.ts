/** The standard `Response` made of a record. */

import type { StoredResponse } from './record.ts'
import { isNode } from './transports/runtime.ts'

/** In place of a body at rest; `null` is none at all. */
export type BodyStream = ReadableStream<Uint8Array> | null | undefined

type Fields = readonly (readonly [name: string, value: string])[]

/** The constructor of `Response` takes no higher one. */
const HIGHEST_STATUS = 599

let Recorded: ReturnType<typeof recordedResponse> | undefined

/** A `Response` of `record` with these headers; with `stream` in place of its body, if that is given. */
export function responseOf(record: StoredResponse, fields: Fields, stream?: BodyStream): Response {
  // To name `Response` loads the whole of `fetch` in Node: nobody pays for that before there is one. There whoever is given one asks it by its
  // public names; elsewhere the platform itself looks at what is inside: service workers, caches, servers.
  Recorded ??= recordedResponse(isNode())
  return new Recorded(record, fields, stream)
}

/** As the platform reads a body as text. */
export function textOf(body: Uint8Array): string {
  return new TextDecoder().decode(body)
}

/** Statuses that cannot have a body: the constructor of `Response` refuses even an empty one. */
export function hasNullBody(status: number): boolean {
  return status === 0 || status === 204 || status === 205 || status === 304
}

/**
 * The platform lets only its own responses have a URL; this one remembers it, and its clones do.
 *
 * A body at rest is read from where it lies, where that is to be seen by nobody but who reads it (`isPatient`). To make a stream of it first costs Node more than
 * many a request.
 */
function recordedResponse(isPatient: boolean) {
  return class RecordedResponse extends Response {
    readonly #record: StoredResponse
    readonly #fields: Fields | undefined
    readonly #isStream: boolean
    #headers: Headers | undefined
    /** What does the rest, once more is asked for than what lies there. */
    #whole: Response | undefined
    #isUsed = false

    constructor(record: StoredResponse, fields: Fields, stream: BodyStream) {
      const { status, statusText, type } = record
      const isAtRest = stream === undefined
      super(isAtRest ? (isPatient ? null : bodyOf(record)) : (stream as BodyInit | null), {
        status: type ? HIGHEST_STATUS : Math.min(status, HIGHEST_STATUS),
        statusText,
        ...(!(isAtRest && isPatient) && { headers: fields as [string, string][] }),
      })
      this.#record = record
      this.#isStream = !isAtRest
      this.#fields = isAtRest && isPatient ? fields : undefined
      // Servers send what they like, such as 999; what is opaque has none.
      if (status > HIGHEST_STATUS || type !== undefined) Object.defineProperty(this, 'status', { value: status, enumerable: true })
      if (type !== undefined) Object.defineProperty(this, 'type', { value: type, enumerable: true })
    }

    override get url(): string {
      return this.#record.url
    }

    override get redirected(): boolean {
      return this.#record.redirected
    }

    override get headers(): Headers {
      if (this.#fields === undefined) return super.headers
      this.#headers ??= new Headers(this.#fields as [string, string][])
      return this.#headers
    }

    override get body(): Response['body'] {
      return this.#fields === undefined ? super.body : this.#made().body
    }

    override get bodyUsed(): boolean {
      return this.#fields === undefined ? super.bodyUsed : (this.#whole?.bodyUsed ?? this.#isUsed)
    }

    override async text(): Promise<string> {
      const bytes = this.#take()
      return bytes === undefined ? (this.#whole?.text() ?? super.text()) : textOf(bytes)
    }

    override async json(): Promise<unknown> {
      const bytes = this.#take()
      return bytes === undefined ? (this.#whole?.json() ?? super.json()) : JSON.parse(textOf(bytes))
    }

    override async arrayBuffer(): Promise<ArrayBuffer> {
      const bytes = this.#take()
      return bytes === undefined ? (this.#whole?.arrayBuffer() ?? super.arrayBuffer()) : new Uint8Array(bytes).buffer
    }

    override async bytes(): Promise<Uint8Array<ArrayBuffer>> {
      return new Uint8Array(await this.arrayBuffer())
    }

    override async blob(): Promise<Blob> {
      return this.#fields === undefined ? super.blob() : this.#made().blob()
    }

    override async formData(): Promise<FormData> {
      return this.#fields === undefined ? super.formData() : this.#made().formData()
    }

    override clone(): Response {
      if (this.bodyUsed) return this.#fields === undefined ? super.clone() : this.#made().clone()
      const body = this.#fields === undefined ? super.body : this.#whole?.body
      // The platform refuses to clone what somebody reads.
      if (body?.locked === true) return this.#whole?.clone() ?? super.clone()
      const stream = this.#isStream ? (super.clone().body as BodyStream) : undefined
      return new RecordedResponse(this.#record, [...this.headers], stream)
    }

    /** The body, which is read now; `undefined` where the platform has to say what becomes of it. */
    #take(): Uint8Array<ArrayBuffer> | undefined {
      if (this.#fields === undefined || this.#whole !== undefined || this.#isUsed || !hasBody(this.#record)) {
        if (this.#fields !== undefined) this.#made()
        return undefined
      }
      this.#isUsed = true
      return this.#record.body as Uint8Array<ArrayBuffer>
    }

    #made(): Response {
      if (this.#whole === undefined) {
        this.#whole = new Response(bodyOf(this.#record), { headers: this.headers })
        if (this.#isUsed) this.#whole.arrayBuffer().catch(() => undefined)
      }
      return this.#whole
    }
  }
}

function bodyOf(record: StoredResponse): Uint8Array<ArrayBuffer> | null {
  return hasBody(record) ? (record.body as Uint8Array<ArrayBuffer>) : null
}

function hasBody({ status }: StoredResponse): boolean {
  return !hasNullBody(status)
}
