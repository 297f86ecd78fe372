// Runs in Node and in pages: what compression does to segments, and how fast. Of each format the median over the rounds; formats take turns.

import { FORM, platformZip } from '../../js/stores/compression.ts'
import { lz4Zip } from '../../js/tier/lz4.ts'

const FORMATS = [
  ['lz4', lz4Zip, FORM.lz4],
  ['deflate', platformZip(), FORM.deflate],
]

/**
 * By format: bytes before over bytes after, and MB of what was before, each second.
 * @param {{ segments: string[], rounds: number, more?: typeof FORMATS }} options Segments in base64.
 */
export default async function measure({ segments, rounds, more = [] }) {
  const bytes = segments.map(text => Uint8Array.from(atob(text), unit => unit.charCodeAt(0)))
  const before = bytes.reduce((sum, { length }) => sum + length, 0)
  const costs = new Map([...FORMATS, ...more].map(([name]) => [name, { compress: [], expand: [], after: 0 }]))
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, zip, form] of [...FORMATS, ...more]) {
      const cost = costs.get(name)
      const began = performance.now()
      const small = []
      for (const segment of bytes) small.push(await zip.compress(form, segment))
      const between = performance.now()
      for (const [at, segment] of small.entries()) {
        const { length } = await zip.expand(form, segment, bytes[at].length)
        if (length !== bytes[at].length) throw new Error(`${name} gave something else`)
      }
      cost.compress.push(between - began)
      cost.expand.push(performance.now() - between)
      cost.after = small.reduce((sum, { length }) => sum + length, 0)
    }
  }
  const rate = times => before / 1000 / times.sort((a, b) => a - b)[times.length >> 1]
  return Object.fromEntries(
    [...costs].map(([name, { compress, expand, after }]) => [
      name,
      { ratio: before / after, compressMBs: rate(compress), expandMBs: rate(expand) },
    ]),
  )
}
