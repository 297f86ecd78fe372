/**
 * The connections of a transport: at most so many to one host, and in all. A request is on one connection, and waits where there is none.
 *
 * Those of one host are a {@link Line}. Whoever has none and may not open one for the limit in all is given the place of a connection that
 * nobody uses, or of the next one that has done its work. HTTP/2 takes one connection for everything; until it is known whether a host
 * speaks it, one is opened and the others wait.
 */

import type { ConnectionStats } from '../transport.ts'
import type { Answer } from './answer.ts'
import type { UndiciClient, UndiciRequest } from './undici-types.ts'

/** How many, and how they are made. */
export interface SocketLimits {
  readonly perHost: number
  readonly total: number
  /** Of one that could carry many requests at once. */
  readonly keepAliveMs: number
  /** Whether it is open at first what a connection to this origin will speak. */
  readonly mayMultiplex: (origin: string) => boolean
  /** A connection, which says by `onProtocol` whether it carries many requests at once. */
  readonly open: (origin: string, onProtocol: (multiplexes: boolean) => void) => UndiciClient
}

/** Requests on one session. What is more than the host takes waits in the session. */
const STREAMS = 1000

interface Waiting {
  readonly request: UndiciRequest
  readonly answer: Answer
}

/** See the top of this file. */
export class Sockets {
  readonly #limits: SocketLimits
  readonly #lines = new Map<string, Line>()
  /** Hosts with requests that wait for the limit in all. */
  readonly #short = new Set<Line>()
  #open = 0
  /** Connections that are being closed so that others may be opened. */
  #yielding = 0
  #isClosed = false

  constructor(limits: SocketLimits) {
    this.#limits = limits
  }

  /** Sends `request` when there is a connection for it. */
  send(origin: string, request: UndiciRequest, answer: Answer): void {
    let line = this.#lines.get(origin)
    if (line === undefined) {
      line = new Line(origin, this.#limits.mayMultiplex(origin))
      this.#lines.set(origin, line)
    }
    const waiting = { request, answer }
    const connection = line.waiting.size === 0 ? this.#connectionOf(line) : undefined
    if (connection !== undefined) return this.#run(connection, waiting)
    const queue = line.waiting
    queue.add(waiting)
    answer.onDone = () => queue.delete(waiting)
  }

  /** By host and port. */
  stats(): Record<string, ConnectionStats> {
    const hosts: Record<string, ConnectionStats> = {}
    for (const [origin, line] of this.#lines) hosts[new URL(origin).host] = line.stats()
    return hosts
  }

  /** Ends everything. */
  async close(): Promise<void> {
    this.#isClosed = true
    const error = new Error('the transport is closed')
    const closing: Promise<void>[] = []
    for (const line of this.#lines.values()) {
      for (const { answer } of line.waiting) answer.abort(error)
      for (const connection of line.connections) {
        clearTimeout(connection.idle)
        closing.push(connection.client.destroy())
      }
    }
    await Promise.allSettled(closing)
    this.#lines.clear()
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** One that is free, or is opened; `undefined` where there must not be another. */
  #connectionOf(line: Line): Connection | undefined {
    if (line.shared !== undefined) return line.shared
    const free = line.free.pop()
    if (free !== undefined) return free
    const { perHost, total } = this.#limits
    if (line.connections.size >= (line.isUnknown ? 1 : perHost)) return undefined
    if (this.#open < total) return this.#connect(line)
    this.#short.add(line)
    this.#makeRoom()
    return undefined
  }

  #connect(line: Line): Connection {
    this.#open += 1
    const connection: Connection = { line, client: undefined as never, running: 0, isConnected: false, isLeaving: false, idle: undefined }
    connection.client = this.#limits.open(line.origin, multiplexes => {
      line.isUnknown = false
      if (!multiplexes || connection.isLeaving) return
      connection.client.pipelining = STREAMS
      line.shared ??= connection
    })
    connection.client.on('connect', () => {
      connection.isConnected = true
      this.#serve(line)
    })
    connection.client.on('disconnect', () => this.#disconnected(connection))
    connection.client.on('connectionError', (_origin, _targets, error) => {
      // Who has waited for what it would say has waited for it.
      if (line.isUnknown) for (const { answer } of line.waiting) answer.abort(error)
    })
    line.connections.add(connection)
    return connection
  }

  #run(connection: Connection, { request, answer }: Waiting): void {
    connection.running += 1
    clearTimeout(connection.idle)
    answer.isDispatched = true
    answer.onDone = isWell => this.#done(connection, isWell)
    connection.client.dispatch(request, answer)
  }

