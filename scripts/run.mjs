// Runs programs. Whatever they print goes to stderr or into a string, never to our stdout: that belongs to the answer.

import { spawn } from 'node:child_process'
import { root, toolEnv } from './toolchain.mjs'

/** A program that ended badly; `output` is what it printed. */
export class ProgramFailed extends Error {
  constructor(command, args, how, output) {
    super(`${[command, ...args].join(' ')}: ${how}`)
    this.output = output
  }
}

/** Runs a program to its end and gives what it printed; `show` passes that on as it comes. Rejects when it fails. */
export async function run(command, args, options = {}) {
  const { code, output } = await attempt(command, args, options)
  if (code !== 0) throw new ProgramFailed(command, args, `ended with ${code}`, output)
  return output
}

/** The same, where failure is an answer too: `{ code, output, stdout }`. A program that cannot be started has code 127. */
export function attempt(command, args, { cwd = root, env = toolEnv(), show = false, timeout = 0 } = {}) {
  return new Promise(resolve => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout })
    const all = []
    const out = []
    const take = chunk => {
      all.push(chunk)
      if (show) process.stderr.write(chunk)
    }
    child.stdout.on('data', chunk => {
      out.push(chunk)
      take(chunk)
    })
    child.stderr.on('data', take)
    child.on('error', error => resolve({ code: 127, output: error.message, stdout: '' }))
    child.on('close', (code, signal) =>
      resolve({ code: code ?? signal, output: Buffer.concat(all).toString(), stdout: Buffer.concat(out).toString() }),
    )
  })
}
