/** Reads of Redis: one command for all keys asked for together, and what waits to be written before what is stored. */

import { isShelflifeError } from '../../errors.ts'
import { within } from '../../tier/deadlines.ts'
import type { Pending } from '../../tier/write-queue.ts'
import { GONE, type Mark } from '../barriers.ts'
import { decodeEntry } from '../entry-bytes.ts'
import type { TierEntry } from '../tier.ts'
import type { Command, Reply } from './client.ts'
import { HEAD, type Head, readBody, readHead } from './entry.ts'
import type { Exchange } from './exchange.ts'
import type { Parts } from './parts.ts'

/** Keys that one command reads: more would keep others waiting. */
const KEYS_AT_ONCE = 512
/** A value that was written this far in the future, by our clock, is not believed. */
const TOLERANCE_MS = 60_000

/** What a reply has for a key. */
interface Opened {
  readonly head: Head
  /** The encoded entry. */
  readonly bytes: Uint8Array
}

/** See the top of this file. */
export class RedisReader {
  readonly #parts: Parts
  readonly #exchange: Exchange

  constructor(parts: Parts, exchange: Exchange) {
    this.#parts = parts
    this.#exchange = exchange
  }

  /** The valid entries of `keys`. Never rejects: of a Redis that does not answer all are misses. */
  async read(keys: readonly string[]): Promise<(TierEntry | undefined)[]> {
    const { ledger, line, queue, doubts, core, options, open } = this.#parts
    if (!ledger.isKnown) await open()
    const deadline = core.driver.now() + options.line.timeoutMs
    const unread: { key: string; index: number; mark: Mark | undefined }[] = []
    const found = keys.map((key, index) => {
      const pending = queue.get(key)
      if (pending !== undefined) return this.#entryOf(pending)
      if (!doubts.has(key)) unread.push({ key, index, mark: ledger.markOf(key) })
      return undefined
    })
    if (unread.length === 0 || !line.isUp) return found
    const replies = await this.#fetch(
      unread.map(({ key }) => key),
      deadline,
    )
    if (replies === undefined) return found
    const opened = await this.#openAll(unread, replies)
    for (const [at, { key, index, mark }] of unread.entries()) {
      // What was written while we read is newer than what we read.
      const pending = queue.get(key)
      if (pending !== undefined) found[index] = this.#entryOf(pending)
      else if (!doubts.has(key)) found[index] = this.#entryAt(key, opened[at], mark)
    }
    return found
  }

  /** For each key, whether there is a value that could be read. Asked before anything that is written after this call. */
  async has(keys: readonly string[]): Promise<boolean[]> {
    const { ledger, line, names, queue, doubts } = this.#parts
    const had = keys.map(key => {
      const pending = queue.get(key)
      if (pending === undefined) return doubts.has(key) ? false : undefined
      return this.#entryOf(pending) !== undefined
    })
    const unknown = keys.filter((_, at) => had[at] === undefined)
    if (unknown.length === 0 || !line.isUp) return had.map(one => one === true)
    const commands = unknown.map((key): Command => ['GETRANGE', names.of(key), '0', String(HEAD - 1)])
    const { epoch } = ledger
    const replies = await line.call(commands).catch((): Reply[] => [])
    let at = 0
    return had.map(one => {
      if (one !== undefined) return one
      const reply = replies[at]
      at += 1
      const head = reply instanceof Uint8Array ? readHead(reply) : undefined
      return head !== undefined && head.epoch === epoch && this.#isValid(head)
    })
  }

  /** What Redis has of `keys`, and not before this process knows what of it has been given up. `undefined` when it does not answer. */
  async #fetch(keys: readonly string[], deadline: number): Promise<Reply[] | undefined> {
    const { ledger, line, names, core, counts, count } = this.#parts
    const commands: Command[] = []
    for (let at = 0; at < keys.length; at += KEYS_AT_ONCE) {
      const some = keys.slice(at, at + KEYS_AT_ONCE)
      commands.push(['MGET', names.version, ...some.map(key => names.of(key))])
    }
    counts.reads += commands.length
    try {
      const replies = (await line.call(commands)) as readonly (readonly Reply[])[]
      if (replies.some((reply, at) => !Array.isArray(reply) || reply.length !== (commands[at]?.length ?? 0) - 1)) {
        count('format')
        return undefined
      }
      const version = replies.at(-1)?.[0]
      if (!ledger.isCurrent(version)) await within(core, deadline - core.driver.now(), this.#exchange.run())
      return replies.flatMap(reply => reply.slice(1))
    } catch {
      // The line has counted it.
      return undefined
    }
  }

  /** What is in the replies: at once, unless something is compressed. */
  #openAll(
    unread: readonly { readonly key: string }[],
    replies: readonly Reply[],
  ): readonly (Opened | undefined)[] | Promise<(Opened | undefined)[]> {
    let isLate = false
    const opened = unread.map(({ key }, at) => {
      const one = this.#open(key, replies[at])
      isLate ||= one instanceof Promise
      return one
    })
    return isLate ? Promise.all(opened) : (opened as (Opened | undefined)[])
  }

  #open(key: string, reply: Reply | undefined): Opened | undefined | Promise<Opened | undefined> {
    const { options, values, count } = this.#parts
    if (!(reply instanceof Uint8Array)) return undefined
    const counted = (kind: string) => {
      count(kind)
      return undefined
    }
    if (reply.length > options.maxValueBytes + HEAD) return counted('size')
    const head = readHead(reply)
    if (head === undefined) return counted('format')
    if (!this.#isOfNow(head)) return undefined
    const body = readBody(key, reply)
    if (body === undefined) return counted('damaged')
    const bytes = values.expand(body)
    if (!(bytes instanceof Promise)) return { head, bytes }
    return bytes.then(
      expanded => ({ head, bytes: expanded }),
      () => counted('expand'),
    )
  }

  #entryAt(key: string, opened: Opened | undefined, mark: Mark | undefined): TierEntry | undefined {
    if (opened === undefined || !this.#isOfNow(opened.head)) return undefined
    const { writtenAt, expiresAt } = opened.head
    let entry: TierEntry
    try {
      entry = { ...decodeEntry(opened.bytes), writtenAt, expiresAt }
    } catch (error) {
      if (!isShelflifeError(error)) throw error
      this.#parts.count('codec')
      return undefined
    }
    return this.#judged(key, entry, mark)
  }

  /** Of this generation, and valid. */
  #isOfNow(head: Head): boolean {
    return head.epoch === this.#parts.ledger.epoch && this.#isValid(head)
  }

  #entryOf(pending: Pending): TierEntry | undefined {
    const { key, bytes, writtenAt, expiresAt } = pending
    if (bytes === undefined || !this.#isValid(pending)) return undefined
    return this.#judged(key, { ...decodeEntry(bytes), writtenAt, expiresAt })
  }

  #isValid({ writtenAt, expiresAt }: { readonly writtenAt: number; readonly expiresAt: number }): boolean {
    const wall = this.#parts.clock.wall()
    return expiresAt > wall && writtenAt <= wall + TOLERANCE_MS
  }

  #judged(key: string, entry: TierEntry, mark?: Mark): TierEntry | undefined {
    const verdict = this.#parts.ledger.judge(key, entry.facts, mark)
    if (verdict === undefined) return entry
    return verdict === GONE ? undefined : { ...entry, expiredAt: verdict }
  }
}
