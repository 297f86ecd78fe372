/** What moves to another thread instead of being copied. */

/** By name, so that two copies of the package, or of this module in a worker, know each other's. */
const MARK = 'shelflife.transfer'

interface Transferred {
  readonly value: unknown
  readonly list: readonly object[]
}

/**
 * For a handler in a worker: returns `value` in such a way that the objects in `list`, which are somewhere in it, move to the caller's thread
 * instead of being copied. For one result, or around all of them.
 *
 * ```ts
 * export default images => images.map(image => { const pixels = decode(image); return transfer(pixels, [pixels.buffer]) })
 * ```
 */
export function transfer<V>(value: V, list: readonly object[]): V {
  return { [Symbol.for(MARK)]: { value, list } } as V
}

/** What {@link transfer} was given, if `value` is of it; what is to move is added to `list`. */
export function untransferred(value: unknown, list: object[]): unknown {
  if (typeof value !== 'object' || value === null) return value
  const found = (value as Record<symbol, Transferred | undefined>)[Symbol.for(MARK)]
  if (found === undefined) return value
  list.push(...found.list)
  return found.value
}

/** Objects that are looked at, at most. */
const MOST_VISITED = 100_000
/** Beside buffers. Most of them cannot be copied at all. */
const CLASSES = [
  'MessagePort',
  'ReadableStream',
  'WritableStream',
  'TransformStream',
  'ImageBitmap',
  'OffscreenCanvas',
  'VideoFrame',
  'AudioData',
  'RTCDataChannel',
  'MediaSourceHandle',
]

/**
 * What can move of `value`: in arrays, plain objects, maps and sets. A buffer does, and one that a view fills; a view on a part of a buffer is
 * copied, since others may have the rest.
 */
export function transferablesIn(value: unknown): object[] {
  const scope = globalThis as unknown as Record<string, unknown>
  const classes = CLASSES.map(name => scope[name]).filter(one => typeof one === 'function') as (abstract new () => object)[]
  const found = new Set<object>()
  const seen = new Set<object>()
  const open: unknown[] = [value]
  while (open.length > 0 && seen.size < MOST_VISITED) {
    const one = open.pop()
    if (typeof one !== 'object' || one === null || seen.has(one)) continue
    seen.add(one)
    if (one instanceof ArrayBuffer) found.add(one)
    else if (ArrayBuffer.isView(one)) {
      if (one.buffer instanceof ArrayBuffer && one.byteLength === one.buffer.byteLength) found.add(one.buffer)
    } else if (Array.isArray(one)) for (const item of one) open.push(item)
    else if (one instanceof Map) for (const [key, item] of one) open.push(key, item)
    else if (one instanceof Set) for (const item of one) open.push(item)
    else if (classes.some(known => one instanceof known)) found.add(one)
    else for (const item of Object.values(one)) open.push(item)
  }
  return [...found]
}
