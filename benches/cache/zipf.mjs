// Seeded Zipf-distributed ranks, shuffled over the keys so that neighbours in memory are not neighbours in rank.

/** @param {{ count: number, keys: number, seed: number, skew?: number }} options */
export function zipf({ count, keys, seed, skew = 1 }) {
  const random = mulberry32(seed)
  const cumulative = new Float64Array(keys)
  let total = 0
  for (let rank = 0; rank < keys; rank += 1) {
    total += 1 / (rank + 1) ** skew
    cumulative[rank] = total
  }
  const place = Array.from({ length: keys }, (_, at) => at)
  for (let at = keys - 1; at > 0; at -= 1) {
    const other = Math.floor(random() * (at + 1))
    ;[place[at], place[other]] = [place[other], place[at]]
  }
  return Array.from({ length: count }, () => place[firstAtLeast(cumulative, random() * total)])
}

function firstAtLeast(cumulative, target) {
  let low = 0
  let high = cumulative.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (cumulative[middle] < target) low = middle + 1
    else high = middle
  }
  return low
}

function mulberry32(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
