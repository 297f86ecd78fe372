import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { systemClock } from '../../../js/clock.ts'
import { storeContext } from '../../../js/core/tier-core.ts'
import { killedKinds, killedStore } from './killed-store.ts'

/** `SHELFLIFE_KILLS=200 npx vitest run kill` for more. */
const CYCLES = Number(process.env.SHELFLIFE_KILLS ?? 8)

interface Operation {
  readonly serial: number
  readonly isDelete: boolean
}

test.each(killedKinds)(
  `%s: ${CYCLES} processes killed while they write: all that was acknowledged is there, and nothing that was not written`,
  {
    timeout: 20_000 + CYCLES * 3000,
  },
  async kind => {
    const folder = mkdtempSync(join(tmpdir(), 'shelflife-kill-'))
    try {
      const child = join(folder, 'child.mjs')
      const entry = fileURLToPath(new URL('kill-child.ts', import.meta.url))
      await build({ entryPoints: [entry], bundle: true, format: 'esm', platform: 'node', outfile: child, logLevel: 'error' })
      const path = join(folder, 'log')
      /** By key: the operations that may be the last one that counts. The first is certain, the others were under way. */
      const possible = new Map<string, Operation[]>()
      let serial = 1
      let acknowledged = 0
      for (let cycle = 0; cycle < CYCLES; cycle += 1) {
        const lines = await writeAndDie(child, kind, path, serial)
        expect(lines[0]).toBe('state on {}')
        for (const line of lines.slice(1)) {
          const [what, number, key = ''] = line.split(' ')
          const own = Number(number)
          if (what === 'ack') {
            acknowledged += 1
            for (const [name, operations] of possible) {
              if (operations.some(operation => operation.serial === own))
                possible.set(
                  name,
                  operations.filter(operation => operation.serial >= own),
                )
            }
          } else {
            serial = Math.max(serial, own + 1)
            possible.set(key, [...(possible.get(key) ?? [{ serial: 0, isDelete: true }]), { serial: own, isDelete: what === 'delete' }])
          }
        }
        await verify(kind, path, possible)
      }
      expect(acknowledged).toBeGreaterThan(CYCLES * 20)
      console.info(
        `${kind}: ${acknowledged} acknowledged writes, ${CYCLES} kills, 0 lost; 95 % bound ${((3 / CYCLES) * 100).toFixed(1)} % a kill`,
      )
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
)

function writeAndDie(child: string, kind: string, path: string, serial: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const writer = spawn(process.execPath, [child, kind, path, String(serial)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, SHELFLIFE_TESTS: import.meta.url },
    })
    let output = ''
    writer.stdout.setEncoding('utf8')
    writer.stdout.on('data', (text: string) => {
      if (output === '') setTimeout(() => writer.kill('SIGKILL'), Math.random() ** 2 * 300)
      output += text
    })
    writer.on('error', reject)
    // The last line may be cut off by the kill, and then says nothing.
    writer.on('close', () => resolve(output.split('\n').slice(0, -1)))
  })
}

async function verify(kind: string, path: string, possible: Map<string, Operation[]>): Promise<void> {
  const tier = killedStore(kind, path).openTier(storeContext(systemClock))
  await tier.open()
  expect(tier.stats().state).toBe('on')
  const keys = [...possible.keys()]
  const found = await tier.getMany(keys)
  for (const [index, key] of keys.entries()) {
    const value = found[index]?.value as { own: number; text: string } | undefined
    const operations = possible.get(key) as Operation[]
    const match = operations.filter(({ serial, isDelete }) => (value === undefined ? isDelete : serial === value.own && !isDelete))
    expect(match, `${key}: ${JSON.stringify(operations)} but found ${value?.own}`).not.toEqual([])
    if (value !== undefined) expect(value.text.startsWith(`${value.own};`) || value.text === '').toBe(true)
    possible.set(key, [match.at(-1) as Operation])
  }
  expect(tier.stats().errors).toEqual({})
  await tier.close()
}
