/** A Redis of a few commands in this process, which answers when, and as, it is told. It looks like a client of node-redis. */

import type { NodeRedisClient } from '../../../js/stores/redis.ts'

type Reply = Buffer | string | number | null | Reply[]

/** What becomes of commands: answered, never answered, answered only when `release` is called, or refused with an error of this text. */
export type Mood = 'well' | 'silent' | 'slow' | { readonly refuses: (command: string) => string | undefined }

export class FakeRedis implements NodeRedisClient {
  isReady = true
  mood: Mood = 'well'
  /** Names of the commands that came, and the most that were without an answer at a time. */
  readonly commands: string[] = []
  unanswered = 0
  mostUnanswered = 0
  readonly texts = new Map<string, Buffer>()
  /** Life in milliseconds, as it was set. */
  readonly lives = new Map<string, number>()
  readonly #held: (() => void)[] = []
  #epoch = ''
  #last = 0
  readonly #marks = new Map<string, number>()
  readonly #server: FakeRedis
  readonly #listeners = new Map<string, Set<(value: unknown) => void>>()

  /** With `server`, another connection to that one. */
  constructor(server?: FakeRedis) {
    this.#server = server ?? this
  }

  sendCommand(args: readonly (string | Buffer)[]): Promise<unknown> {
    const name = String(args[0])
    this.commands.push(name)
    this.unanswered += 1
    this.mostUnanswered = Math.max(this.mostUnanswered, this.unanswered)
    if (this.mood === 'silent') return new Promise(() => {})
    const { mood } = this
    const answer = async () => {
      this.unanswered -= 1
      const refusal = typeof mood === 'object' ? mood.refuses(name) : undefined
      if (refusal !== undefined) throw new Error(refusal)
      return this.#server.#execute(args)
    }
    if (mood !== 'slow') return Promise.resolve().then(answer)
    return new Promise((resolve, reject) => this.#held.push(() => answer().then(resolve, reject)))
  }

  /** Answers what was kept waiting. */
  release(): void {
    for (const answer of this.#held.splice(0)) answer()
  }

  /** The connection breaks, or comes back. */
  setReady(isReady: boolean): void {
    this.isReady = isReady
    this.#emit(isReady ? 'ready' : 'error', isReady ? undefined : new Error('connect ECONNREFUSED'))
  }

  duplicate(): NodeRedisClient {
    throw new Error('not here')
  }

  async connect(): Promise<void> {}

  destroy(): void {}

  on(event: string, listener: (value: unknown) => void): void {
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners.add(listener))
  }

  off(event: string, listener: (value: unknown) => void): void {
    this.#listeners.get(event)?.delete(listener)
  }

  get listeners(): number {
    return [...this.#listeners.values()].reduce((sum, { size }) => sum + size, 0)
  }

  #emit(event: string, value: unknown): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(value)
  }

  #execute(args: readonly (string | Buffer)[]): Reply {
    const [name, ...rest] = args
    const text = (at: number) => String(rest[at])
    switch (name) {
      case 'PING':
        return 'PONG'
      case 'GET':
        return this.#text(text(0))
      case 'MGET':
        return rest.map(key => this.#text(String(key)))
      case 'GETRANGE':
        return this.#text(text(0))?.subarray(Number(text(1)), Number(text(2)) + 1) ?? Buffer.alloc(0)
      case 'SET':
        this.texts.set(text(0), rest[1] as Buffer)
        if (rest[2] === 'PX') this.lives.set(text(0), Number(text(3)))
        return 'OK'
      case 'UNLINK':
        return this.texts.delete(text(0)) ? 1 : 0
      case 'CONFIG':
        return [Buffer.from(text(1)), Buffer.from('no')]
      case 'EVAL':
        return text(1) === '3' && text(2).endsWith('|version') ? this.#sync(rest.map(String)) : this.#late(rest)
      default:
        throw new Error(`ERR unknown command '${name}'`)
    }
  }

  #text(key: string): Buffer | null {
    if (key.endsWith('|version')) return this.#epoch === '' ? null : Buffer.from(`${this.#epoch}:${this.#last}`)
    return this.texts.get(key) ?? null
  }

  /** As the script does, without its bounds and sources. */
  #sync([, , , , , known = '', seen = '', fresh = '', begin = '', count = '', ...marks]: string[]): Reply {
    if (this.#epoch === '') this.#epoch = fresh
    if (begin !== '') {
      this.#epoch = begin
      this.#marks.clear()
    }
    for (let at = 0; at < Number(count) * 2; at += 2) {
      this.#last = Math.max(this.#last + 1, Number(marks[at]))
      this.#marks.set(marks[at + 1] as string, this.#last)
    }
    const from = this.#epoch === known ? Number(seen) : 0
    const news = [...this.#marks].filter(([, number]) => number > from).flatMap(([mark, number]) => [mark, `${number}`])
    return [Buffer.from(`${this.#epoch}:${this.#last}`), this.#epoch === known ? 0 : 1, news.map(one => Buffer.from(one)), []]
  }

  /** `SET_LATE` and `DELETE_LATE`. */
  #late([script, count, ...rest]: readonly (string | Buffer)[]): Reply {
    const keys = rest.slice(0, Number(count)).map(String)
    const details = rest.slice(Number(count) + 1)
    const isSet = String(script).includes("'SET'")
    for (const [at, key] of keys.entries()) {
      const time = Number(String(details[isSet ? at * 3 : at]))
      const there = this.texts.get(key)
      if (there !== undefined && there.readDoubleBE(19) > time) continue
      if (isSet) this.texts.set(key, details[at * 3 + 1] as Buffer)
      else this.texts.delete(key)
    }
    return null
  }
}
