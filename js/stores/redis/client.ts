/** The clients of Redis that users bring, or the one we make of a URL, as one {@link RedisConnection}. */

import { InvalidArgumentError, ShelflifeError } from '../../errors.ts'

/** A command: its name and arguments. */
export type Command = readonly (string | Uint8Array)[]

/** What Redis answers: texts come as bytes, but for those that only say "OK". */
export type Reply = Uint8Array | string | number | null | readonly Reply[]

/** A connected client of node-redis, version 5 or newer: what `createClient()` gives, not a cluster, pool or sentinel. */
export interface NodeRedisClient {
  readonly isReady: boolean
  sendCommand(args: readonly (string | Uint8Array)[], options?: object): Promise<unknown>
  duplicate(): NodeRedisClient
  connect(): Promise<unknown>
  destroy(): void
  on(event: string, listener: (value: unknown) => void): unknown
  off(event: string, listener: (value: unknown) => void): unknown
}

/** A client of ioredis: what `new Redis()` gives, not a cluster. */
export interface IoRedisClient {
  readonly status: string
  /** Takes bytes, too. */
  callBuffer(command: string, ...args: string[]): Promise<unknown>
  duplicate(override?: { lazyConnect?: boolean }): IoRedisClient
  disconnect(reconnect?: boolean): void
  on(event: string, listener: (value: unknown) => void): unknown
  off(event: string, listener: (value: unknown) => void): unknown
}

/** Where Redis is: a client, or a URL such as `redis://localhost:6379`, for which the package `redis` has to be installed. */
export type RedisPlace =
  | { readonly client: NodeRedisClient | IoRedisClient; readonly url?: undefined }
  | { readonly url: string; readonly client?: undefined }

/** A connection, which mends itself when it breaks. Commands sent in one task go out together, and are executed in order. */
export interface RedisConnection {
  /** Whether a command sent now goes out now. */
  readonly isReady: boolean
  /** The reply. Rejects with what the server refused it with, or when the connection breaks. */
  send(command: Command): Promise<Reply>
  /** Begins anew, where that is ours to do: the server does not answer. */
  renew(): void
  close(): void
}

/** How to connect; `onChange` is called whenever the connection may have become ready, or has failed. */
export type Connect = (onChange: (failure?: unknown) => void) => RedisConnection

/** Throws `ERR_INVALID_ARGUMENT` for what is neither a client nor a URL. */
export function checkedPlace({ client, url }: { readonly client?: unknown; readonly url?: unknown }): RedisPlace {
  if ((client === undefined) === (url === undefined)) throw new InvalidArgumentError('client', 'given, or else url', client)
  if (url !== undefined) {
    if (typeof url !== 'string' || !URL.canParse(url)) throw new InvalidArgumentError('url', "a URL, such as 'redis://localhost:6379'", url)
    return { url }
  }
  if (isNodeRedis(client) || isIoRedis(client)) return { client }
  throw new InvalidArgumentError('client', 'a client of the package redis (version 5 or newer) or ioredis, for one server', client)
}

/** A connection of our own to `place`: for `dedicated` use even where the user's client could be shared. */
export function connector(place: RedisPlace, { dedicated = false } = {}): Connect {
  const { client, url } = place
  if (client === undefined) return onChange => new OwnConnection(() => clientOf(url), onChange)
  if (!isNodeRedis(client)) {
    return dedicated
      ? onChange => new IoConnection(client.duplicate({ lazyConnect: false }), onChange, true)
      : onChange => new IoConnection(client, onChange, false)
  }
  if (!dedicated) return onChange => new SharedConnection(client, onChange)
  return onChange => new OwnConnection(async () => client.duplicate(), onChange)
}

/** A client that the user opens and closes. */
class SharedConnection implements RedisConnection {
  readonly #client: NodeRedisClient
  readonly #stopListening: () => void

  constructor(client: NodeRedisClient, onChange: (failure?: unknown) => void) {
    this.#client = client
    this.#stopListening = listen(client, onChange)
    if (client.isReady) queueMicrotask(() => onChange())
  }

  get isReady(): boolean {
    return this.#client.isReady
  }

  send(command: Command): Promise<Reply> {
    return sendTo(this.#client, command)
  }

  renew(): void {}

  close(): void {
    this.#stopListening()
  }
}

/** A client that we make, and make again. */
class OwnConnection implements RedisConnection {
  readonly #make: () => Promise<NodeRedisClient>
  readonly #onChange: (failure?: unknown) => void
  #client: NodeRedisClient | undefined
  /** How often it was made; what an older one says is of no interest. */
  #life = 0

