// The package as users get it: packed, then installed into an empty project.

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const QUIET = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']

/** A project with the tarball installed. `folder` is the project, `shelflife` the installed package; `remove()` it. */
export function installTarball() {
  const folder = mkdtempSync(join(tmpdir(), 'shelflife-consumer-'))
  npm(['pack', '--pack-destination', folder, ...QUIET], root)
  const tarball = readdirSync(folder).find(name => name.endsWith('.tgz'))
  if (tarball === undefined) throw new Error('npm pack made no tarball')
  writeFileSync(join(folder, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }\n')
  npm(['install', '--offline', `./${tarball}`, ...QUIET], folder)
  return { folder, shelflife: join(folder, 'node_modules/shelflife'), remove: () => rmSync(folder, { recursive: true }) }
}

/**
 * Writes a file of the project and gives its path.
 * @param {string} folder
 * @param {string} name
 * @param {string} text
 */
export function write(folder, name, text) {
  const file = join(folder, name)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  return file
}

/**
 * Runs a module of the project in a plain Node of its own and gives what it printed, as JSON.
 * @param {string} file
 */
export function runInNode(file) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { cwd: dirname(file), encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

/** @param {string} folder */
export function filesOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1))
}

/**
 * @param {string[]} args
 * @param {string} cwd
 */
function npm(args, cwd) {
  // Under `npm publish --dry-run` and the like, npm's own settings would come along.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_config_(dry_run|json|pack_destination)$/i.test(name)),
  )
  execFileSync('npm', args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] })
}

/**
 * The parts of the core. The scripts are not type-checked, so this is loaded by its address.
 * @type {readonly string[]}
 */
export const PARTS = Object.keys((await import(String(new URL('../../scripts/core.mjs', import.meta.url)))).PARTS)
