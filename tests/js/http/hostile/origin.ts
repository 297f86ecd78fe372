/**
 * An origin that means harm: a raw server in a process of its own, so that nothing it holds counts as ours. What it does stands in the path. It
 * tells its parent its ports, and what has become of its connections when asked.
 */

import { createServer, type Server, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { answers, GOOD, isWhole } from './answers.ts'
import { bytes } from './pieces.ts'

/** What the parent is told. */
export interface OriginState {
  /** Connections on which an answer has begun or is waited for. */
  busy: number
  /** Connections. */
  open: number
  /** Heads of requests that have come since the last question, as they were sent. */
  heads: string[]
}

/** Where to find what. */
export interface OriginPorts {
  /** Answers by path. */
  readonly main: number
  /** The same, as another origin. */
  readonly other: number
  /** Takes connections and says nothing: no handshake ever ends. */
  readonly mute: number
  /** Resets every connection. */
  readonly reset: number
  /** Nobody listens there. */
  readonly closed: number
}

const busy = new Set<Socket>()
const open = new Set<Socket>()
let heads: string[] = []

const ports = { main: 0, other: 0 }
const context = { bombs: bombs(), ports }

function serve(socket: Socket): void {
  let text = ''
  socket.setNoDelay(true)
  socket.on('data', data => {
    text += data.toString('latin1')
    for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
      const head = text.slice(0, end)
      text = text.slice(end + 4)
      heads.push(head)
      busy.add(socket)
      void answer(socket, head)
    }
  })
}

async function answer(socket: Socket, head: string): Promise<void> {
  const url = new URL(head.split(' ')[1] ?? '/', 'http://origin')
  const name = url.pathname.slice(1)
  const make = answers[name] ?? (() => [GOOD])
  try {
    for await (const piece of make(url.searchParams, context)) {
      if (socket.destroyed) return
      if (piece === 'reset') socket.resetAndDestroy()
      else if (piece === 'end') socket.end()
      else if (piece === 'hang') return
      else if (!socket.write(bytes(piece))) await drained(socket)
    }
    if (isWhole(name)) busy.delete(socket)
  } catch (error) {
    if (!socket.destroyed) throw error
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise(resolve => {
    const settle = () => {
      socket.off('drain', settle).off('close', settle)
      resolve()
    }
    socket.on('drain', settle).on('close', settle)
  })
}

function watched(handle: (socket: Socket) => void): Server {
  return createServer(socket => {
    open.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      open.delete(socket)
      busy.delete(socket)
    })
    handle(socket)
  })
}

function listening(server: Server): Promise<number> {
  return new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)))
}

/** 200 MiB of zeros, packed until they are a few hundred bytes. */
function bombs(): { twice: Buffer; thrice: Buffer } {
  const mebibyte = gzipSync(Buffer.alloc(1024 ** 2), { level: 9 })
  // Members of gzip that follow each other are one stream.
  const once = Buffer.concat(Array.from({ length: 200 }, () => mebibyte))
  const twice = gzipSync(once, { level: 9 })
  return { twice, thrice: gzipSync(twice, { level: 9 }) }
}

const main = watched(serve)
const other = watched(serve)
const mute = watched(socket => {
  socket.resume()
})
const reset = watched(socket => socket.resetAndDestroy())
const gone = createServer()

ports.main = await listening(main)
ports.other = await listening(other)
const told: OriginPorts = { ...ports, mute: await listening(mute), reset: await listening(reset), closed: await listening(gone) }
gone.close()
process.send?.({ ...told, bomb: context.bombs.thrice.byteLength })
process.on('message', () => {
  const state: OriginState = { busy: busy.size, open: open.size, heads }
  heads = []
  process.send?.(state)
})
process.on('disconnect', () => process.exit())
