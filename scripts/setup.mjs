#!/usr/bin/env node
// Brings this machine to where `npm start` (run), `npm test` (test) or the benches (bench, bench-browsers) work. Does only what is
// still to be done; slow steps run side by side.

import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium, firefox, webkit, which } from './browsers.mjs'
import { buildPackage, packageIsCurrent } from './build.mjs'
import { bindCore, bindgenIsCurrent, compileBindgen, compileCore, coreIsCurrent } from './core.mjs'
import { attempt, run } from './run.mjs'
import { runSteps, Stuck, say } from './steps.mjs'
import { cargoHome, notes, ownPrograms, root, target, toolEnv, wasmEnv, wasmToolchainNote } from './toolchain.mjs'

const WASM = 'wasm32-unknown-unknown'
const OLDEST_RUST = [1, 90]
const OLDEST_NODE = [20, 20]

const profiles = {
  run: ['package'],
  test: [
    'package',
    'test-packages',
    'test-sqlite',
    'wasm-bindgen',
    'wasm-pack',
    'chromium',
    'geckodriver',
    'webkit',
    'promtool',
    'redis-server',
  ],
  bench: ['package', 'bench-packages'],
  'bench-stores': ['package', 'bench-packages', 'bench-sqlite'],
  'bench-browsers': ['package', 'bench-packages', 'test-packages', 'chromium', 'geckodriver', 'webkit'],
}

/** @type {Record<string, import('./steps.mjs').Step>} */
const steps = {
  packages: npmCi('.', 'what builds the package'),
  'test-packages': npmCi('tests', 'what only the tests need'),
  'bench-packages': npmCi('benches', 'the caches that the benches compare with'),
  'test-sqlite': compiled('better-sqlite3', 'tests', 'test-packages', 'tests of the SQLite store run on it'),
  'bench-sqlite': compiled('better-sqlite3', 'benches', 'bench-packages', 'the SQLite store and its peers run on it'),
  rust: {
    what: 'cargo',
    why: 'the core is written in Rust',
    ready: async () => {
      const { code, stdout } = await attempt('cargo', ['--version'])
      if (code !== 0) {
        const there = which('rustup') === undefined ? 'install it from https://rustup.rs' : '`rustup default stable` picks a toolchain'
        throw new Stuck(`there is no working cargo on this machine: ${there}, then run this again`)
      }
      const version = /(\d+)\.(\d+)/.exec(stdout)?.slice(1).map(Number) ?? []
      if (older(version, OLDEST_RUST))
        throw new Stuck(
          `cargo ${version.join('.')} is too old: Rust ${OLDEST_RUST.join('.')} or newer is needed (\`rustup update stable\`)`,
        )
      return true
    },
    run: async () => {},
  },
  'wasm-target': {
    what: `the ${WASM} target`,
    why: 'the core is compiled for it',
    needs: ['rust'],
    ready: () => coreIsCurrent() || hasWasmTarget(),
    run: addWasmTarget,
  },
  // The tests compile for wasm32 too, so they need the target even when the core is as it should be.
  'wasm-target-for-tests': {
    what: `the ${WASM} target`,
    why: 'tests are compiled for it',
    needs: ['rust'],
    ready: hasWasmTarget,
    run: addWasmTarget,
  },
  bindgen: {
    what: 'the maker of the JavaScript glue',
    why: 'wasm-bindgen as a library, a minute less to compile than its command line',
    needs: ['rust'],
    ready: () => coreIsCurrent() || bindgenIsCurrent(),
    run: compileBindgen,
  },
  compile: { what: 'the core', why: 'Rust to WebAssembly', needs: ['wasm-target'], ready: coreIsCurrent, run: compileCore },
  core: {
    what: 'glue and wasm-opt',
    why: 'the core as JavaScript loads it',
    needs: ['packages', 'bindgen', 'compile'],
    ready: coreIsCurrent,
    run: bindCore,
  },
  package: { what: 'dist/', why: 'the package as users get it', needs: ['core'], ready: packageIsCurrent, run: buildPackage },
  'wasm-bindgen': {
    what: 'wasm-bindgen-test-runner',
    why: 'runs the tests of the core inside Node and browsers; compiling takes minutes, once',
    needs: ['wasm-target-for-tests', 'package'],
    ready: async () => {
      const versions = await Promise.all(['wasm-bindgen', 'wasm-bindgen-test-runner'].map(name => attempt(name, ['--version'])))
      return versions.every(({ code, stdout }) => code === 0 && stdout.includes(` ${bindgenVersion()}`))
    },
    // Its own lock file is passed over: it may name releases that a mirror does not have yet.
    run: () =>
      cargoInstall(
        'wasm-bindgen',
        'wasm-bindgen-cli',
        ['--version', bindgenVersion(), '--bin', 'wasm-bindgen', '--bin', 'wasm-bindgen-test-runner'],
        '1',
      ),
  },
  'wasm-pack': {
    what: 'wasm-pack',
    why: 'drives those tests; compiling takes minutes, once',
    needs: ['rust', 'package'],
    ready: () => which('wasm-pack') !== undefined,
    run: () => cargoInstall('wasm-pack', 'wasm-pack', ['--locked'], '0'),
  },
  chromium: {
    what: 'chromium and chromium-driver by apt',
    why: 'tests run in a real browser',
    ready: async () => {
      const { browser, driver } = chromium()
      if (browser !== undefined && driver !== undefined) return true
      if (await canApt()) return false
      say(
        'no Chromium with chromedriver here and apt cannot be used: tests in it are skipped (install both, or set SHELFLIFE_CHROMIUM and SHELFLIFE_CHROMEDRIVER)',
      )
      return true
    },
    run: () => apt(['chromium', 'chromium-driver']),
  },
  firefox: {
    what: 'firefox-esr by apt',
    why: 'tests run in a second engine',
    // One apt at a time.
    needs: ['chromium'],
    ready: async () => firefox().browser !== undefined || !(await canApt()),
    run: () => apt(['firefox-esr']),
  },
  geckodriver: {
    what: 'geckodriver',
    why: 'drives Firefox; compiling takes minutes, once',
    needs: ['rust', 'package', 'firefox'],
    ready: () => firefox().browser === undefined || firefox().driver !== undefined,
    run: () => cargoInstall('geckodriver', 'geckodriver', ['--locked'], '0'),
  },
  webkit: {
    what: 'webkit2gtk-driver and xvfb by apt',
    why: 'tests run in a third engine',
    needs: ['firefox'],
    ready: async () => webkit().driver !== undefined || !(await canApt()),
    run: () => apt(['webkit2gtk-driver', 'xvfb', 'xauth']),
  },
  promtool: {
    what: 'promtool and prometheus, out of a package of Debian',
    why: 'read our metrics, and scrape them; the package itself would start a server',
    needs: ['webkit'],
    ready: async () =>
      (which('promtool') !== undefined && which('prometheus') !== undefined) || which('dpkg-deb') === undefined || !(await canApt()),
    run: unpackPrometheus,
  },
  'redis-server': {
    what: 'redis-server, out of redis-tools by apt',
    why: 'the store in Redis is tested on a real one',
    needs: ['promtool'],
    ready: async () => which('redis-server') !== undefined || !(await canApt()),
    run: addRedisServer,
  },
}