  constructor(make: () => Promise<NodeRedisClient>, onChange: (failure?: unknown) => void) {
    this.#make = make
    this.#onChange = onChange
    void this.#begin()
  }

  get isReady(): boolean {
    return this.#client?.isReady === true
  }

  send(command: Command): Promise<Reply> {
    if (this.#client === undefined) return Promise.reject(new ShelflifeError('ERR_STORE', 'there is no connection to Redis'))
    return sendTo(this.#client, command)
  }

  renew(): void {
    this.close()
    void this.#begin()
  }

  close(): void {
    this.#life += 1
    const client = this.#client
    this.#client = undefined
    try {
      client?.destroy()
    } catch {
      // It was not open yet, or not any more.
    }
  }

  async #begin(): Promise<void> {
    const life = this.#life
    const onChange = (failure?: unknown) => {
      if (life === this.#life) this.#onChange(failure)
    }
    try {
      const client = await this.#make()
      if (life !== this.#life) return
      this.#client = client
      listen(client, onChange)
      await client.connect()
    } catch (error) {
      onChange(error)
    }
  }
}

class IoConnection implements RedisConnection {
  readonly #client: IoRedisClient
  readonly #isOwn: boolean
  readonly #stopListening: () => void

  constructor(client: IoRedisClient, onChange: (failure?: unknown) => void, isOwn: boolean) {
    this.#client = client
    this.#isOwn = isOwn
    this.#stopListening = listen(client, onChange)
    if (this.isReady) queueMicrotask(() => onChange())
  }

  get isReady(): boolean {
    return this.#client.status === 'ready'
  }

  send([name, ...args]: Command): Promise<Reply> {
    return this.#client.callBuffer(name as string, ...(args.map(asBuffer) as string[])) as Promise<Reply>
  }

  renew(): void {
    if (this.#isOwn) this.#client.disconnect(true)
  }

  close(): void {
    this.#stopListening()
    if (this.#isOwn) this.#client.disconnect()
  }
}

/** Who listens to errors keeps them from ending the process. */
function listen(client: NodeRedisClient | IoRedisClient, onChange: (failure?: unknown) => void): () => void {
  const onReady = () => onChange()
  const onError = (error: unknown) => onChange(error)
  client.on('ready', onReady)
  client.on('error', onError)
  return () => {
    client.off('ready', onReady)
    client.off('error', onError)
  }
}

/** Texts come as bytes: `$` is how RESP writes one. */
const AS_BYTES = { typeMapping: { 36: Buffer } }

function sendTo(client: NodeRedisClient, command: Command): Promise<Reply> {
  return client.sendCommand(command.map(asBuffer), AS_BYTES) as Promise<Reply>
}

function asBuffer(argument: string | Uint8Array): string | Buffer {
  if (typeof argument === 'string' || Buffer.isBuffer(argument)) return argument
  return Buffer.from(argument.buffer, argument.byteOffset, argument.length)
}

const RECONNECT_MS = 50
const MOST_RECONNECT_MS = 2000

async function clientOf(url: string): Promise<NodeRedisClient> {
  const { createClient } = await import('redis').catch(cause => {
    throw new ShelflifeError('ERR_STORE', 'the package redis (5 or newer), which has to be installed, cannot be loaded', { cause })
  })
  const client = createClient({
    url,
    // What cannot go out now waits in our own queue, which has bounds.
    disableOfflineQueue: true,
    socket: {
      reconnectStrategy: retries => Math.min(RECONNECT_MS * 2 ** retries, MOST_RECONNECT_MS) * (1 - Math.random() / 2),
    },
  })
  return client as unknown as NodeRedisClient
}

function isNodeRedis(client: unknown): client is NodeRedisClient {
  return has(client, 'isReady') && hasMethods(client, ['sendCommand', 'duplicate', 'connect', 'on', 'off']) && !isMany(client)
}

function isIoRedis(client: unknown): client is IoRedisClient {
  return has(client, 'status') && hasMethods(client, ['callBuffer', 'duplicate', 'disconnect', 'on', 'off']) && !isMany(client)
}

/** Clients of several servers, whose keys may lie on different ones. */
function isMany(client: object): boolean {
  return 'isCluster' in client ? client.isCluster === true : 'masters' in client || 'getMasterNode' in client
}

function has(client: unknown, property: string): client is object {
  return typeof client === 'object' && client !== null && property in client
}

function hasMethods(client: object, methods: readonly string[]): boolean {
  return methods.every(method => typeof (client as Record<string, unknown>)[method] === 'function')
}
