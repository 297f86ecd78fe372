// What `npm test` runs. A suite gives `{ passed, failed, skipped, output, note }`; it counts real test cases, a check counts as one.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, firefox } from './browsers.mjs'
import { rules } from './check-layers.mjs'
import { added, BUDGET_BYTES } from './check-size.mjs'
import { attempt } from './run.mjs'
import { root, target, toolEnv, wasmEnv } from './toolchain.mjs'

const WASM = 'wasm32-unknown-unknown'
const programs = {
  biome: 'tests/node_modules/@biomejs/biome/bin/biome',
  tsc: 'node_modules/typescript/bin/tsc',
  vitest: 'tests/node_modules/vitest/vitest.mjs',
}
const ourTarget = { CARGO_TARGET_DIR: target }
/** They measure tasks of a page and the like: nothing runs beside them. */
const TIMED = new Set(['http', 'leaving', 'lifecycle', 'main-job', 'readers', 'workers-chromium'].map(name => `${name}.test.mjs`))

export const suites = [
  { name: 'fmt', lane: 'cargo', what: 'rustfmt has nothing to change', run: fmt },
  { name: 'clippy', lane: 'cargo', what: 'clippy for the native build, warnings denied', run: () => clippy([], toolEnv(ourTarget)) },
  { name: 'clippy-wasm', lane: 'cargo', what: 'clippy for wasm32, warnings denied', run: clippyWasm },
  { name: 'cargo', lane: 'cargo', what: 'Rust tests, natively', run: cargoTests },
  { name: 'wasm-node', lane: 'cargo', what: 'Rust tests of tests/ inside Node', run: () => wasmPack(['--node']) },
  {
    name: 'wasm-chromium',
    lane: 'cargo',
    what: 'the same inside headless Chromium',
    run: () => wasmPackIn('chrome', 'chromedriver', chromium()),
  },
  {
    name: 'wasm-firefox',
    lane: 'cargo',
    what: 'the same inside headless Firefox',
    run: () => wasmPackIn('firefox', 'geckodriver', firefox()),
  },
  {
    name: 'biome',
    lane: 'js',
    what: 'lint and format',
    run: () => check(programs.biome, ['check', '--error-on-warnings', '--colors=off']),
  },
  { name: 'types', lane: 'js', what: 'strict TypeScript: js/ and www/', run: () => check(programs.tsc, ['-p', '.']) },
  { name: 'types-of-tests', lane: 'js', what: 'strict TypeScript: tests/', run: () => check(programs.tsc, ['-p', 'tests']) },
  { name: 'layers', lane: 'js', what: 'who may know whom', run: layers },
  { name: 'size', lane: 'js', what: 'what createCache adds to a bundle', run: size },
  { name: 'house', lane: 'js', what: 'each layer check fails on a planted violation', run: () => nodeTests('tests/house') },
  { name: 'vitest', lane: 'js', what: 'TypeScript tests', run: vitest },
  { name: 'packaging', lane: 'cargo', what: 'the packed tarball, as users get it', run: () => nodeTests('tests/packaging') },
  {
    name: 'pages',
    lane: 'js',
    what: 'pages in browsers, two files at a time',
    run: () => nodeTests('tests/e2e', { only: file => !TIMED.has(file), atOnce: 2 }),
  },
  {
    name: 'pages-timed',
    lane: 'last',
    what: 'those that measure how long something takes',
    run: () => nodeTests('tests/e2e', { only: file => TIMED.has(file) }),
  },
]

async function fmt() {
  const made = await Promise.all(
    ['Cargo.toml', 'scripts/bindgen/Cargo.toml'].map(manifest => attempt('cargo', ['fmt', '--check', '--manifest-path', manifest])),
  )
  return oneCheck(
    made.every(({ code }) => code === 0),
    made.map(({ output }) => output).join(''),
  )
}

async function clippy(args, env) {
  const { code, output } = await attempt('cargo', ['clippy', '--quiet', '--all-targets', ...args, '--', '-D', 'warnings'], { env })
  return oneCheck(code === 0, output)
}

