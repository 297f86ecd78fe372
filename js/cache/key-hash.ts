/**
 * Seeded hashes of keys (law L2). A policy knows a key that has left by its hash only; two keys with one hash would share
 * their past, so nobody outside must be able to make such keys. Identity is always the key itself.
 */

/** A function from keys to 32-bit numbers that looks arbitrary to whoever does not know `seed`. The same key gives the same number. */
export function keyHasher(seed: number): (key: unknown) => number {
  const start = scramble(seed | 0)
  // Odd, so that multiplying loses nothing, and secret, so that what follows cannot be computed outside.
  const factor = scramble(start ^ 0x5bd1e995) | 1
  const secondFactor = scramble(factor) | 1
  const floats = new Float64Array(1)
  const words = new Int32Array(floats.buffer)
  const serials = new WeakMap<WeakKey, number>()
  let lastSerial = 0

  const mix = (hash: number, word: number): number => {
    let product = Math.imul(hash ^ word, factor)
    product = Math.imul(product ^ (product >>> 15), secondFactor)
    return product ^ (product >>> 13)
  }

  const hashString = (text: string, from: number): number => {
    const { length } = text
    let hash = from ^ length
    for (let at = 1; at < length; at += 2) hash = mix(hash, text.charCodeAt(at - 1) | (text.charCodeAt(at) << 16))
    return scramble(length % 2 === 0 ? hash : mix(hash, text.charCodeAt(length - 1)))
  }

  const serialOf = (key: WeakKey): number => {
    let serial = serials.get(key)
    if (serial === undefined) {
      lastSerial += 1
      serial = lastSerial
      serials.set(key, serial)
    }
    return serial
  }

  const hashNumber = (key: number): number => {
    if ((key | 0) === key) return scramble(mix(start, key))
    floats[0] = key
    return scramble(mix(mix(start, words[0] as number), words[1] as number))
  }

  return key => {
    if (typeof key === 'string') return hashString(key, start)
    if (typeof key === 'number') return hashNumber(key)
    if ((typeof key === 'object' && key !== null) || typeof key === 'function') return scramble(mix(start ^ factor, serialOf(key)))
    return hashString(String(key), ~start)
  }
}

/** A seed that nobody can know. */
export function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] as number
}

/** The final mix of MurmurHash3 (Appleby, 2011): every bit of the result depends on every bit. */
function scramble(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
