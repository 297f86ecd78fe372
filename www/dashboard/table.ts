/** A table that is brought up to date in place, and can be scrolled by key where it is too wide. */

import { make, showAttribute, showChildren, showText } from './dom.ts'

/** How something is, beside the word for it: each has a shape of its own. */
export type Mark = 'good' | 'warn' | 'bad' | 'idle'

/** What stands in a cell. */
export interface Cell {
  readonly text: string
  readonly mark?: Mark
  /** The number, for tests and scripts. */
  readonly value?: number
  /** A bar below it, 0 to 1. */
  readonly share?: number
  /** Instead of the text. It must be the same element each time. */
  readonly element?: HTMLElement
}

/** A column; words to the left, numbers to the right. */
export interface Column {
  readonly label: string
  readonly kind?: 'words' | 'number'
}

/** See the top of this file. */
export class Table {
  readonly element = make('div', 'scroll')
  readonly #columns: readonly Column[]
  readonly #body = make('tbody')

  constructor(caption: string, columns: readonly Column[], { showCaption = false } = {}) {
    this.#columns = columns
    const head = make('tr')
    for (const { label, kind = 'words' } of columns) {
      const cell = make('th', kind, label)
      cell.setAttribute('scope', 'col')
      head.append(cell)
    }
    const table = make('table', '', make('caption', showCaption ? '' : 'unseen', caption), make('thead', '', head), this.#body)
    this.element.append(table)
    this.element.setAttribute('role', 'group')
    this.element.setAttribute('aria-label', caption)
    new ResizeObserver(() => this.#reach()).observe(table)
    new ResizeObserver(() => this.#reach()).observe(this.element)
  }

  /** The rows, so that they can be told apart. */
  get rows(): HTMLElement[] {
    return [...this.#body.children] as HTMLElement[]
  }

  /** The first cell of each row is its header. */
  show(rows: readonly (readonly (string | Cell)[])[]): void {
    const shown = showChildren(this.#body, rows.length, () => {
      const row = make('tr')
      for (const [at, { kind = 'words' }] of this.#columns.entries()) {
        const cell = make(at === 0 ? 'th' : 'td', kind)
        if (at === 0) cell.setAttribute('scope', 'row')
        row.append(cell)
      }
      return row
    })
    for (const [at, cells] of rows.entries())
      for (const [column, cell] of cells.entries()) {
        const place = shown[at]?.children[column]
        if (place !== undefined) showCell(place as HTMLElement, typeof cell === 'string' ? { text: cell } : cell)
      }
  }

  /** Only what can be scrolled is a stop on the way of who goes by key. */
  #reach(): void {
    const isWide = this.element.scrollWidth > this.element.clientWidth + 1
    if (isWide) showAttribute(this.element, 'tabindex', '0')
    else this.element.removeAttribute('tabindex')
  }
}

function showCell(place: HTMLElement, { text, value, mark, share, element }: Cell): void {
  if (element !== undefined) {
    if (place.firstChild !== element) place.replaceChildren(element)
    return
  }
  if (place.firstElementChild !== null) place.replaceChildren()
  showText(place, text)
  if (value !== undefined) showAttribute(place, 'data-value', String(value))
  if (mark === undefined) place.removeAttribute('data-mark')
  else showAttribute(place, 'data-mark', mark)
  place.classList.toggle('bar', share !== undefined)
  if (share !== undefined) place.style.setProperty('--share', `${Math.round(Math.min(1, Math.max(0, share)) * 1000) / 10}%`)
}
