/**
 * IndexedDB as it is in bad hours: the real one of the page, with a plan that says which of its calls fail, and how.
 *
 * What fails here looks like what browsers were seen to do; where that is an error, the error is what the catalogue of failed saves in
 * the field names. Requests are made all the same where they can be, so that transactions live and die by the engine's own rules.
 */

/** What becomes of a call. */
export type Fault = (typeof FAULTS)[number]

/** A call is `open`, `deleteDatabase`, `transaction`, `commit`, or the name of a request of an object store. */
export type Plan = (call: string, n: number) => Fault | 'none'

export const FAULTS = [
  // The call throws.
  'throws: closing',
  'throws: inactive',
  'throws: server lost',
  'throws: quota',
  'throws: invalid blob',
  // The request fails, and its transaction with it unless somebody prevents that.
  'fails: backing store',
  'fails: server lost',
  'fails: no transaction in progress',
  'fails: quota',
  'fails: invalid blob',
  'fails: null',
  // The request succeeds, and then its transaction is rolled back.
  'rolled back: quota',
  'rolled back: null',
  // The browser closes the connection, and rolls back what is under way.
  'closed',
  // Nothing happens until the transaction is aborted, or `release` is called.
  'stuck',
  // It is done, and nobody is told.
  'unheard',
  // It takes longer than anybody waits: opening and deleting say that they are blocked.
  'late',
] as const

const ERRORS: Record<string, () => DOMException | null> = {
  closing: () => new DOMException('The database connection is closing.', 'InvalidStateError'),
  inactive: () => new DOMException('The transaction is not active.', 'TransactionInactiveError'),
  'server lost': () => new DOMException('Connection to Indexed Database server lost. Refresh the page to try again', 'UnknownError'),
  quota: () => new DOMException('The current transaction exceeded its quota limitations.', 'QuotaExceededError'),
  'invalid blob': () => new DOMException('Failed to write blobs (InvalidBlob)', 'DataError'),
  'backing store': () => new DOMException('Internal error opening backing store for indexedDB.open.', 'UnknownError'),
  'no transaction in progress': () => new DOMException('Attempt to put a record without an in-progress transaction', 'UnknownError'),
  null: () => null,
}

const REAL = {
  open: IDBFactory.prototype.open,
  deleteDatabase: IDBFactory.prototype.deleteDatabase,
  transaction: IDBDatabase.prototype.transaction,
  commit: IDBTransaction.prototype.commit,
  abort: IDBTransaction.prototype.abort,
  get: IDBObjectStore.prototype.get,
}

/** What object stores are asked. */
const REQUESTS = ['add', 'put', 'get', 'getAll', 'getAllKeys', 'getKey', 'delete', 'clear', 'count', 'openCursor', 'openKeyCursor'] as const

/** See the top of this file. */
export class FaultyIndexedDb {
  /** Calls so far. */
  calls = 0
  /** Faults so far, and the call that met the last one. */
  faults = 0
  last = ''
  readonly #plan: Plan
  readonly #stuck = new Set<() => void>()
  readonly #late = new Set<() => void>()
  /** They are not to be complete before they fail. */
  readonly #doomed = new WeakSet<IDBTransaction>()
  readonly #quiet = new WeakMap<IDBTransaction, 'unheard' | 'late'>()
  readonly #restore: (() => void)[] = []

  constructor(plan: Plan) {
    this.#plan = plan
  }