async function clippyWasm() {
  const env = wasmEnv(ourTarget)
  const there = await attempt('cargo', ['clippy', '--version'], { env })
  if (there.code !== 0) return { skipped: 1, note: 'the wasm toolchain of this machine has no clippy' }
  return clippy(['--target', WASM], env)
}

async function cargoTests() {
  const { code, output } = await attempt('cargo', ['test', '--quiet'], { env: toolEnv(ourTarget) })
  return countCargo(code, output)
}

async function wasmPackIn(name, driverName, { browser, driver }) {
  if (browser === undefined || driver === undefined) return { skipped: 1, note: `${name} or ${driverName} is not installed` }
  return wasmPack(['--headless', `--${name}`, `--${driverName}`, driver], { WASM_BINDGEN_USE_BROWSER: '1' })
}

async function wasmPack(args, extra = {}) {
  const env = wasmEnv({ ...ourTarget, WASM_BINDGEN_TEST_TIMEOUT: '300', ...extra })
  const { code, output } = await attempt('wasm-pack', ['--log-level', 'warn', 'test', ...args], { env })
  return countCargo(code, output)
}

/** Reads the lines with which Rust's runners sum up, one for each test binary. */
function countCargo(code, output) {
  const sums = Array.from(output.matchAll(/^test result: .*?(\d+) passed; (\d+) failed; (\d+) ignored/gm), ([, ...counts]) =>
    counts.map(Number),
  )
  const [passed, failed, skipped] = [0, 1, 2].map(at => sums.reduce((sum, counts) => sum + counts[at], 0))
  return { passed, failed: code === 0 ? failed : Math.max(failed, 1), skipped, output }
}

async function layers() {
  const found = Object.entries(rules).map(([rule, find]) => [rule, find(root)])
  const broken = found.filter(([, violations]) => violations.length > 0)
  return {
    passed: found.length - broken.length,
    failed: broken.length,
    output: broken.map(([rule, violations]) => [`${rule}:`, ...violations.map(line => `  ${line}`)].join('\n')).join('\n'),
  }
}

async function size() {
  const { brotli } = await added('index#createCache')
  const note = `${(brotli / 1000).toFixed(1)} kB brotli of ${BUDGET_BYTES / 1000} kB`
  return { ...oneCheck(brotli <= BUDGET_BYTES, note), note }
}

async function vitest() {
  const folder = mkdtempSync(join(tmpdir(), 'shelflife-vitest-'))
  const file = join(folder, 'report.json')
  try {
    const args = ['run', '--root', 'tests', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
    const { code, output } = await node(programs.vitest, args)
    if (!existsSync(file)) return { failed: 1, output }
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(readFileSync(file, 'utf8'))
    const failed = code === 0 ? numFailedTests : Math.max(numFailedTests, 1)
    return { passed: numPassedTests, failed, skipped: numPendingTests + numTodoTests, output }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** A file that is not done by then hangs. */
const FILE_MS = 300_000

/** The `*.test.mjs` of a folder under Node's own runner, so many at once. */
async function nodeTests(folder, { only = () => true, atOnce = 1 } = {}) {
  const files = readdirSync(join(root, folder)).filter(file => file.endsWith('.test.mjs') && only(file))
  if (files.length === 0) return {}
  const paths = files.map(file => join(folder, file))
  const how = ['--test', '--test-reporter=spec', `--test-concurrency=${atOnce}`, `--test-timeout=${FILE_MS}`]
  const { code, output } = await attempt(process.execPath, [...how, ...paths])
  const count = name => Number(new RegExp(`^\\S+ ${name} (\\d+)$`, 'm').exec(output)?.[1] ?? 0)
  const failed = count('fail') + count('cancelled')
  return { passed: count('pass'), failed: code === 0 ? failed : Math.max(failed, 1), skipped: count('skipped') + count('todo'), output }
}

async function check(program, args) {
  const { code, output } = await node(program, args)
  return oneCheck(code === 0, output)
}

function node(program, args) {
  return attempt(process.execPath, [join(root, program), ...args], { env: toolEnv({ NO_COLOR: '1', FORCE_COLOR: undefined }) })
}

function oneCheck(good, output) {
  return { passed: good ? 1 : 0, failed: good ? 0 : 1, output }
}