  #done(connection: Connection, isWell: boolean): void {
    const { line } = connection
    const isShared = line.shared === connection
    connection.running -= 1
    if (this.#isClosed) return
    if (connection.isLeaving) {
      if (connection.running === 0) this.#leave(connection)
      return
    }
    if (!connection.isConnected || (!isWell && !isShared)) this.#leave(connection)
    else if (connection.running > 0) return
    else if (this.#mustYield(line)) this.#yield(connection)
    else if (isShared) this.#rest(connection)
    else {
      const next = line.next()
      if (next !== undefined) this.#run(connection, next)
      else line.free.push(connection)
    }
  }

  #disconnected(connection: Connection): void {
    const { line } = connection
    connection.isConnected = false
    // New requests go elsewhere; those under way are told by undici.
    if (line.shared === connection) {
      line.shared = undefined
      line.isUnknown = true
      connection.isLeaving = true
    }
    if (connection.running === 0) this.#leave(connection)
  }

  /** A session that nobody uses is closed in time; undici does that for other connections. */
  #rest(connection: Connection): void {
    const idle = setTimeout(() => this.#leave(connection), this.#limits.keepAliveMs)
    idle.unref()
    connection.idle = idle
  }

  /** Closes it; its place is free when it is closed. */
  #leave(connection: Connection, onClosed?: () => void): void {
    const { line } = connection
    if (!line.connections.delete(connection)) return
    clearTimeout(connection.idle)
    if (line.shared === connection) {
      line.shared = undefined
      line.isUnknown = true
    }
    const free = line.free.indexOf(connection)
    if (free >= 0) line.free.splice(free, 1)
    const closed = () => {
      this.#open -= 1
      onClosed?.()
      if (!this.#isClosed) this.#settle(line)
    }
    // Not within a word of undici's, which goes on with the connection after it.
    queueMicrotask(() => void connection.client.destroy().then(closed, closed))
  }

  /** A place is free. */
  #settle(line: Line): void {
    const short = [...this.#short].sort((a, b) => Math.min(1, a.connections.size) - Math.min(1, b.connections.size))
    for (const other of short) {
      if (this.#open >= this.#limits.total) break
      this.#short.delete(other)
      this.#serve(other)
    }
    this.#serve(line)
    if (line.connections.size === 0 && line.waiting.size === 0) this.#lines.delete(line.origin)
  }

  /** Those that wait and may go. */
  #serve(line: Line): void {
    while (line.waiting.size > 0) {
      const connection = this.#connectionOf(line)
      if (connection === undefined) return
      this.#run(connection, line.next() as Waiting)
    }
    this.#short.delete(line)
  }

  /** Whether a host without any connection waits for one that `line` could do without. */
  #mustYield(line: Line): boolean {
    let starving = 0
    for (const other of this.#short) if (other !== line && other.connections.size === 0 && other.waiting.size > 0) starving += 1
    return starving > this.#yielding
  }

  #makeRoom(): void {
    if (this.#yielding >= this.#short.size) return
    for (const { free, shared } of this.#lines.values()) {
      const connection = shared?.running === 0 ? shared : free[0]
      if (connection !== undefined) return this.#yield(connection)
    }
  }

  #yield(connection: Connection): void {
    this.#yielding += 1
    this.#leave(connection, () => {
      this.#yielding -= 1
    })
  }
}

interface Connection {
  readonly line: Line
  client: UndiciClient
  running: number
  isConnected: boolean
  /** Takes no more requests. */
  isLeaving: boolean
  idle: ReturnType<typeof setTimeout> | undefined
}

/** The connections to one origin, and who waits for one. */
class Line {
  readonly origin: string
  readonly connections = new Set<Connection>()
  /** The one used last is used next: the others may end. */
  readonly free: Connection[] = []
  readonly waiting = new Set<Waiting>()
  /** One that carries everything. */
  shared: Connection | undefined
  /** Whether the first connection has yet to say what the host speaks. */
  isUnknown: boolean

  constructor(origin: string, isUnknown: boolean) {
    this.origin = origin
    this.isUnknown = isUnknown
  }

  /** Whoever has waited for longest. */
  next(): Waiting | undefined {
    for (const waiting of this.waiting) {
      this.waiting.delete(waiting)
      return waiting
    }
    return undefined
  }

  stats(): ConnectionStats {
    const stats = { connected: 0, free: 0, pending: 0, running: 0, queued: this.waiting.size }
    for (const { isConnected, running } of this.connections) {
      if (isConnected) stats.connected += 1
      if (isConnected && running === 0) stats.free += 1
      if (isConnected) stats.running += running
      else stats.pending += running
    }
    return stats
  }
}