  /** From now on; the result ends that. */
  install(): () => void {
    this.#replace(IDBFactory.prototype, 'open', (factory, ...args: [string, number?]) => this.#opening('open', factory, args))
    this.#replace(IDBFactory.prototype, 'deleteDatabase', (factory, name: string) => this.#opening('deleteDatabase', factory, [name]))
    this.#replace(IDBDatabase.prototype, 'transaction', (database, ...args: Parameters<IDBDatabase['transaction']>) =>
      this.#begin(database, args),
    )
    this.#replace(IDBTransaction.prototype, 'commit', transaction => this.#commit(transaction))
    for (const name of REQUESTS) {
      const real = IDBObjectStore.prototype[name] as (...args: unknown[]) => IDBRequest
      this.#replace(IDBObjectStore.prototype, name, (store, ...args: unknown[]) =>
        this.#request(name, store, () => real.apply(store, args)),
      )
    }
    return () => {
      for (const restore of this.#restore) restore()
      this.release()
    }
  }

  /** What is stuck goes on, and what is late arrives. */
  release(): void {
    for (const waiting of [this.#stuck, this.#late]) {
      const all = [...waiting]
      waiting.clear()
      for (const go of all) go()
    }
  }

  #next(call: string): Fault | 'none' {
    this.calls += 1
    const fault = this.#plan(call, this.calls)
    if (fault !== 'none') {
      this.faults += 1
      this.last = call
    }
    return fault
  }

  #opening(call: 'open' | 'deleteDatabase', factory: IDBFactory, args: [string, number?]): IDBOpenDBRequest {
    const fault = this.#next(call)
    const [manner] = split(fault)
    if (manner === 'throws') throw errorOf(fault)
    const real = () => (REAL[call] as (...args: unknown[]) => IDBOpenDBRequest).apply(factory, args)
    if (manner === 'fails' || manner === 'rolled back') {
      const request = new FakeRequest(errorOf(fault))
      setTimeout(() => request.dispatchEvent(new Event('error')))
      return request as unknown as IDBOpenDBRequest
    }
    if (manner === 'stuck' || manner === 'unheard') return new FakeRequest(null) as unknown as IDBOpenDBRequest
    const request = real()
    if (manner === 'late') {
      setTimeout(() => request.dispatchEvent(new Event('blocked')))
      this.#postpone(request, 'success')
    } else if (manner === 'closed' && call === 'open') {
      later(request, 'success', () => close(request.result))
    }
    return request
  }

  #begin(database: IDBDatabase, args: Parameters<IDBDatabase['transaction']>): IDBTransaction {
    const fault = this.#next('transaction')
    const [manner] = split(fault)
    if (manner === 'throws' || manner === 'fails') throw errorOf(fault) ?? ERRORS.closing?.()
    if (manner === 'closed') {
      close(database)
      return REAL.transaction.apply(database, args)
    }
    const transaction = REAL.transaction.apply(database, args)
    this.#listenFirst(transaction)
    if (manner === 'rolled back') setTimeout(() => rollBack(transaction, errorOf(fault)))
    else if (manner === 'stuck') this.#hold(transaction)
    else if (manner === 'unheard' || manner === 'late') this.#quiet.set(transaction, manner)
    return transaction
  }

  #commit(transaction: IDBTransaction): void {
    const fault = this.#next('commit')
    const [manner] = split(fault)
    if (manner === 'throws') throw errorOf(fault)
    if (manner === 'fails' || manner === 'rolled back') {
      this.#doomed.add(transaction)
      setTimeout(() => rollBack(transaction, errorOf(fault)))
    } else if (manner === 'closed') {
      this.#doomed.add(transaction)
      forceClose(transaction)
    } else if (manner === 'stuck') this.#hold(transaction)
    else if (manner === 'unheard' || manner === 'late') this.#quiet.set(transaction, manner)
    if (!this.#doomed.has(transaction)) REAL.commit.call(transaction)
  }

  #request(call: string, store: IDBObjectStore, real: () => IDBRequest): IDBRequest {
    const fault = this.#next(call)
    const [manner] = split(fault)
    const { transaction } = store
    if (manner === 'throws') throw errorOf(fault)
    if (manner === 'fails') {
      this.#doomed.add(transaction)
      // One that does nothing, in the place of the one that fails.
      const request = REAL.get.call(store, -1)
      request.addEventListener('success', event => {
        event.stopImmediatePropagation()
        const error = errorOf(fault)
        Object.defineProperty(request, 'error', { value: error })
        if (request.dispatchEvent(new Event('error', { bubbles: true, cancelable: true }))) rollBack(transaction, error)
      })
      return request
    }
    if (manner === 'stuck') {
      this.#hold(transaction)
      return silence(REAL.get.call(store, -1), 'success')
    }
    const request = real()
    if (manner === 'rolled back') {
      this.#doomed.add(transaction)
      later(request, 'success', () => rollBack(transaction, errorOf(fault)))
    } else if (manner === 'closed') forceClose(transaction)
    else if (manner === 'unheard' || manner === 'late') {
      this.#quiet.set(transaction, manner)
      if (manner === 'unheard') silence(request, 'success', 'error')
    }
    return request
  }

  /** Keeps a transaction busy. */
  #hold(transaction: IDBTransaction): void {
    let isHeld = true
    this.#doomed.add(transaction)
    const release = () => {
      isHeld = false
    }
    this.#stuck.add(release)
    const store = transaction.objectStore(transaction.objectStoreNames[0] as string)
    const spin = () => {
      if (!isHeld) return
      try {
        REAL.get.call(store, -1).onsuccess = spin
      } catch {
        // It was aborted.
      }
    }
    spin()
  }

  /** Before everybody else, since not all engines call those first who capture. */
  #listenFirst(transaction: IDBTransaction): void {
    for (const type of ['complete', 'abort'])
      transaction.addEventListener(type, event => {
        const manner = event.isTrusted ? this.#quiet.get(transaction) : undefined
        if (manner === undefined) return
        event.stopImmediatePropagation()
        if (manner === 'late') this.#late.add(() => transaction.dispatchEvent(new Event(type)))
      })
  }

  /** The first event of this type comes when {@link release} is called. */
  #postpone(target: EventTarget, type: string): void {
    const stop = (event: Event) => {
      target.removeEventListener(type, stop)
      event.stopImmediatePropagation()
      this.#late.add(() => target.dispatchEvent(new Event(type)))
    }
    target.addEventListener(type, stop)
  }

  #replace<T extends object, A extends unknown[]>(prototype: T, name: keyof T & string, act: (self: T, ...args: A) => unknown): void {
    const real = Object.getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor
    const value = function (this: T, ...args: A) {
      return act(this, ...args)
    }
    Object.defineProperty(prototype, name, { ...real, value })
    this.#restore.push(() => Object.defineProperty(prototype, name, real))
  }
}

