// npm run bench:compression [-- --json] [--engine node|chromium|firefox|webkit] [--rounds N]: formats of compression beside each other, on segments of
// small values, of middling ones and of values by themselves: generated users, and the manifests of the packages that are installed here.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'
import { root } from '../scripts/toolchain.mjs'

const { values: given } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '9' },
    engine: { type: 'string', default: 'node' },
  },
})
const SEGMENT_BYTES = 32_768
const MOST_BYTES = 1_000_000

const users = Array.from({ length: 4000 }, (_, id) =>
  JSON.stringify({
    id,
    name: `Person ${(id * 7919) % 9973}`,
    email: `person.${id}@example.org`,
    roles: id % 7 === 0 ? ['admin', 'editor'] : ['reader'],
    active: id % 3 !== 0,
    address: {
      street: `${(id * 31) % 200} Long Street`,
      city: ['Oslo', 'Lima', 'Kyoto', 'Quito'][id % 4],
      zip: `${10_000 + ((id * 13) % 80_000)}`,
    },
    created: new Date(1.6e12 + id * 86_400_7).toISOString(),
  }),
)
const manifests = ['node_modules', 'tests/node_modules', 'benches/node_modules']
  .flatMap(folder => (existsSync(join(root, folder)) ? readdirSync(join(root, folder)).map(name => join(root, folder, name)) : []))
  .flatMap(folder => (basename(folder).startsWith('@') ? readdirSync(folder).map(name => join(folder, name)) : [folder]))
  .map(folder => join(folder, 'package.json'))
  .filter(file => existsSync(file))
  .map(file => JSON.stringify(JSON.parse(readFileSync(file, 'utf8'))))

const sets = {
  'users of 240 bytes, in segments': together(users),
  'manifests, in segments': together(manifests),
  'users, each by itself': users.slice(0, 1000),
  'manifests, each by itself': manifests.slice(0, 300),
}

const results = {}
for (const [name, texts] of Object.entries(sets))
  results[name] = await measured({ segments: texts.map(text => Buffer.from(text).toString('base64')), rounds: Number(given.rounds) })
if (given.json) console.log(JSON.stringify({ engine: given.engine, results }, null, 2))
else {
  for (const [name, formats] of Object.entries(results)) {
    console.log(`\n${name} (${given.engine})${' '.repeat(8)}ratio  compress    expand  MB/s`)
    for (const [format, { ratio, compressMBs, expandMBs }] of Object.entries(formats))
      console.log(
        `  ${format.padEnd(20)} ${ratio.toFixed(2).padStart(8)} ${compressMBs.toFixed(0).padStart(9)} ${expandMBs.toFixed(0).padStart(9)}`,
      )
  }
}

function together(texts) {
  const segments = ['']
  let bytes = 0
  for (const text of texts) {
    if (bytes > MOST_BYTES) break
    if (segments.at(-1).length + text.length > SEGMENT_BYTES) segments.push('')
    segments[segments.length - 1] += text
    bytes += text.length
  }
  return segments
}

async function measured(options) {
  if (given.engine !== 'node') {
    const { engines } = await import('../tests/e2e/engines.mjs')
    const { skip, run } = engines[given.engine] ?? { skip: `no engine is called ${given.engine}` }
    if (skip) throw new Error(skip)
    // An isolated page has a clock that is fine enough.
    const headers = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }
    return run(new URL('compression/measure.mjs', import.meta.url), options, headers)
  }
  const folder = mkdtempSync(join(tmpdir(), 'shelflife-bench-'))
  try {
    const entry = `
      import { FORM } from './js/stores/compression.ts'
      import { nodeZip } from './js/stores/node-zip.ts'
      import measure from './benches/compression/measure.mjs'
      const more = [['node: deflate', nodeZip, FORM.deflate], ['node: gzip', nodeZip, FORM.gzip], ['node: brotli', nodeZip, FORM.brotli]]
      export default options => measure({ ...options, more })`
    const outfile = join(folder, 'measure.mjs')
    await build({
      stdin: { contents: entry, resolveDir: root },
      bundle: true,
      format: 'esm',
      outfile,
      external: ['node:*'],
      logLevel: 'error',
    })
    const { default: measure } = await import(pathToFileURL(outfile).href)
    return await measure(options)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
