#!/usr/bin/env node
// `npm start`: sets up what is still missing, then runs the demo with the same arguments. Only the demo writes to stdout.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { setupOrExit } from './setup.mjs'
import { root } from './toolchain.mjs'

await setupOrExit('run')
const demo = spawn(process.execPath, [join(root, 'www/terminal/main.mjs'), ...process.argv.slice(2)], { stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => demo.kill(signal))
demo.on('close', (code, signal) => {
  process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1)
})
