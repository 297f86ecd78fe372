/** What Redis is told to do about writes. */

import type { Pending } from '../../tier/write-queue.ts'
import type { Command } from './client.ts'
import type { Doubt } from './doubts.ts'
import { frame } from './entry.ts'
import type { RedisNames } from './names.ts'
import { DELETE_LATE, SET_LATE } from './scripts.ts'

/** What has waited for longer may have been overtaken by others: it is written only where there is nothing newer. */
const LATE_MS = 1000
/** Redis ends an entry this much later than it ends for readers, whose clocks may differ. */
const SLACK_MS = 1000
/** Longer lives are for ever. */
const LONGEST_MS = 2 ** 45

/** Sets and deletes at once what is fresh, and by scripts what is late. */
export function writing(writes: readonly Pending[], names: RedisNames, epoch: string, wall: number): Command[] {
  const commands: Command[] = []
  const late: { readonly set: Pending[]; readonly deleted: Pending[] } = { set: [], deleted: [] }
  for (const write of writes) {
    const isSet = write.bytes !== undefined && write.expiresAt > wall
    if (wall - write.writtenAt > LATE_MS) late[isSet ? 'set' : 'deleted'].push(write)
    else if (isSet) commands.push(setting(write, names, epoch, wall))
    else commands.push(['UNLINK', names.of(write.key)])
  }
  const { set, deleted } = late
  if (deleted.length > 0) commands.push(script(DELETE_LATE, deleted, ({ writtenAt }) => [String(writtenAt)], names, epoch))
  if (set.length > 0) {
    const details = (write: Pending) => [String(write.writtenAt), framed(write, epoch), lifeOf(write, wall)]
    commands.push(script(SET_LATE, set, details, names, epoch))
  }
  return commands
}

/** Deletes what is older than what was given up. */
export function deletingDoubts(doubts: readonly Doubt[], names: RedisNames, epoch: string): Command {
  const items = doubts.map(([key, at]) => ({ key, at }))
  return script(DELETE_LATE, items, ({ at }) => [String(at)], names, epoch)
}

function setting(write: Pending, names: RedisNames, epoch: string, wall: number): Command {
  const life = lifeOf(write, wall)
  const command: Command = ['SET', names.of(write.key), framed(write, epoch)]
  return life === '' ? command : [...command, 'PX', life]
}

function script<T extends { readonly key: string }>(
  code: string,
  items: readonly T[],
  details: (item: T) => (string | Uint8Array)[],
  names: RedisNames,
  epoch: string,
): Command {
  return ['EVAL', code, String(items.length), ...items.map(({ key }) => names.of(key)), epoch, ...items.flatMap(details)]
}

function framed(write: Pending, epoch: string): Uint8Array {
  return frame(write.key, epoch, write.bytes as Uint8Array, write)
}

/** How long Redis keeps it, in milliseconds; nothing for ever. */
function lifeOf({ expiresAt }: Pending, wall: number): string {
  const life = Math.ceil(expiresAt - wall) + SLACK_MS
  return life > LONGEST_MS ? '' : String(life)
}
