// Replays traces through the cache machine, natively, in several processes.

import { spawn, spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { root, target, toolEnv } from '../../scripts/toolchain.mjs'

const FEWEST_ENTRIES = 100

/** Builds the program that replays. Whether that went well. */
export function build() {
  const { status } = spawnSync('cargo', ['build', '--quiet', '--release', '--example', 'hit-ratio'], {
    cwd: root,
    env: toolEnv({ CARGO_TARGET_DIR: target }),
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return status === 0
}

/**
 * By trace, the cells of it: its name, the label of the size, the entries, and the share of accesses that were hits.
 * @param {Iterable<{ name: string, ids: Uint32Array }>} traces
 * @param {{ policy: string, seed: string, shares: [label: string, share: number][] }} options
 */
export async function measure(traces, { policy, seed, shares }) {
  const measured = []
  const waiting = Array.from(traces, (trace, at) => ({ trace, at }))
  const measureNext = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { name, ids } = next.trace
      const sizes = sizesFor(new Set(ids).size, shares)
      const hits = await replay(ids, [policy, seed, ...Array.from(sizes.keys(), String)])
      measured[next.at] = Array.from(sizes, ([entries, size], at) => ({ trace: name, size, entries, hitRatio: hits[at] / ids.length }))
    }
  }
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, measureNext))
  return measured
}

/** Labels by the number of entries: shares of the distinct keys, but at least 100; sizes that would be the same are one. */
function sizesFor(distinct, shares) {
  const sizes = new Map()
  for (const [label, share] of shares) {
    const entries = Math.floor(distinct * share)
    if (entries <= FEWEST_ENTRIES) sizes.set(FEWEST_ENTRIES, String(FEWEST_ENTRIES))
    else if (!sizes.has(entries)) sizes.set(entries, label)
  }
  return sizes
}

function replay(ids, args) {
  return new Promise((resolve, reject) => {
    const program = spawn(join(target, 'release/examples/hit-ratio'), args, { stdio: ['pipe', 'pipe', 'inherit'] })
    let output = ''
    program.stdout.setEncoding('utf8').on('data', text => {
      output += text
    })
    program.on('error', reject)
    program.on('close', code =>
      code === 0 ? resolve(output.trim().split('\n').map(Number)) : reject(new Error(`hit-ratio ended with ${code}`)),
    )
    program.stdin.on('error', reject)
    program.stdin.end(new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength))
  })
}
