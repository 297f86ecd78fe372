/** What an entry of a tier says of itself beside its value: how that is written, and what it comes to when the entry is read. */

import type { Marked } from '../stores/barriers.ts'
import type { EntryFacts, TierEntry } from '../stores/tier.ts'
import type { Validators } from './loading-types.ts'
import type { Version } from './memory-types.ts'

const NEVER = Number.POSITIVE_INFINITY

/** For how long a stale value is of use, in milliseconds. */
interface Windows {
  readonly swr: number
  readonly sie: number
}

/** What there may be to say of an entry. */
interface Said extends Windows {
  /** `Infinity` where it is as long as it is kept. */
  readonly freshUntil: number
  readonly marks: Marked
  readonly validators: Validators | undefined
  readonly version: Version | undefined
}

/** What an entry comes to at the time of reading; times are of the wall. */
export interface Terms extends Windows {
  /** For how long it is fresh; below zero, it is stale for so long. */
  readonly left: number
  /** For how long it was to be fresh. */
  readonly life: number
  /** For how long after that it is of use. */
  readonly staleFor: number
  readonly validators: Validators | undefined
  readonly version: Version | undefined
  readonly marks: Marked
  /** It says that there is nothing. */
  readonly isNone: boolean
}

/** What is written of an entry; `usual` goes without saying. */
export function factsOf({ freshUntil, swr, sie, marks, validators, version }: Said, usual: Windows): EntryFacts {
  return {
    ...(freshUntil !== NEVER && { freshUntil }),
    ...(swr !== usual.swr && { swr: finite(swr) }),
    ...(sie !== usual.sie && { sie: finite(sie) }),
    ...validators,
    ...marks,
    ...(version !== undefined && version !== validators?.etag && { version }),
  }
}

/** What an entry comes to at `wall`; `undefined` when it is of no use any more. */
export function termsOf(entry: TierEntry, wall: number, usual: Windows): Terms | undefined {
  const { writtenAt, facts = NO_FACTS } = entry
  const { swr = usual.swr, sie = usual.sie, etag, lastModified } = facts
  // The clock may have gone back since.
  const expiredAt = entry.expiredAt === undefined ? NEVER : Math.min(entry.expiredAt, wall)
  const expiresAt = Math.min(entry.expiresAt, expiredAt + Math.max(swr, sie))
  if (!(expiresAt > wall)) return undefined
  const lastFresh = Math.min(facts.freshUntil ?? NEVER, entry.expiresAt)
  const freshUntil = Math.min(lastFresh, expiredAt)
  return {
    ...{ swr, sie, left: freshUntil - wall, life: lastFresh - writtenAt },
    staleFor: freshUntil === NEVER ? Math.max(swr, sie) : expiresAt - freshUntil,
    validators: etag === undefined && lastModified === undefined ? undefined : { etag, lastModified },
    version: facts.version ?? etag,
    marks: marksOf(facts),
    isNone: facts.none === true,
  }
}

const NO_FACTS: EntryFacts = {}

function marksOf({ tags, dependsOn }: EntryFacts): Marked {
  return { ...(tags !== undefined && { tags }), ...(dependsOn !== undefined && { dependsOn }) }
}

/** JSON has no infinity. */
function finite(ms: number): number {
  return Math.min(ms, Number.MAX_SAFE_INTEGER)
}
