/** What the barriers of another writer say that we did not know, as changes to whoever kept something. */

import type { BarrierRecord, GivenUp } from '../stores/barriers.ts'
import type { StoreChange } from '../stores/tier.ts'

/** The news in `found` for somebody who knows `known`; both are records of {@link Barriers}. */
export function newsOf(found: unknown, known: BarrierRecord): StoreChange[] {
  const [, floor, marks] = found as BarrierRecord
  const [, knownFloor, knownMarks] = known
  if (floor > knownFloor) return [{ all: true }]
  const before = new Map(knownMarks.map(([name, deleted, expired]) => [name, { deleted, expired }]))
  const news: StoreChange[] = []
  for (const [name, deleted, expired] of marks) {
    const mine = before.get(name)
    const meant = givenUp(name)
    if (deleted > (mine?.deleted ?? knownFloor)) news.push(meant === undefined ? { all: true } : { invalidation: meant })
    else if (expired > (mine?.expired ?? knownFloor) && meant !== undefined) news.push({ invalidation: { ...meant, mode: 'expire' } })
  }
  return news
}

/** Whether `found` holds all that `known` does. */
export function knowsAll(found: unknown, known: BarrierRecord): boolean {
  const [last, floor, marks] = found as BarrierRecord
  const there = new Map(marks.map(([name, deleted, expired]) => [name, { deleted, expired }]))
  return (
    last >= known[0] &&
    known[2].every(([name, deleted, expired]) => {
      const theirs = there.get(name)
      return Math.max(deleted, expired) <= floor || (theirs !== undefined && theirs.deleted >= deleted && theirs.expired >= expired)
    })
  )
}

/** What a name of {@link Barriers} means; `undefined` for whatever was made from anything. */
export function givenUp(name: string): GivenUp | undefined {
  const text = name.slice(1)
  switch (name[0]) {
    case 't':
      return { tags: [text] }
    case 'k':
      return { key: text }
    case 'p':
      return { prefix: text }
    case 'g':
      return { pattern: text }
    case 'n':
      return { namespace: text }
    default:
      return name === 'a' ? undefined : { source: text }
  }
}
