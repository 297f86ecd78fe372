/** The size of what is sent, where it can be known before; and a count of what passes, where it cannot. */

/** The request's body is larger than `maxRequestSize`. Internal: the exchange makes the public error of it. */
class RequestTooLarge extends Error {}

/** The bytes of `body`, of a form those of its parts without their frames; `undefined` for a stream. */
export function bytesOf(body: unknown): number | undefined {
  if (typeof body === 'string') return sizeOfText(body)
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return body.byteLength
  if (body instanceof Blob) return body.size
  if (body instanceof URLSearchParams) return sizeOfText(`${body}`)
  if (!(body instanceof FormData)) return undefined
  let size = 0
  for (const [name, value] of body) size += sizeOfText(name) + (typeof value === 'string' ? sizeOfText(value) : value.size)
  return size
}

/** `body`, which fails once more than `limit` bytes have passed. */
export function limited(body: ReadableStream<Uint8Array>, limit: number): ReadableStream<Uint8Array> {
  let passed = 0
  const count = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      passed += chunk.byteLength
      if (passed > limit) controller.error(new RequestTooLarge('the body is too large'))
      else controller.enqueue(chunk)
    },
  })
  return body.pipeThrough(count)
}

/** Whether `error`, or what caused it, is {@link RequestTooLarge}: transports wrap what a body throws. */
export function isTooLarge(error: unknown): boolean {
  for (let depth = 0, cause = error; depth < 5 && cause instanceof Error; depth += 1, cause = cause.cause)
    if (cause instanceof RequestTooLarge) return true
  return false
}

function sizeOfText(text: string): number {
  return new TextEncoder().encode(text).byteLength
}
