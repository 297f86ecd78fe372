/** Keys, values and what else is written on entries, by slot; and which slots are free. */

import { FIRST_SLOTS, type Lives } from './lives.ts'
import { SlotMap } from './slot-map.ts'

/** See the top of this file. */
export class SlotTable<K, V> {
  readonly slots = new SlotMap<K>()
  /** A free slot names the next one in place of a key: a list of its own would grow while much expires, all at once. */
  readonly keys: (K | undefined)[] = blank()
  /** Nothing where the slot is empty. */
  readonly values: (V | undefined)[] = blank()
  readonly lives: Lives
  /** Whether sizes are counted. */
  readonly isWeighed: boolean
  readonly #sizes: number[] = []
  #totalSize = 0
  /** What the owner of the cache wrote on entries. */
  #notes: unknown[] | undefined
  /** How many slots have ever been in use. */
  #used = 0
  #free = -1

  constructor(lives: Lives, isWeighed: boolean) {
    this.lives = lives
    this.isWeighed = isWeighed
  }

  /** Sizes of all entries together. */
  get totalSize(): number {
    return this.#totalSize
  }

  /** The first free slot, or -1. */
  get firstFree(): number {
    return this.#free
  }

  /** How many slots have ever been in use. */
  get used(): number {
    return this.#used
  }

  /** For a slot that is in use. */
  keyIn(slot: number): K {
    return this.keys[slot] as K
  }

  sizeOf(slot: number): number {
    return this.#sizes[slot] ?? 0
  }

  noteOn(slot: number): unknown {
    return this.#notes?.[slot]
  }

  /** Whether somebody ever wrote a note. */
  get hasNotes(): boolean {
    return this.#notes !== undefined
  }

  annotate(slot: number, note: unknown): void {
    this.#notes ??= []
    while (this.#notes.length < slot) this.#notes.push(undefined)
    this.#notes[slot] = note
  }

  /** A free slot, where there will be no more than `most`. */
  vacant(most: number): number {
    const slot = this.#free
    if (slot >= 0) {
      this.#free = this.keys[slot] as number
      return slot
    }
    if (this.#used === this.lives.room) this.#grow(most)
    this.#used += 1
    return this.#used - 1
  }

  /** Writes an entry into its slot. Its key is another's business. */
  write(slot: number, key: K, value: V, until: number, size: number): void {
    this.keys[slot] = key
    this.values[slot] = value
    this.lives.begin(slot, until)
    if (!this.isWeighed) return
    this.#totalSize += size - (this.#sizes[slot] ?? 0)
    this.#sizes[slot] = size
  }

  /** The entry leaves; the slot is not free yet. */
  vacate(slot: number): void {
    this.slots.delete(this.keys[slot] as K)
    this.keys[slot] = undefined
    this.values[slot] = undefined
    if (this.#notes !== undefined) this.#notes[slot] = undefined
    if (!this.isWeighed) return
    this.#totalSize -= this.#sizes[slot] ?? 0
    this.#sizes[slot] = 0
  }

  /** Gives a vacated slot back. */
  release(slot: number): void {
    this.keys[slot] = this.#free as K
    this.#free = slot
  }

  clear(): void {
    this.slots.clear()
    shrink(this.keys)
    shrink(this.values)
    this.lives.clear()
    this.#sizes.length = 0
    this.#totalSize = 0
    this.#notes = undefined
    this.#used = 0
    this.#free = -1
  }

  /** Doubles the columns, but to no more slots than there may be. */
  #grow(most: number): void {
    const room = Math.max(this.#used + 1, Math.min(this.#used * 2, most))
    this.keys.length = room
    this.values.length = room
    this.lives.grow(room)
  }
}

/** Room for the first slots, in an array of the one kind that holds anything, so that all caches run the same code. */
function blank(): undefined[] {
  return new Array<undefined>(FIRST_SLOTS).fill(undefined)
}

/** The same array, blank again: who reads a column at each hit holds on to it. */
function shrink(column: unknown[]): void {
  column.length = 0
  column.length = FIRST_SLOTS
}
