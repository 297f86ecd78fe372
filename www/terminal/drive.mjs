/** Reads many things with a bounded number under way, each one timed by itself. */

/**
 * Calls `read(item)` for each item in order, at most `width` at a time, and tells `settled` how each one ended.
 *
 * @template T, R
 * @param {readonly T[]} items
 * @param {number} width
 * @param {(item: T) => Promise<R>} read
 * @param {(item: T, outcome: { ms: number, value?: R, error?: unknown }, at: number) => void} settled
 */
export async function drive(items, width, read, settled) {
  let next = 0
  const lane = async () => {
    while (next < items.length) {
      const at = next
      next += 1
      const item = /** @type {T} */ (items[at])
      const began = performance.now()
      const outcome = await read(item).then(
        value => ({ ms: performance.now() - began, value }),
        error => ({ ms: performance.now() - began, error }),
      )
      settled(item, outcome, at)
    }
  }
  await Promise.all(Array.from({ length: width }, lane))
}

/**
 * The middle of some numbers.
 *
 * @param {readonly number[]} numbers
 */
export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? /** @type {number} */ (sorted[middle]) : (Number(sorted[middle - 1]) + Number(sorted[middle])) / 2
}
