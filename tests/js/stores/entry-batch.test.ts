/** Entries that are decoded together are what each is by itself, whatever lies beside them. */

import { expect, test } from 'vitest'
import { decodeEntries } from '../../../js/stores/entry-batch.ts'
import { decodeEntry, encodeEntry } from '../../../js/stores/entry-bytes.ts'
import type { EntryFacts } from '../../../js/stores/tier.ts'
import { mulberry } from './mulberry.ts'

const VALUES: readonly unknown[] = [
  ...[null, 0, -0, 'x', '', 'Grüße, 你好 \u{1f642}', [], {}, [1, [2, ',']], { a: { b: '}' } }, '\u0001,]', '"', true],
  ...[new Date(5), new Map([[1, 2]]), 10n, Number.NaN, new Uint8Array([44, 93, 1]), '\ud800', 'long '.repeat(400)],
]
const FACTS: readonly (EntryFacts | undefined)[] = [undefined, undefined, { era: 1.5 }, { tags: ['ü', ','] }, { era: 3, etag: '"e"' }]

/** The entries one behind the other, with something between some of them, and the order in which they are asked for. */
function laid(random: () => number, count: number): { payload: Uint8Array; starts: number[]; ends: number[] } {
  const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)] as T
  const pieces: Uint8Array[] = []
  const spans: [number, number][] = []
  let end = 0
  for (let at = 0; at < count; at += 1) {
    if (random() < 0.2) pieces.push(new Uint8Array(3).fill(1))
    pieces.push(encodeEntry({ value: pick(VALUES), facts: pick(FACTS) } as Parameters<typeof encodeEntry>[0]))
    end = pieces.reduce((sum, { length }) => sum + length, 0)
    spans.push([end - (pieces.at(-1) as Uint8Array).length, end])
  }
  if (random() < 0.5) spans.sort(() => random() - 0.5)
  const payload = new Uint8Array(end)
  let at = 0
  for (const piece of pieces) {
    payload.set(piece, at)
    at += piece.length
  }
  return { payload, starts: spans.map(([start]) => start), ends: spans.map(([, to]) => to) }
}

function alone(payload: Uint8Array, start: number, end: number): unknown {
  try {
    return decodeEntry(payload.subarray(start, end))
  } catch {
    return undefined
  }
}

test('together they are what they are one by one', () => {
  const random = mulberry(7)
  for (let round = 0; round < 2000; round += 1) {
    const { payload, starts, ends } = laid(random, Math.floor(random() * 12))
    const copy = payload.slice()
    expect(decodeEntries(payload, starts, ends)).toEqual(starts.map((start, at) => alone(payload, start, ends[at] as number)))
    expect(payload).toEqual(copy)
  }
})

test('a damaged one harms no other', () => {
  const random = mulberry(8)
  for (let round = 0; round < 2000; round += 1) {
    const { payload, starts, ends } = laid(random, 8)
    const hit = Math.floor(random() * 8)
    const [start, end] = [starts[hit] as number, ends[hit] as number]
    payload.fill(Math.floor(random() * 256), start, start + 1 + Math.floor(random() * (end - start)))
    const found = decodeEntries(payload, starts, ends)
    for (const [at, from] of starts.entries()) if (at !== hit) expect(found[at]).toEqual(alone(payload, from, ends[at] as number))
    expect(found[hit]).toEqual(alone(payload, start, end))
  }
})

test('text that is two values is none', () => {
  const bytes = [...'\u0001[1\u0001,2\u0001[3]\u00014,5'].map(unit => unit.charCodeAt(0))
  expect(decodeEntries(Uint8Array.from(bytes), [6, 3, 10], [10, 6, 14])).toEqual([{ value: [3] }, undefined, undefined])
  expect(decodeEntries(Uint8Array.from(bytes), [0, 6, 10], [3, 10, 14])).toEqual([undefined, { value: [3] }, undefined])
})
