#!/usr/bin/env node
// `npm run torture:redis`: a cache over Redis under 5 000 operations a second while Redis is stopped (SIGSTOP), then killed, for
// ten seconds each. SHELFLIFE_SECONDS and SHELFLIFE_RATE change that. Ends with 1 when a caller waits too long or a value is wrong.

import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root, target, toolEnv } from './toolchain.mjs'

const BUNDLE = join(target, 'tests/redis-outage.mjs')

if (globalThis.gc === undefined) {
  const { setupOrExit } = await import('./setup.mjs')
  await setupOrExit('run')
  const { status } = spawnSync(process.execPath, ['--expose-gc', ...process.argv.slice(1)], { stdio: 'inherit', env: toolEnv() })
  process.exit(status ?? 1)
}

const { build } = await import('esbuild')
mkdirSync(join(target, 'tests'), { recursive: true })
await build({
  ...{ entryPoints: [join(root, 'tests/js/stores/redis-outage.ts')], outfile: BUNDLE, bundle: true, format: 'esm', platform: 'node' },
  ...{ target: 'node20', external: ['redis'], logLevel: 'error' },
})
const { outage } = await import(pathToFileURL(BUNDLE).href)
const seconds = Number(process.env.SHELFLIFE_SECONDS ?? 10)
const rate = Number(process.env.SHELFLIFE_RATE ?? 5000)
for (const how of ['stopped', 'killed']) {
  const seen = await outage({ how, seconds, rate })
  console.log(JSON.stringify(seen, null, 2))
  if (seen.p99 > seen.deadline + 50 || seen.wrong > 0 || !(seen.hitsAfter > 0)) process.exitCode = 1
}
