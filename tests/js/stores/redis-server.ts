/** A redis-server of our own, on a free port of the loopback, in a folder that goes with it. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'redis'

/** Whether this machine has a redis-server. */
export const hasRedis = (() => {
  try {
    execFileSync('redis-server', ['--version'])
    return true
  } catch {
    return false
  }
})()

export interface RedisServer {
  readonly url: string
  readonly process: ChildProcess
  /** Runs one command, on a connection of its own. */
  ask(...command: string[]): Promise<unknown>
  stop(): Promise<void>
  /** Starts it again on the same port, with nothing in it unless it has an append-only file. */
  start(): Promise<void>
  /** Stops it for good and removes its folder. */
  dispose(): Promise<void>
}

/** Starts one. It keeps nothing on disk unless `args` say so. */
export async function startRedis(...args: string[]): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'shelflife-redis-'))
  const port = await freePort()
  const url = `redis://127.0.0.1:${port}`
  let child: ChildProcess
  const start = async () => {
    child = spawn(
      'redis-server',
      ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--daemonize', 'no', ...args],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    await new Promise<void>((resolve, reject) => {
      let said = ''
      child.stdout?.on('data', chunk => {
        said += chunk
        if (said.includes('Ready to accept connections')) resolve()
      })
      child.once('exit', code => reject(new Error(`redis-server ended with ${code}: ${said}`)))
    })
  }
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }
  await start()
  return {
    url,
    get process() {
      return child
    },
    async ask(...command) {
      const client = createClient({ url })
      client.on('error', () => {})
      await client.connect()
      try {
        return await client.sendCommand(command)
      } finally {
        client.destroy()
      }
    },
    start,
    stop,
    async dispose() {
      await stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
