// Zipf-distributed ranks as in the demo, shuffled over the keys so that neighbours in memory are not neighbours in rank.

import { randomFrom } from '../../www/shared/random.mjs'
import { zipf as ranks } from '../../www/shared/zipf.mjs'

/** @param {{ count: number, keys: number, seed: number }} options */
export function zipf({ count, keys, seed }) {
  const random = randomFrom(seed)
  const place = Array.from({ length: keys }, (_, at) => at)
  for (let at = keys - 1; at > 0; at -= 1) {
    const other = Math.floor(random() * (at + 1))
    ;[place[at], place[other]] = [place[other], place[at]]
  }
  const next = ranks({ keys, seed: seed + 1000 })
  return Array.from({ length: count }, () => place[next()])
}
