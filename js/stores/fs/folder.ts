/** The folder of a log: who holds it, what is in it, and the files that are kept open for reading. */

import { ShelflifeError } from '../../errors.ts'
import { errno, type FileLayer, type OpenFile, type OpenMode } from './layer.ts'
import type { Unlock } from './lock.ts'

/** Files that are kept open for reading. */
const OPEN_FILES = 32
/** No log lives to see the last billion of numbers: where somebody has put a file there, there is still a next one. */
const LOG_FILE = /^[0-8]\d{9}\.segments$/

/** Written when the log is closed: what a new file would begin with. */
export const LAST_WORD = 'closed'

/** A file of the log, by its number, or the last word. */
export type FileName = number | typeof LAST_WORD

/** See the top of this file. */
export class Folder {
  readonly #path: string
  readonly #openLayer: () => Promise<FileLayer>
  readonly #readers = new Map<number, Promise<OpenFile>>()
  #opened: FileLayer | undefined
  #unlock: Unlock | undefined

  constructor(path: string, openLayer: () => Promise<FileLayer>) {
    this.#path = path
    this.#openLayer = openLayer
  }

  /** Whether we have the lock. */
  get isOurs(): boolean {
    return this.#unlock !== undefined
  }

  async open(): Promise<void> {
    this.#opened = await this.#openLayer()
    await this.settleIn()
  }

  /** Makes the folder and takes its lock, unless somebody else has it. */
  async settleIn(): Promise<void> {
    await this.#layer.makeFolder(this.#path)
    this.#unlock = await this.#layer.lock(this.#path)
  }

  async unlock(): Promise<void> {
    const unlock = this.#unlock
    this.#unlock = undefined
    await unlock?.()
  }

  /** The numbers of its files in rising order, and whether there is a last word. */
  async look(): Promise<{ readonly numbers: readonly number[]; readonly hasLastWord: boolean }> {
    const names = await this.#layer.names(this.#path)
    const numbers = names.filter(name => LOG_FILE.test(name)).map(name => Number.parseInt(name, 10))
    return { numbers: numbers.sort((a, b) => a - b), hasLastWord: names.includes(LAST_WORD) }
  }

  openFile(name: FileName, mode: OpenMode): Promise<OpenFile> {
    return this.#layer.open(this.#pathOf(name), mode)
  }

  /** Removes a file; one that is gone already counts as done, and so does a folder in its place. */
  async unlink(name: FileName): Promise<void> {
    await this.#layer.unlink(this.#pathOf(name)).catch(error => {
      if (errno(error) !== 'ENOENT' && errno(error) !== 'EISDIR') throw error
    })
  }

  /** Syncs the names in it. */
  sync(): Promise<void> {
    return this.#layer.syncFolder(this.#path)
  }

  /** An open file, kept open for whoever reads it next. */
  reader(number: number): Promise<OpenFile> {
    const kept = this.#readers.get(number)
    this.#readers.delete(number)
    const handle = kept ?? this.openFile(number, 'read')
    this.#readers.set(number, handle)
    handle.catch(() => {
      if (this.#readers.get(number) === handle) this.#readers.delete(number)
    })
    for (const other of this.#readers.keys()) {
      if (this.#readers.size <= OPEN_FILES) break
      void this.closeReader(other)
    }
    return handle
  }

  async closeReader(number: number): Promise<void> {
    const handle = this.#readers.get(number)
    this.#readers.delete(number)
    await handle?.then(open => open.close()).catch(() => {})
  }

  /** Closes what is open and lets go of the lock. */
  async close(): Promise<void> {
    for (const number of [...this.#readers.keys()]) await this.closeReader(number)
    await this.unlock()
  }

  get #layer(): FileLayer {
    if (this.#opened === undefined) throw new ShelflifeError('ERR_STORE', 'the folder is not open')
    return this.#opened
  }

  #pathOf(name: FileName): string {
    return `${this.#path}/${name === LAST_WORD ? name : `${String(name).padStart(10, '0')}.segments`}`
  }
}
