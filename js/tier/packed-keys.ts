/** Keys as the core takes and gives them: the units of each, after its length in two units. */

/** Units that `String.fromCharCode` takes at once. */
const PIECE = 8192

/** Packs the keys from place `from` to place `to`. */
export function packKeys(keys: readonly string[], from = 0, to = keys.length): Uint16Array {
  let length = 0
  for (let at = from; at < to; at += 1) length += 2 + (keys[at] as string).length
  const packed = new Uint16Array(length)
  let end = 0
  for (let at = from; at < to; at += 1) {
    const key = keys[at] as string
    packed[end] = key.length
    packed[end + 1] = key.length >>> 16
    end = spell(key, packed, end + 2)
  }
  return packed
}

/** The units of one key. */
export function unitsOf(key: string): Uint16Array {
  const units = new Uint16Array(key.length)
  spell(key, units, 0)
  return units
}

/** The keys in what the core gave. */
export function* unpackKeys(packed: Uint16Array): IterableIterator<string> {
  for (let at = 0; at < packed.length; ) {
    const start = at + 2
    at = start + (((packed[start - 1] as number) << 16) | (packed[start - 2] as number))
    let key = ''
    for (let piece = start; piece < at; piece += PIECE) key += String.fromCharCode(...packed.subarray(piece, Math.min(at, piece + PIECE)))
    yield key
  }
}

function spell(key: string, units: Uint16Array, at: number): number {
  for (let unit = 0; unit < key.length; unit += 1) units[at + unit] = key.charCodeAt(unit)
  return at + key.length
}
