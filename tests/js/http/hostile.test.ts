/** An origin that means harm, for real on loopback, in a process of its own; the client in another, so that what it takes can be measured. */

import { fork } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { beforeAll, describe, expect, test } from 'vitest'
import { CUTS_AT_ONCE, deadlineOf, framings, groups, LIMIT, ways } from './hostile/cases.ts'
import type { Cuts, Remains, Row, Told } from './hostile/client.ts'
import { LENGTHS } from './hostile/pieces.ts'

const MIB = 1024 ** 2
/** What a hostile origin may cost beyond what its answers may be large. */
const ALLOWANCE = 32 * MIB
const AT_REST = { inflight: 0, queued: 0, sleeping: 0 }

const rows = new Map<string, Row>()
const cuts = new Map<string, Cuts>()
let remains: Remains
let bomb = 0

beforeAll(async () => {
  // Beside the packages that it may import.
  const target = fileURLToPath(new URL('../../../target/tests/', import.meta.url))
  mkdirSync(target, { recursive: true })
  const folder = mkdtempSync(join(target, 'hostile-'))
  try {
    const at = (name: string) => join(folder, `${name}.mjs`)
    const [client, origin] = ['client', 'origin'].map(name => fileURLToPath(new URL(`hostile/${name}.ts`, import.meta.url)))
    const entryPoints = { client: client as string, origin: origin as string }
    const made = { outdir: folder, outExtension: { '.js': '.mjs' }, external: ['undici'], bundle: true }
    await build({ entryPoints, ...made, format: 'esm', platform: 'node', logLevel: 'error' })
    await listen(at('client'), at('origin'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}, 180_000)

function listen(client: string, origin: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = fork(client, [origin])
    child.on('message', (told: Told) => {
      if ('row' in told) rows.set(nameOf(told.row.name, told.row.way, told.row.times), told.row)
      else if ('cuts' in told) cuts.set(told.cuts.framing, told.cuts)
      else if ('remains' in told) remains = told.remains
      else bomb = told.bomb
    })
    child.on('error', reject)
    child.on('exit', code => (code === 0 ? resolve() : reject(new Error(`the client ended with ${code}`))))
  })
}

function nameOf(name: string, way: string, times = 1): string {
  return `${name}, by ${way}${times === 1 ? '' : `, ${times} at once`}`
}

for (const [group, cases] of Object.entries(groups)) {
  describe(`hostile origin: ${group}`, () => {
    const all = cases.flatMap(hostile => (hostile.ways ?? ways).map(way => [nameOf(hostile.name, way, hostile.times), hostile] as const))
    test.each(all)('%s', (name, hostile) => {
      const row = rows.get(name) as Row
      const { codes, times = 1, isKept = codes.length === 0, once = codes.includes('ERR_RESPONSE_TOO_LARGE') } = hostile
      expect(row.ends).toHaveLength(times)
      for (const { text, code, phases, attempts = 0 } of row.ends) {
        if (codes.length === 0) {
          if (!('text' in hostile) || hostile.text !== undefined) expect(text).toBe(hostile.text ?? 'good')
          continue
        }
        expect(codes).toContain(code)
        expect(Object.keys(phases ?? {}).sort()).toEqual(['attempts', 'backoff', 'body', 'connect', 'firstByte', 'queue', 'rate'])
        for (const ms of Object.values(phases ?? {})) expect(ms).toBeGreaterThanOrEqual(0)
        expect(attempts).toBeGreaterThan(0)
        expect(attempts).toBeLessThanOrEqual(once ? 1 : 2)
      }
      expect(row.ms).toBeLessThanOrEqual(deadlineOf(hostile) + 250)
      expect(row.grown.resident).toBeLessThanOrEqual(times * LIMIT + ALLOWANCE)
      expect(row.grown.buffers).toBeLessThanOrEqual(times * LIMIT + ALLOWANCE)
      if (!isKept) expect(row.kept).toEqual([])
      expect(row.load).toEqual(AT_REST)
      expect(row.busy).toBe(0)
      expect(row.afterwards).toBe('good')
    })
  })
}

describe('hostile origin: truncation', () => {
  test.each(framings)('at every byte of 4 KiB, %s', framing => {
    const cut = cuts.get(framing) as Cuts
    expect(cut.ends).toEqual({ ERR_NETWORK: LENGTHS[framing] })
    expect(cut).toMatchObject({ kept: 0, load: AT_REST, busy: 0, isWholeRight: true })
    expect(cut.grown.resident).toBeLessThanOrEqual(CUTS_AT_ONCE * LIMIT + ALLOWANCE)
    expect(cut.grown.buffers).toBeLessThanOrEqual(CUTS_AT_ONCE * LIMIT + ALLOWANCE)
  })
})

describe('hostile origin', () => {
  test('the bomb is one: 200 MiB in less than 317 bytes', () => {
    expect(bomb).toBeGreaterThan(0)
    expect(bomb).toBeLessThan(317)
  })

  test('answers that must not be kept are in nobody’s memory once they are given', () => {
    expect(remains.transferred).toBe(100 * MIB)
    expect(remains.held).toBeLessThan(MIB)
  })

  test('who leaves for another origin takes along nothing that says who asks, and does not get it back', () => {
    for (const way of ways) {
      const heads = rows.get(nameOf('redirect-across', way))?.heads.filter(head => head.includes('across')) ?? []
      expect(heads).toHaveLength(21)
      expect(heads[0]).toMatch(/authorization: me/i)
      for (const head of heads.slice(1)) {
        expect(head).not.toMatch(/authorization|x-key|cookie/i)
        expect(head).toMatch(/accept: x\/y/i)
      }
    }
  })
})
