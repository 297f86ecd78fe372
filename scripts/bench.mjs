#!/usr/bin/env node
// `npm run bench:NAME [-- args]`: sets up what benches need, then runs benches/NAME.bench.mjs alone. Only the bench writes to stdout.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setupOrExit } from './setup.mjs'
import { root } from './toolchain.mjs'

const [name, ...args] = process.argv.slice(2)
const file = join(root, `benches/${name}.bench.mjs`)
if (name === undefined || !existsSync(file)) {
  console.error('usage: node scripts/bench.mjs <name> [--json]; the benches are benches/<name>.bench.mjs')
  process.exit(2)
}
const inBrowsers = name === 'indexeddb' || args.includes('--engine')
await setupOrExit(inBrowsers ? 'bench-browsers' : name === 'stores' ? 'bench-stores' : 'bench')
process.exitCode = spawnSync(process.execPath, [file, ...args], { stdio: 'inherit' }).status ?? 1
