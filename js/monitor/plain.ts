/** Whatever somebody says of himself, as data that JSON and `postMessage` take, and not without end. */

const DEEPEST = 6
const LONGEST_TEXT = 500
const MOST_ITEMS = 200

/** A copy; numbers that JSON has not are `null`, functions and symbols are left out, and what is too long or too deep is cut. */
export function plain(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return value.length > LONGEST_TEXT ? `${value.slice(0, LONGEST_TEXT)}…` : value
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  if (typeof value === 'boolean' || value === null) return value
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object') return undefined
  if (depth === DEEPEST) return null
  if (Array.isArray(value)) return value.slice(0, MOST_ITEMS).map(item => plain(item, depth + 1) ?? null)
  const copy: [string, unknown][] = []
  for (const [name, field] of Object.entries(value)) {
    const copied = plain(field, depth + 1)
    if (copied !== undefined) copy.push([name, copied])
    if (copy.length === MOST_ITEMS) break
  }
  // A field may be called `__proto__`; `fromEntries` defines, it does not assign.
  return Object.fromEntries(copy)
}
