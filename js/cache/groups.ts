/**
 * Groups of slots that can be given up together: those with a tag, those that depend on a key.
 *
 * Giving up a group costs the same whatever its size: the group is taken out of the index and *doomed*. Its entries
 * count as gone from that moment, and leave a slice at a time. An entry that comes in later joins a new group of the same name.
 */

type Group = Set<number>

/** What becomes of the entries of a doomed group. */
export type DoomMode = 'delete' | 'expire'

interface Doomed {
  readonly group: Group
  readonly mode: DoomMode
}

interface Membership<Name> {
  readonly name: Name
  group: Group
}

/** Groups by name; a slot may be in several. */
export class Groups<Name> {
  readonly #byName = new Map<Name, Group>()
  readonly #ofSlot = new Map<number, Membership<Name>[]>()
  #doomed: Doomed[] = []

  /** Whether a doomed group still has entries, so that reads have to ask {@link Groups.doom}. */
  get pending(): boolean {
    return this.#doomed.length > 0
  }

  /** How many groups there are. */
  get size(): number {
    return this.#byName.size
  }

  /** Puts `slot`, which must be in none, into the groups `names`. */
  join(slot: number, names: Iterable<Name>): void {
    const memberships = Array.from(new Set(names), name => ({ name, group: this.#joined(slot, name) }))
    if (memberships.length > 0) this.#ofSlot.set(slot, memberships)
  }

  /** `slot` has outlived what was given up with mode `'expire'`, and belongs to the groups of those names that are there now. */
  renew(slot: number): void {
    for (const membership of this.#ofSlot.get(slot) ?? []) {
      const { name, group } = membership
      if (this.#byName.get(name) === group || this.#doomed.some(doomed => doomed.group === group && doomed.mode === 'delete')) continue
      group.delete(slot)
      membership.group = this.#joined(slot, name)
    }
  }

  /** Takes `slot` out of every group, doomed ones too. */
  leave(slot: number): void {
    const memberships = this.#ofSlot.get(slot)
    if (memberships === undefined) return
    this.#ofSlot.delete(slot)
    for (const { name, group } of memberships) {
      group.delete(slot)
      if (group.size === 0 && this.#byName.get(name) === group) this.#byName.delete(name)
    }
  }

  /** The names of the groups that `slot` is in. */
  namesOf(slot: number): Name[] {
    return this.#ofSlot.get(slot)?.map(({ name }) => name) ?? []
  }

  /** The names of all groups. */
  names(): IterableIterator<Name> {
    return this.#byName.keys()
  }

  /** Dooms the group `name`. Whether there was one. */
  giveUp(name: Name, mode: DoomMode): boolean {
    const group = this.#byName.get(name)
    if (group === undefined) return false
    this.#byName.delete(name)
    this.#doomed.push({ group, mode })
    return true
  }

  /** What is to become of the entry in `slot`, if it is doomed. Deletion wins. */
  doom(slot: number): DoomMode | undefined {
    let found: DoomMode | undefined
    for (const { group, mode } of this.#doomed) {
      if (!group.has(slot)) continue
      if (mode === 'delete') return mode
      found = mode
    }
    return found
  }

  /** A doomed slot, if one is left. The caller lets it {@link Groups.leave} or {@link Groups.renew}s it. */
  poll(): { slot: number; mode: DoomMode } | undefined {
    for (let first = this.#doomed[0]; first !== undefined; first = this.#doomed[0]) {
      for (const slot of first.group) return { slot, mode: first.mode }
      this.#doomed.shift()
    }
    return undefined
  }

  /** Forgets every group. */
  clear(): void {
    this.#byName.clear()
    this.#ofSlot.clear()
    this.#doomed = []
  }

  #joined(slot: number, name: Name): Group {
    let group = this.#byName.get(name)
    if (group === undefined) {
      group = new Set()
      this.#byName.set(name, group)
    }
    return group.add(slot)
  }
}
