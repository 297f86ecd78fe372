#!/usr/bin/env node
// `npm run crash`: the crash tests of the stores in files and in SQLite, at length: processes killed while they write, power failures under random
// work, damaged files, failing statements. SHELFLIFE_KILLS, SHELFLIFE_POWER_LOSSES and SHELFLIFE_MUTATIONS say how many,
// SHELFLIFE_FAULT_STEP at which statements of SQLite: at each, at every second …

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { setupOrExit } from './setup.mjs'
import { root } from './toolchain.mjs'

const USUAL = { SHELFLIFE_KILLS: '200', SHELFLIFE_POWER_LOSSES: '1000', SHELFLIFE_MUTATIONS: '10000', SHELFLIFE_FAULT_STEP: '1' }

await setupOrExit('test')
const args = [
  'node_modules/vitest/vitest.mjs',
  'run',
  'js/stores/kill',
  'js/stores/power-loss',
  'js/stores/mutations',
  'js/stores/sqlite-faults',
  'js/stores/file-faults',
]
const env = { ...USUAL, ...process.env }
process.exitCode = spawnSync(process.execPath, args, { cwd: join(root, 'tests'), stdio: 'inherit', env }).status ?? 1