/** Runs the profiles named; says nothing when all is there. */
export async function setup(...names) {
  const node = process.versions.node.split('.').map(Number)
  if (older(node, OLDEST_NODE)) throw new Stuck(`Node ${process.versions.node} is too old: ${OLDEST_NODE.join('.')} or newer is needed`)
  mkdirSync(notes, { recursive: true })
  await runSteps(
    steps,
    names.flatMap(name => profiles[name]),
  )
}

function npmCi(folder, why) {
  return {
    what: `npm ci${folder === '.' ? '' : ` in ${folder}`}`,
    why,
    ready: () => installedAsLocked(folder),
    // No package of ours needs its install script, but one, so none is run, whatever the user's npm allows.
    run: () => run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: join(root, folder) }),
  }
}

/** A package that is compiled, or fetched as such, after it is installed. Without it what needs it is skipped. */
function compiled(name, folder, after, why) {
  const place = join(root, folder, 'node_modules', name)
  const addon = `${name.replaceAll('-', '_')}.node`
  return {
    what: `${name} in ${folder}`,
    why,
    needs: [after],
    // Its folder is there from the beginning of a compilation that may have been cut short.
    ready: () => !existsSync(place) || existsSync(join(place, 'build/Release', addon)) || existsSync(join(place, 'not-built')),
    async run() {
      const { code, output } = await attempt('npm', ['rebuild', name, '--ignore-scripts=false', '--loglevel=error'], {
        cwd: join(root, folder),
      })
      if (code === 0) return
      say(`${name} can neither be fetched nor compiled here (${output.trim().split('\n').at(-1)}): what needs it is skipped`)
      writeFileSync(join(place, 'not-built'), output)
    },
  }
}

/** npm writes down what it installed; a package for another system may be left out. */
function installedAsLocked(folder) {
  const wanted = packagesIn(join(root, folder, 'package-lock.json'))
  const installed = packagesIn(join(root, folder, 'node_modules/.package-lock.json'))
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || installed[path]?.version === version || (optional && !installed[path]),
  )
}

