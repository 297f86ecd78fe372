// Traces nobody tuned anything for: parts, changes and mixtures of given ones, and made ones. The same input gives the same family.

const MOST_ACCESSES = 250_000

/** @typedef {{ name: string, ids: Uint32Array }} Trace */

/**
 * Both halves of each trace; each followed by another and coming back; each mixed with another, access by access; and made ones.
 * @param {Trace[]} traces
 * @returns {Generator<Trace>}
 */
export function* derived(traces) {
  for (const { name, ids } of traces) {
    const middle = ids.length >> 1
    yield numbered(`${name}, first half`, ids.subarray(0, Math.min(middle, MOST_ACCESSES)))
    yield numbered(`${name}, second half`, ids.subarray(middle, middle + MOST_ACCESSES))
  }
  for (const [at, { name, ids }] of traces.entries()) {
    const other = traces[(at + 5) % traces.length]
    const length = Math.min(ids.length >> 1, other.ids.length, MOST_ACCESSES >> 1)
    const foreign = shifted(other.ids.subarray(0, length))
    yield numbered(`${name} > ${other.name} >`, [...ids.subarray(0, length), ...foreign, ...ids.subarray(length, 2 * length)])
    const partner = traces[(at + 8) % traces.length]
    const random = mulberry32(at)
    yield numbered(
      `${name} + ${partner.name}`,
      mixed(ids.subarray(0, MOST_ACCESSES), shifted(partner.ids.subarray(0, MOST_ACCESSES)), random),
    )
  }
  for (const [name, ids] of Object.entries(made())) yield numbered(name, ids)
}

function made() {
  const random = mulberry32(1)
  const count = 100_000
  const hot = exponent => zipf(random, 10_000, exponent, count)
  const scan = from => Array.from({ length: 5000 }, (_, at) => 1e6 + from + at)
  const loop = (keys, accesses = count) => Array.from({ length: accesses }, (_, at) => 2e6 + (at % keys))
  const zigzag = (keys, accesses = count) => Array.from({ length: accesses }, (_, at) => 3e6 + Math.abs((at % (2 * keys)) - keys))
  return {
    'zipf 0.6': hot(0.6),
    'zipf 0.9': hot(0.9),
    'zipf 1.1': hot(1.1),
    'zipf 0.9 that drifts': hot(0.9).map((key, at) => key + (at >> 3)),
    'zipf 0.9 that jumps': hot(0.9).map((key, at) => key + Math.floor(at / 20_000) * 10_000),
    'zipf 0.9 and scans': Array.from({ length: 10 }, (_, at) => [...zipf(random, 10_000, 0.9, 10_000), ...scan(at * 5000)]).flat(),
    'zipf 0.9 and the same scan': Array.from({ length: 10 }, () => [...zipf(random, 10_000, 0.9, 10_000), ...scan(0)]).flat(),
    'zipf 0.8 + loop': mixed(hot(0.8), loop(3000), random),
    'zipf 0.8 + zigzag': mixed(hot(0.8), zigzag(3000), random),
    'loop 1500': loop(1500),
    'zigzag 1300': zigzag(1300),
    'zigzag 5000': zigzag(5000),
    'loop > zigzag > loop': [...loop(3000, 40_000), ...zigzag(3000, 40_000), ...loop(3000, 40_000)],
    'zigzag > zipf > zigzag': [...zigzag(3000, 40_000), ...hot(0.9).slice(0, 40_000), ...zigzag(3000, 40_000)],
    'recent, near': recent(random, count, 200, 0.3),
    'recent, far': recent(random, count, 3000, 0.3),
    'recent > loop > recent': [...recent(random, 40_000, 2000, 0.3), ...loop(3000, 40_000), ...recent(random, 40_000, 2000, 0.3)],
    'twice and never again': Array.from({ length: count }, (_, at) => (at % 2 === 0 ? at >> 1 : Math.max(0, (at >> 1) - 800))),
    'loops, longer each time': [500, 1000, 2000, 4000, 8000].flatMap(keys => loop(keys, 20_000)),
  }
}

/** New keys, and for the rest keys as long ago as an exponential of mean `depth` says. */
function recent(random, count, depth, fresh) {
  const ids = [0]
  for (let next = 1; ids.length < count; ) {
    const back = Math.floor(-Math.log(1 - random()) * depth) + 1
    ids.push(random() < fresh || back > ids.length ? next++ : ids[ids.length - back])
  }
  return ids
}

function zipf(random, keys, exponent, count) {
  const cumulative = []
  for (let rank = 1; rank <= keys; rank += 1) cumulative.push((cumulative.at(-1) ?? 0) + rank ** -exponent)
  return Array.from({ length: count }, () => firstAtLeast(cumulative, random() * cumulative[keys - 1]))
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

/** Each trace at its own pace, so that both end together. */
function mixed(one, other, random) {
  const ids = []
  for (let at = 0, otherAt = 0; at < one.length || otherAt < other.length; ) {
    const left = one.length - at
    ids.push(random() * (left + other.length - otherAt) < left ? one[at++] : other[otherAt++])
  }
  return ids
}

/** Keys that no trace has. */
function shifted(ids) {
  return ids.map(id => id + 2 ** 30)
}

/** Numbered anew by first appearance. */
function numbered(name, ids) {
  const numbers = new Map()
  const numberOf = id => {
    const number = numbers.get(id) ?? numbers.size
    numbers.set(id, number)
    return number
  }
  return { name, ids: Uint32Array.from(ids, numberOf) }
}

function mulberry32(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let scrambled = Math.imul(state ^ (state >>> 15), 1 | state)
    scrambled = (scrambled + Math.imul(scrambled ^ (scrambled >>> 7), 61 | scrambled)) ^ scrambled
    return ((scrambled ^ (scrambled >>> 14)) >>> 0) / 4294967296
  }
}
