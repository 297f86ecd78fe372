/** Seeded randomness, so that every run of the demo asks for the same records and meets the same faults. */

/**
 * A generator of numbers in [0, 1): splitmix32.
 *
 * @param {number} seed any integer
 * @returns {() => number}
 */
export function randomFrom(seed) {
  let state = seed | 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    return mix(state) / 2 ** 32
  }
}

/**
 * One number in [0, 1) that depends on the seed, a text and a count only, not on what was asked before.
 *
 * @param {number} seed
 * @param {string} text
 * @param {number} count
 */
export function randomAt(seed, text, count) {
  let hash = 0x811c9dc5 ^ seed
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return mix((hash + Math.imul(count + 1, 0x9e3779b9)) | 0) / 2 ** 32
}

/** @param {number} value */
function mix(value) {
  let mixed = Math.imul(value ^ (value >>> 16), 0x21f0aaad)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
  return (mixed ^ (mixed >>> 15)) >>> 0
}
