/** Keys under which a tier keeps what it must know itself, beside the entries of its users. */

import { SOURCE_RECORDS } from './sources.ts'

/** What the keys of records begin with. */
const RECORD = '\0shelflife\0'

/** Records of barriers: each writer has one of these, by chance. */
const WRITERS = 16

/** The keys of the records of barriers, and of sources. */
export const BARRIER_RECORDS: readonly string[] = Array.from({ length: WRITERS }, (_, at) => recordKey(`${at}`))
export const SOURCE_RECORD_KEYS: readonly string[] = Array.from({ length: SOURCE_RECORDS }, (_, at) => recordKey(`s${at}`))
/** The keys of all records. */
export const RECORDS: readonly string[] = [...BARRIER_RECORDS, ...SOURCE_RECORD_KEYS]

function recordKey(name: string): string {
  return `${RECORD}r${name}`
}

/** Whether a record lies there, which is not given up for the byte budget as long as there are entries that are older. */
export function isRecord(key: string): boolean {
  return key.startsWith(`${RECORD}r`)
}

/** Where the entry of `key` lies: there, unless that could be the place of a record. */
export function entryKey(key: string): string {
  return key.startsWith(RECORD) ? `${RECORD}e${key}` : key
}

/** The key of the entry that lies there. */
export function keyOfEntry(key: string): string {
  return key.startsWith(RECORD) ? key.slice(RECORD.length + 1) : key
}
