/** About how many bytes a value takes, for `maxSize` without a `sizeCalculation`. */

const MOST_NODES = 1000
const BYTES_PER_UNIT = 2
const BYTES_PER_NODE = 16
const BYTES_PER_NUMBER = 8

/**
 * Two bytes a string unit, `byteLength` of buffers, objects walked up to 1000 nodes. A part that is met twice counts once.
 * Taken at `set`: growing a value afterwards is not seen.
 */
export function estimateSize(value: unknown): number {
  if (typeof value === 'string') return value.length * BYTES_PER_UNIT
  if (typeof value !== 'object' || value === null) return BYTES_PER_NUMBER
  const seen = new Set<object>()
  const rest: unknown[] = [value]
  let bytes = 0
  while (rest.length > 0) {
    const next = rest.pop()
    if (typeof next === 'string') bytes += next.length * BYTES_PER_UNIT
    else if (typeof next !== 'object' || next === null) bytes += BYTES_PER_NUMBER
    else if (!seen.has(next) && seen.size < MOST_NODES) {
      seen.add(next)
      bytes += BYTES_PER_NODE + ownBytes(next, rest)
    }
  }
  return bytes
}

/** The bytes of `value` itself; what it holds goes to `rest`. */
function ownBytes(value: object, rest: unknown[]): number {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return value.byteLength
  if (typeof Blob === 'function' && value instanceof Blob) return value.size
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length && rest.length < MOST_NODES; at += 1) rest.push(value[at])
    return value.length * BYTES_PER_NUMBER
  }
  if (value instanceof Map) {
    for (const [key, item] of value) rest.push(key, item)
    return value.size * BYTES_PER_NODE
  }
  if (value instanceof Set) {
    for (const item of value) rest.push(item)
    return value.size * BYTES_PER_NUMBER
  }
  const keys = Object.keys(value)
  for (const key of keys) {
    const property = Object.getOwnPropertyDescriptor(value, key)
    // A getter may do anything, so what it would give is not weighed.
    if (property !== undefined && 'value' in property) rest.push(property.value)
  }
  return keys.length * BYTES_PER_NUMBER
}
