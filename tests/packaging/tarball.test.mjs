// What is in the tarball, and what is not.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { filesOf, installTarball, PARTS, root } from './installed.mjs'

const { shelflife, remove } = installTarball()
after(remove)
const files = filesOf(shelflife)
const manifest = JSON.parse(readFileSync(join(shelflife, 'package.json'), 'utf8'))

/** Every file that the exports map names. */
const exported = Object.values(manifest.exports)
  .flatMap(to => (typeof to === 'string' ? [to] : Object.values(to)))
  .map(to => to.replace('./', ''))

test('it holds dist/, docs/, the licences, and what npm always takes', () => {
  const others = files.filter(file => !/^(?:dist|docs)\//.test(file)).sort()
  assert.deepEqual(others, ['CHANGELOG.md', 'LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'package.json'])
})

test('what its pages link to is in it', () => {
  const pages = files.filter(file => file.endsWith('.md'))
  for (const page of pages)
    for (const [, link = ''] of readFileSync(join(shelflife, page), 'utf8').matchAll(/\]\(((?!https:|#)[^)\s#]+)/g))
      assert.ok(files.includes(join(dirname(page), link)), `${page} links to ${link}`)
})

test('compilers that do not read the exports map find the same types', () => {
  const [patterns] = Object.values(manifest.typesVersions)
  for (const [path, { types }] of Object.entries(manifest.exports).filter(([, to]) => to.types !== undefined)) {
    const [pattern = '', [to = ''] = []] = Object.entries(patterns).find(([pattern]) => fits(path.slice(2), pattern)) ?? []
    const found = path === '.' ? manifest.types : to.replace('*', path.slice(2).replace(pattern.replace('*', ''), ''))
    assert.equal(found, types, path)
  }
})

/**
 * @param {string} path
 * @param {string} pattern
 */
function fits(path, pattern) {
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern
}

const commands = Object.values(manifest.bin)

test('the exports map, the commands and dist/ say the same', () => {
  for (const file of [...exported, ...commands]) assert.ok(files.includes(file), `${file} is named but not there`)
  const entries = files.filter(file => /^dist\/(?!chunks\/|types\/).+\.(js|wasm)$/.test(file))
  for (const file of entries) assert.ok(exported.includes(file) || commands.includes(file), `${file} is there but not named`)
})

test('it needs nothing and runs nothing when it is installed', () => {
  assert.equal(manifest.dependencies, undefined)
  assert.equal(manifest.optionalDependencies, undefined)
  assert.deepEqual(
    ['preinstall', 'install', 'postinstall', 'prepare'].filter(name => name in manifest.scripts),
    [],
  )
})

test('it is ESM without side effects', () => {
  assert.equal(manifest.type, 'module')
  assert.equal(manifest.sideEffects, false)
})

test('no path of this machine is in it', () => {
  const paths = [root, homedir(), process.env.CARGO_HOME, tmpdir(), '/home/', '/root/', '/Users/'].filter(
    path => path !== undefined && path !== '/',
  )
  for (const file of files) {
    const text = readFileSync(join(shelflife, file), 'latin1')
    const found = paths.filter(path => text.includes(/** @type {string} */ (path)))
    assert.deepEqual(found, [], file)
  }
})

test('each part of the core is in one file, and core.wasm is what slim takes', async () => {
  const carriers = new Set()
  for (const part of PARTS) {
    const { text } = await import(`../../js/core/generated/${part}/inline.js`)
    const found = files.filter(file => file.endsWith('.js') && readFileSync(join(shelflife, file), 'utf8').includes(text))
    assert.equal(found.length, part === 'shelflife' ? 0 : 1, `${part}: ${found.join(', ')}`)
    for (const file of found) carriers.add(file)
  }
  assert.equal(carriers.size, PARTS.length - 1, 'no file carries two')
  assert.ok(!carriers.has('dist/slim.js'))
  const built = readFileSync(join(root, 'js/core/generated/shelflife/shelflife.wasm'))
  assert.deepEqual(readFileSync(join(shelflife, 'dist/core.wasm')), built)
})
