/** Keys under which a tier keeps what it must know itself, beside the entries of its users. */

/** What the keys of records begin with. */
const RECORD = '\0shelflife\0'

/** The key of a record. */
export function recordKey(name: string): string {
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
