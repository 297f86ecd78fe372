#!/usr/bin/env node
// `npm run crash`: the crash tests of the stores, at length: processes and browsers killed while they write, power failures under random work,
// damaged files and records, failing statements, calls and requests, connections closed by force, tabs that freeze and close. SHELFLIFE_KILLS,
// SHELFLIFE_POWER_LOSSES, SHELFLIFE_MUTATIONS, SHELFLIFE_CORRUPTIONS, SHELFLIFE_CLOSES and SHELFLIFE_TAB_ROUNDS say how many, SHELFLIFE_FAULT_STEP at
// which statements, commands and requests: at each, at every second … `npm run crash -- pages` or `-- processes` runs one half.

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { setupOrExit } from './setup.mjs'
import { root } from './toolchain.mjs'

const PROCESSES = { SHELFLIFE_KILLS: '200', SHELFLIFE_POWER_LOSSES: '1000', SHELFLIFE_MUTATIONS: '10000', SHELFLIFE_FAULT_STEP: '1' }
const PAGES = {
  SHELFLIFE_KILLS: '100',
  SHELFLIFE_CLOSES: '100',
  SHELFLIFE_MUTATIONS: '1000',
  SHELFLIFE_TAB_ROUNDS: '500',
  SHELFLIFE_CORRUPTIONS: '100',
  SHELFLIFE_FAULT_STEP: '1',
}

const halves = {
  processes: () =>
    run('tests', PROCESSES, [
      'node_modules/vitest/vitest.mjs',
      'run',
      'js/stores/kill',
      'js/stores/power-loss',
      'js/stores/mutations',
      'js/stores/sqlite-faults',
      'js/stores/file-faults',
      'js/stores/redis-faults',
      'js/stores/keyv-faults',
    ]),
  pages: () =>
    run('.', PAGES, [
      '--test',
      '--test-reporter=spec',
      '--test-concurrency=1',
      ...['corruption', 'faults', 'healing', 'healing-engines', 'kill', 'lifecycle', 'tabs'].map(name => `tests/e2e/${name}.test.mjs`),
    ]),
}

/**
 * @param {string} folder
 * @param {Record<string, string>} usual
 * @param {string[]} args
 */
function run(folder, usual, args) {
  const env = { ...usual, ...process.env }
  return spawnSync(process.execPath, args, { cwd: join(root, folder), stdio: 'inherit', env }).status ?? 1
}

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(halves)
if (names.some(name => !(name in halves))) {
  console.error(`usage: npm run crash [-- ${Object.keys(halves).join(' | ')}]`)
  process.exit(2)
}
await setupOrExit('test')
process.exitCode = Math.max(...names.map(name => halves[/** @type {keyof typeof halves} */ (name)]()))
