// What README.md and docs/guide say, tried on the installed package: examples compile strictly and run, options exist and have the defaults that are named.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { placeOf, readExamples, writeExample } from './examples.mjs'
import { installTarball, root, write } from './installed.mjs'
import { moduleOf, optionsIn, wrongDefaults } from './option-tables.mjs'

const { folder, shelflife, remove } = installTarball()
after(remove)
const pages = ['README.md', ...readdirSync(join(root, 'docs/guide')).map(name => `docs/guide/${name}`)]
const examples = pages.flatMap(page => readExamples(root, page))
const rows = pages.flatMap(page => optionsIn(page, readFileSync(join(root, page), 'utf8')))

/** What readers have installed beside it. */
for (const name of ['@opentelemetry/sdk-metrics', 'keyv', 'redis', 'undici', 'better-sqlite3']) {
  const found = ['tests', '.'].map(place => join(root, place, 'node_modules', name)).find(existsSync)
  if (found === undefined) continue
  mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true })
  symlinkSync(found, join(folder, 'node_modules', name))
}

test('every example compiles strictly, and every option in a table exists', async () => {
  assert.ok(examples.length > 40 && rows.length > 150, `${examples.length} examples, ${rows.length} options`)
  for (const example of examples) await writeExample(folder, example)
  write(folder, 'examples/options.ts', moduleOf(rows))
  const compilerOptions = {
    ...{ strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: true, allowJs: true },
    ...{ target: 'es2022', module: 'nodenext', moduleResolution: 'nodenext', lib: ['es2023', 'esnext.disposable', 'dom', 'dom.iterable'] },
    ...{ types: ['node'], typeRoots: [join(root, 'node_modules/@types')] },
  }
  const project = write(folder, 'tsconfig.json', JSON.stringify({ compilerOptions, include: ['examples/**/*.ts', 'examples/**/*.js'] }))
  try {
    execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project], { encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    assert.fail(/** @type {{ stdout: string }} */ (error).stdout)
  }
})

test('every example that Node can run runs, and prints what it says', () => {
  const files = examples.filter(({ needs, name }) => needs === '' && name === undefined).map(example => placeOf(folder, example))
  const script = join(root, 'tests/packaging/run-examples.mjs')
  const { stdout, stderr } = spawnSync(process.execPath, [script, ...files], { encoding: 'utf8' })
  assert.doesNotThrow(() => JSON.parse(stdout), `${stdout}\n${stderr}`)
  assert.deepEqual(JSON.parse(stdout), {})
})

test('every default in a table is the one that the comment of the option says', () => {
  assert.deepEqual(wrongDefaults(join(shelflife, 'dist/types'), rows), [])
})
