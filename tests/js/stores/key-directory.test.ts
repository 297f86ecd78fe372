/** The directory of a log, asked by key. */

import { expect, test } from 'vitest'
import { plantTrap } from '../../../js/core/door.ts'
import { CoreTrappedError, createMemoryCache } from '../../../js/index.ts'
import { pack } from '../../../js/stores/directory.ts'
import { KeyDirectory } from '../../../js/tier/key-directory.ts'
import { packKeys, unpackKeys } from '../../../js/tier/packed-keys.ts'

const KEYS = [
  '',
  'a',
  'ä',
  '\ud800',
  '\u{1f642}',
  '\0shelflife\0',
  'x'.repeat(70_000),
  'ü'.repeat(9000),
  ...Array.from({ length: 3000 }, (_, at) => `user:${at}:profile`),
]

function filled(keys = KEYS): { directory: KeyDirectory; segments: number } {
  const directory = new KeyDirectory(2 ** 40)
  const outgoing = keys.map((key, at) => ({ key, bytes: Uint8Array.of(1, at), expiresAt: at + 1, writtenAt: 5, order: 0 }))
  const packed = pack(outgoing)
  // As it is written, and as it is read.
  for (const [at, segment] of packed.entries())
    expect(at % 2 === 0 ? directory.add(at + 1, 100, segment) : directory.play(at + 1, 100, segment.directory)).toBe(true)
  return { directory, segments: packed.length }
}

test('keys are exact, whatever their units are, and however many are asked for', () => {
  expect([...unpackKeys(packKeys(KEYS))]).toEqual(KEYS)
  expect([...unpackKeys(packKeys(KEYS, 3, 6))]).toEqual(KEYS.slice(3, 6))
  const { directory } = filled()
  const asked = ['no', ...KEYS, 'user', '\ud801']
  const places = directory.locateAll(asked, 0)
  for (const [at, key] of asked.entries()) {
    const place = directory.locate(key, 0)
    expect(place === undefined).toBe(!KEYS.includes(key))
    expect(directory.knows(key)).toBe(place !== undefined)
    expect(places.segment(at)).toBe(place?.segment ?? 0)
    if (place === undefined) continue
    expect([places.offset(at), places.length(at), places.check(at)]).toEqual([place.offset, place.length, place.check])
    expect([places.expiresAt(at), places.writtenAt(at)]).toEqual([KEYS.indexOf(key) + 1, 5])
  }
  expect([...directory.keys()].sort()).toEqual([...KEYS].sort())
  directory.free()
})

test('keys that only segments named which are gone are forgotten, and what is carried has its key', () => {
  const { directory, segments } = filled()
  const carried = Array.from({ length: segments }, (_, at) => directory.carry(at + 1, 0, false)).flat()
  expect(carried.map(({ key }) => key).sort()).toEqual([...KEYS].sort())
  expect(carried.every(({ key, value }) => value?.expiresAt === KEYS.indexOf(key) + 1)).toBe(true)
  directory.forget('a')
  expect([directory.locate('a', 0), directory.knows('a')]).toEqual([undefined, true])
  directory.remove(1)
  const left = KEYS.filter(key => directory.knows(key))
  expect(left.length).toBeLessThan(KEYS.length)
  expect([...directory.keys()].sort()).toEqual(left.sort())
  directory.clear()
  expect([...directory.keys()]).toEqual([])
  directory.free()
})

test('after a trap nothing is believed until it is made anew', () => {
  const { directory } = filled(['a', 'b'])
  const other = createMemoryCache()
  expect(() => plantTrap()).toThrow()
  expect(directory.lost).toBe(true)
  expect(() => directory.locateAll(['a'], 0)).toThrow(CoreTrappedError)
  directory.renew()
  expect([directory.knows('a'), [...directory.keys()]]).toEqual([false, []])
  directory.free()
  other.close()
})