function packagesIn(lock) {
  return existsSync(lock) ? JSON.parse(readFileSync(lock, 'utf8')).packages : {}
}

async function hasWasmTarget() {
  const { code, stdout } = await attempt('rustc', ['--print', 'target-libdir', '--target', WASM], { env: wasmEnv() })
  return code === 0 && existsSync(stdout.trim())
}

async function addWasmTarget() {
  const { code, output } = await attempt('rustup', ['target', 'add', WASM], { env: wasmEnv(), timeout: 180_000 })
  if (code === 0 && (await hasWasmTarget())) return
  if (!(await canApt()) || process.env.SHELFLIFE_WASM_TOOLCHAIN !== undefined) throw noWasmTarget(output)
  say(`rustup could not add it (${output.trim().split('\n').at(-1)}): Debian's packages instead, about two minutes`)
  const made = await attempt(join(root, 'scripts/setup-debian-wasm.sh'), [join(target, 'debian-wasm')], { env: toolEnv() })
  if (made.code !== 0) throw noWasmTarget(`${output}\n${made.output}`)
  writeFileSync(wasmToolchainNote, 'debian-wasm\n')
  if (!(await hasWasmTarget())) throw noWasmTarget(made.output)
}

function noWasmTarget(output) {
  return new Stuck(
    `${output.trim()}\nthe ${WASM} target is missing and could not be added: either let \`rustup target add ${WASM}\` reach a toolchain server, ` +
      'or, on Debian with root or sudo, let `scripts/setup-debian-wasm.sh` build it from packages',
  )
}

/** `level` is that of optimisation: 0 for what only drives others, 1 for what reads the whole of the core. */
async function cargoInstall(program, crate, args, level) {
  // Another version in cargo's own place belongs to somebody else's project: ours goes beside it.
  const place = existsSync(join(cargoHome, 'bin', program)) ? ['--root', ownPrograms] : []
  // Tools that run for seconds need not be compiled for speed; that halves the minutes.
  const quick = { CARGO_PROFILE_RELEASE_OPT_LEVEL: level, CARGO_PROFILE_RELEASE_LTO: 'off', CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16' }
  await run('cargo', ['install', '--force', crate, ...args, ...place], { env: toolEnv(quick) })
}

async function canApt() {
  return which('apt-get') !== undefined && (process.getuid?.() === 0 || (await attempt('sudo', ['-n', 'true'])).code === 0)
}

async function apt(packages) {
  const env = toolEnv({ DEBIAN_FRONTEND: 'noninteractive' })
  const sudo = args => (process.getuid?.() === 0 ? run('apt-get', args, { env }) : run('sudo', ['-n', 'apt-get', ...args], { env }))
  await sudo(['update', '-qq'])
  await sudo(['install', '-y', '-qq', '--no-install-recommends', ...packages])
}

async function unpackPrometheus() {
  const folder = join(notes, 'prometheus')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  await run('apt-get', ['download', '-qq', 'prometheus'], { cwd: folder })
  await run('dpkg-deb', ['--extract', ...readdirSync(folder), 'unpacked'], { cwd: folder })
  const programs = join(ownPrograms, 'bin')
  mkdirSync(programs, { recursive: true })
  for (const program of ['promtool', 'prometheus']) copyFileSync(join(folder, 'unpacked/usr/bin', program), join(programs, program))
  rmSync(folder, { recursive: true })
}

/** The package of that name would start a server; its tools are the same program, which does what it is called by. */
async function addRedisServer() {
  await apt(['redis-tools'])
  const programs = join(ownPrograms, 'bin')
  mkdirSync(programs, { recursive: true })
  symlinkSync('/usr/bin/redis-check-rdb', join(programs, 'redis-server'))
}

/** The version that Cargo.toml pins: tool and crate have to be the same. */
function bindgenVersion() {
  return /wasm-bindgen = "=([\d.]+)"/.exec(readFileSync(join(root, 'Cargo.toml'), 'utf8'))[1]
}

function older([major = 0, minor = 0], [wantedMajor, wantedMinor]) {
  return major < wantedMajor || (major === wantedMajor && minor < wantedMinor)
}

/** Runs `profilesNamed` as a program does: a sentence and exit code 1 where it cannot go on. */
export async function setupOrExit(...names) {
  try {
    await setup(...names)
  } catch (error) {
    say(error instanceof Stuck ? error.message : error.stack)
    process.exit(1)
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const names = process.argv.slice(2)
  if (names.length === 0) names.push('run')
  const unknown = names.find(name => !Object.hasOwn(profiles, name))
  if (unknown !== undefined) {
    say(`there is no profile '${unknown}': choose from ${Object.keys(profiles).join(', ')}`)
    process.exit(1)
  }
  await setupOrExit(...names)
  say('all is there')
}
