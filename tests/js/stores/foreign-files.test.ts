import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Cache, createCache } from '../../../js/index.ts'
import { fileSystem } from '../../../js/stores/fs.ts'

let scratch: string
let path: string
let victim: string
const VICTIM = 'what somebody else needs'

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'shelflife-foreign-'))
  path = join(scratch, 'cache')
  victim = join(scratch, 'victim')
  writeFileSync(victim, VICTIM)
})
afterEach(() => rmSync(scratch, { recursive: true, force: true }))

/** What somebody may put in the place of a file. */
const PLANTED: Record<string, (file: string) => void> = {
  'a link to a file': file => symlinkSync(victim, file),
  'a link that leads nowhere': file => symlinkSync(join(scratch, 'none'), file),
  'a folder': file => mkdirSync(file),
  'a pipe that nobody writes to': file => execFileSync('mkfifo', [file]),
  'another file': file => writeFileSync(file, 'my diary '.repeat(1000)),
  'an empty file': file => writeFileSync(file, ''),
}
const numbered = (number: number) => `${String(number).padStart(10, '0')}.segments`

function open(): Cache<unknown> {
  // Memory holds one entry: all others are read from the files.
  return createCache({ max: 1, tiers: [{ store: fileSystem({ path }), timeout: '1m' }] })
}

const tierOf = (cache: Cache<unknown>) => {
  const { state, reason } = cache.stats().tiers[0] as { state: string; reason: string | undefined }
  return { state, reason }
}

/** 40 entries in a folder that is closed. */
async function fill(): Promise<void> {
  const cache = open()
  for (let at = 0; at < 40; at += 1) await cache.set(`k${at}`, `old ${at}`)
  for (let at = 0; at < 40; at += 2) await cache.set(`k${at}`, `new ${at}`, { persist: 'stored' })
  await cache.close()
}

const newest = (at: number) => `${at % 2 === 0 ? 'new' : 'old'} ${at}`

describe.runIf(process.platform === 'linux').each(Object.entries(PLANTED))('%s', (_, plant) => {
  test.each([2, 3, 9_999_999_999])('beside the files of a log, by the name of number %i, is in nobody’s way', async number => {
    await fill()
    plant(join(path, numbered(number)))
    for (let life = 0; life < 2; life += 1) {
      const cache = open()
      for (let at = 0; at < 40; at += 1) expect(await cache.get(`k${at}`)).toBe(newest(at))
      for (let round = 0; round < 3; round += 1) await cache.set('again', life, { persist: 'durable' })
      expect(tierOf(cache)).toEqual({ state: 'on', reason: undefined })
      await cache.close()
      const next = open()
      expect(await next.get('again')).toBe(life)
      await next.close()
    }
    expect(readFileSync(victim, 'utf8')).toBe(VICTIM)
  })

  test('in the place of a file of the log: what was in it is gone, and the log goes on', async () => {
    await fill()
    const [first = ''] = readdirSync(path).filter(name => name.endsWith('.segments'))
    rmSync(join(path, first))
    plant(join(path, first))
    for (let life = 0; life < 2; life += 1) {
      const cache = open()
      for (let at = 0; at < 40; at += 1) expect([undefined, newest(at)]).toContain(await cache.get(`k${at}`))
      await cache.set('again', life, { persist: 'durable' })
      expect(tierOf(cache)).toEqual({ state: 'on', reason: undefined })
      await cache.close()
    }
    expect(readFileSync(victim, 'utf8')).toBe(VICTIM)
  })

  test('in the place of the last word says nothing', async () => {
    await fill()
    rmSync(join(path, 'closed'))
    plant(join(path, 'closed'))
    for (let life = 0; life < 2; life += 1) {
      const cache = open()
      for (let at = 0; at < 40; at += 1) expect(await cache.get(`k${at}`)).toBe(newest(at))
      await cache.set('again', life, { persist: 'durable' })
      expect(tierOf(cache)).toEqual({ state: 'on', reason: undefined })
      await cache.clear()
      for (let at = 0; at < 40; at += 1) await cache.set(`k${at}`, newest(at))
      await cache.close()
    }
    expect(readFileSync(victim, 'utf8')).toBe(VICTIM)
  })
})

test('a file that somebody else owns in the place of the folder: the tier is off, and says why', async () => {
  writeFileSync(path, VICTIM)
  const cache = open()
  await cache.set('a', 1)
  expect(await cache.set('b', 2, { persist: 'stored' }).catch(error => error.code)).toBe('ERR_STORE')
  expect([await cache.get('b'), tierOf(cache).state]).toEqual([2, 'off'])
  await cache.close()
  expect(readFileSync(path, 'utf8')).toBe(VICTIM)
})