/** What an opening that fails gives back. */
class FakeRequest extends EventTarget {
  readonly result = undefined
  readonly transaction = null
  readonly error: DOMException | null
  onsuccess: ((event: Event) => void) | null = null
  onerror: ((event: Event) => void) | null = null
  onblocked: ((event: Event) => void) | null = null
  onupgradeneeded: ((event: Event) => void) | null = null

  constructor(error: DOMException | null) {
    super()
    this.error = error
    for (const type of ['success', 'error'] as const) this.addEventListener(type, event => this[`on${type}`]?.(event))
  }
}

function split(fault: string): [manner: string, what: string] {
  const [manner, what = ''] = fault.split(': ')
  return [manner as string, what]
}

function errorOf(fault: string): DOMException | null {
  return ERRORS[split(fault)[1]]?.() ?? null
}

/** Calls `act` after those who listen by now. */
function later(target: EventTarget, type: string, act: () => void): void {
  queueMicrotask(() => target.addEventListener(type, act, { once: true }))
}

function silence<T extends EventTarget>(target: T, ...types: string[]): T {
  for (const type of types) target.addEventListener(type, event => event.stopImmediatePropagation())
  return target
}

function rollBack(transaction: IDBTransaction, error: DOMException | null): void {
  Object.defineProperty(transaction, 'error', { value: error, configurable: true })
  try {
    REAL.abort.call(transaction)
  } catch {
    // It is over already.
  }
}

/** As browsers do when they need the room, or when the user wants the data gone. */
function forceClose(transaction: IDBTransaction): void {
  setTimeout(() => {
    rollBack(transaction, new DOMException('Connection is closing because of: Force close delete origin', 'UnknownError'))
    close(transaction.db)
  })
}

function close(database: IDBDatabase): void {
  database.close()
  setTimeout(() => database.dispatchEvent(new Event('close')))
}
