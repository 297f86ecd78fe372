import { expect, test } from 'vitest'
import { History } from '../../../js/stores/fs/history.ts'
import { FsMedium } from '../../../js/stores/fs/medium.ts'
import { UnsyncedDisk } from './unsynced-files.ts'

const call = { signal: new AbortController().signal }
const text = (value: string) => new TextEncoder().encode(value)

test('a segment whose keys stood in a file that is removed is lost by itself, and the others are listed', async () => {
  const disk = new UnsyncedDisk()
  const medium = new FsMedium('/cache', { openLayer: async () => disk.layer(), fileBytes: 500 })
  await medium.open(call)
  await medium.list(0, call)
  // A file each.
  for (const name of ['damaged', 'removed', 'sound']) {
    await medium.append([{ directory: text(name), payload: new Uint8Array(600) }], 'durable', call)
  }
  await medium.remove([2], call)
  const file = disk.names.get('0000000001.segments')
  expect(disk.names.has('0000000002.segments')).toBe(false)
  const at = Buffer.from(file?.bytes ?? []).indexOf('damaged')
  expect(at).toBeGreaterThan(0)
  file?.bytes.fill(0, at, at + 1)
  expect(await medium.list(0, call)).toMatchObject([
    { id: 1, directory: text(''), keys: undefined },
    { id: 3, directory: text('sound') },
  ])
})

test('what files have said that are removed is forgotten', async () => {
  const history = new History()
  const asked: number[] = []
  const keys = (number: number) => async () => {
    asked.push(number)
    return undefined
  }
  for (let number = 1; number <= 100; number += 1) {
    const files = number === 1 ? [] : [[1, 10] as const, [number - 1, 10] as const]
    history.begin(number, { next: number, files, gone: [], of: 1 }, keys(number))
    const removed = number - 2
    if (removed > 1) history.note({ gone: [], unlinked: [removed], cut: [[removed, 5]] })
    history.prune(new Map(files))
  }
  expect(await history.keysOf(1)).toBeUndefined()
  expect(asked).toEqual([1, 99, 100])
  expect(history.sizeOf(98)).toBeUndefined()
  expect(history.sizeOf(99)).toBe(10)
  expect([history.next, history.last]).toEqual([100, 100])
})
