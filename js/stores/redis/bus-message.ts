/** What is said on a bus over a stream in Redis: the text of a message, and what a stream gives of those that it keeps. */

import { compileGlob } from '../../glob.ts'
import { withoutPath } from '../namespaced.ts'
import type { StoreChange } from '../tier.ts'
import type { Command, Reply } from './client.ts'

/** By whom, the how manyeth time, and what. One of number 0 has nothing to say. */
export type Message = readonly [speaker: string, number: number, changes: readonly StoreChange[]]

/** Where messages go. */
export interface Channel {
  /** The name of the stream. */
  readonly channel: string
  /** Messages that it keeps, about. */
  readonly maxMessages: number
}

/** Puts a message behind all others. */
export function appending({ channel, maxMessages }: Channel, message: Message): Command {
  return ['XADD', channel, 'MAXLEN', '~', String(maxMessages), '*', 'm', JSON.stringify(message)]
}

/** The message in a text, if it is one. */
export function messageIn(text: string): Message | undefined {
  let message: unknown
  try {
    message = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!Array.isArray(message) || message.length !== 3) return undefined
  const [speaker, number, changes] = message
  const isRight = typeof speaker === 'string' && Number.isSafeInteger(number) && Array.isArray(changes) && changes.every(isChange)
  return isRight ? (message as unknown as Message) : undefined
}

/** What a reading of one stream gives, as a list or, in the newer protocol, as a map. */
export function streamOf(reply: unknown): Reply | undefined {
  if (reply === null || reply === undefined) return undefined
  if (Array.isArray(reply)) return reply[0]?.[1]
  return reply instanceof Map ? [...reply.values()][0] : Object.values(reply)[0]
}

/** The messages of a stream: what each is called there, and its text. */
export function messagesOf(reply: Reply | undefined): (readonly [id: string, text: string])[] {
  if (!Array.isArray(reply)) return []
  return (reply as readonly (readonly [Reply, readonly Reply[]])[]).map(([id, fields]) => [textOf(id), textOf(fields?.[1])])
}

export function textOf(reply: Reply | undefined): string {
  return reply instanceof Uint8Array ? Buffer.from(reply.buffer, reply.byteOffset, reply.length).toString() : String(reply)
}

/** Names of messages are two numbers: a time, and a count within it. */
export function isAfter(id: string, other: string): boolean {
  const [[time = 0, count = 0], [otherTime = 0, otherCount = 0]] = [id, other].map(one => one.split('-').map(Number)) as [
    number[],
    number[],
  ]
  return time === otherTime ? count > otherCount : time > otherTime
}

function isChange(change: unknown): change is StoreChange {
  if (typeof change !== 'object' || change === null) return false
  const { keys, invalidation, all } = change as Record<string, unknown>
  if (keys !== undefined) return Array.isArray(keys) && keys.every(key => typeof key === 'string')
  if (invalidation === undefined) return all === true
  if (typeof invalidation !== 'object' || invalidation === null) return false
  const { mode, ...meant } = invalidation as Record<string, unknown>
  const [kind, what] = Object.entries(meant)[0] ?? []
  if (mode !== undefined && mode !== 'delete' && mode !== 'expire') return false
  if (kind === 'tags') return Array.isArray(what) && what.every(tag => typeof tag === 'string')
  if (kind === 'source' && what === undefined) return true
  if (kind === 'pattern') return isPattern(what)
  return typeof what === 'string' && ['key', 'prefix', 'namespace', 'source'].includes(kind as string)
}

function isPattern(what: unknown): boolean {
  try {
    return typeof what === 'string' && compileGlob(withoutPath(what)) !== undefined
  } catch {
    return false
  }
}
