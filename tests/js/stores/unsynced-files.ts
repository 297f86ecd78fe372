/**
 * A file system in memory that can lose its power: of what was not synced any part may be gone then, sector by sector and name by
 * name, and in the place of what is gone there may be zeros or rubbish (after LevelDB's FaultInjectionTestEnv, and worse than most disks).
 */

import type { FileLayer, OpenFile, OpenMode } from '../../../js/stores/fs/layer.ts'

const SECTOR = 512

interface Inode {
  bytes: Uint8Array
  synced: Uint8Array
  /** Sectors written since the last sync. */
  soiled: Set<number>
  links: number
}

interface Change {
  readonly name: string
  readonly inode: Inode | undefined
}

/** See the top of this file. Each life of a process has a layer of its own on the disk. */
export class UnsyncedDisk {
  names = new Map<string, Inode>()
  synced = new Map<string, Inode>()
  changes: Change[] = []
  isHeld = false
  operations = 0
  /** The power fails before this operation. */
  failsAt = Number.POSITIVE_INFINITY
  onFailure: () => void = () => {}

  /** What a process sees; after the power has failed every call is an error. */
  layer(): FileLayer {
    let isDead = false
    const step = () => {
      this.operations += 1
      if (!isDead && this.operations >= this.failsAt) {
        isDead = true
        this.onFailure()
      }
      if (isDead) throw failure('EIO')
    }
    const find = (path: string): Inode => {
      const inode = this.names.get(nameOf(path))
      if (inode === undefined) throw failure('ENOENT')
      return inode
    }
    return {
      makeFolder: async () => step(),
      names: async () => {
        step()
        return [...this.names.keys()]
      },
      open: async (path, mode) => {
        step()
        return this.#open(path, mode, step)
      },
      unlink: async path => {
        step()
        find(path).links -= 1
        this.names.delete(nameOf(path))
        this.changes.push({ name: nameOf(path), inode: undefined })
      },
      syncFolder: async () => {
        step()
        this.synced = new Map(this.names)
        this.changes = []
      },
      lock: async () => {
        step()
        if (this.isHeld) return undefined
        this.isHeld = true
        return async () => {
          if (!isDead) this.isHeld = false
        }
      },
    }
  }

  /** What is left of the disk. */
  afterPowerLoss(random: () => number): UnsyncedDisk {
    const left = new UnsyncedDisk()
    const kept = random() < 0.3 ? Math.round(random()) : random()
    const names = new Map(this.synced)
    const stuck = new Set<string>()
    for (const { name, inode } of this.changes) {
      // What happens to one name happens in order.
      if (stuck.has(name) || random() > kept) stuck.add(name)
      else if (inode === undefined) names.delete(name)
      else names.set(name, inode)
    }
    for (const [name, inode] of names) {
      const bytes = survivor(inode, kept, random)
      left.names.set(name, { bytes, synced: bytes.slice(), soiled: new Set(), links: 1 })
    }
    left.synced = new Map(left.names)
    return left
  }

  #open(path: string, mode: OpenMode, step: () => void): OpenFile {
    const name = nameOf(path)
    let inode = this.names.get(name)
    if (mode === 'create' && inode !== undefined) throw failure('EEXIST')
    if (mode === 'create' || (mode === 'replace' && inode === undefined)) {
      inode = { bytes: new Uint8Array(0), synced: new Uint8Array(0), soiled: new Set(), links: 1 }
      this.names.set(name, inode)
      this.changes.push({ name, inode })
    }
    if (inode === undefined) throw failure('ENOENT')
    const file = inode
    if (mode === 'replace') {
      for (let sector = 0; sector * SECTOR < file.bytes.length; sector += 1) file.soiled.add(sector)
      file.bytes = new Uint8Array(0)
    }
    return {
      async read(bytes, offset, length, position) {
        step()
        const piece = file.bytes.subarray(position, position + length)
        bytes.set(piece, offset)
        return { bytesRead: piece.length }
      },
      async write(bytes, offset, length, position) {
        step()
        // Not all at once: the power may fail in between.
        const part = length > 3 * SECTOR ? length >> 1 : length
        if (file.bytes.length < position + part) {
          const longer = new Uint8Array(position + part)
          longer.set(file.bytes)
          file.bytes = longer
        }
        file.bytes.set(bytes.subarray(offset, offset + part), position)
        for (let sector = Math.floor(position / SECTOR); sector * SECTOR < position + part; sector += 1) file.soiled.add(sector)
        return { bytesWritten: part }
      },
      async stat() {
        step()
        return { size: file.bytes.length, nlink: file.links }
      },
      async sync() {
        step()
        file.synced = file.bytes.slice()
        file.soiled.clear()
      },
      close: async () => {},
    }
  }
}

function survivor({ bytes, synced, soiled }: Inode, kept: number, random: () => number): Uint8Array {
  const keeps = new Map(Array.from(soiled, sector => [sector, random() < kept]))
  let length = synced.length
  for (const [sector, isKept] of keeps)
    if (isKept || random() < 0.3) length = Math.max(length, Math.min(bytes.length, (sector + 1) * SECTOR))
  if (length > bytes.length && random() < kept) length = bytes.length
  const left = new Uint8Array(length)
  left.set(synced.subarray(0, length))
  for (const [sector, isKept] of keeps) {
    const [from, to] = [sector * SECTOR, Math.min((sector + 1) * SECTOR, length)]
    if (from >= to) continue
    if (isKept) left.set(bytes.subarray(from, to), from)
    else if (random() < 0.2) for (let at = Math.max(from, synced.length); at < to; at += 1) left[at] = Math.floor(random() * 256)
  }
  return left
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function failure(code: string): Error {
  return Object.assign(new Error(code), { code })
}
