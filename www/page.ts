/** Finding and filling the marked places of the page. Text only: nothing a key or a message contains becomes markup. */

/** The element that `selector` names; the page is ours, so it is there. */
export function place<T extends HTMLElement = HTMLElement>(selector: string): T {
  const found = document.querySelector<T>(selector)
  if (found === null) throw new Error(`the page has no ${selector}`)
  return found
}

/** Writes one figure, only when it changed. `value` is what tests and scripts read, `text` what people do. */
export function showFigure(name: string, value: number, text: string): void {
  const element = place(`[data-figure="${name}"]`)
  if (element.dataset.value !== String(value)) element.dataset.value = String(value)
  showText(element, text)
}

/** Writes a text, only when it changed, so that nothing is announced or selected anew. */
export function showText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

/** An element with a class and a text. */
export function make<K extends keyof HTMLElementTagNameMap>(tag: K, className = '', text = ''): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  if (className !== '') element.className = className
  if (text !== '') element.textContent = text
  return element
}

/** Brings a table body to these rows, changing only cells that differ. The first cell of each row is its header. */
export function showRows(body: HTMLElement, rows: readonly (readonly string[])[]): void {
  while (body.children.length > rows.length) body.lastElementChild?.remove()
  rows.forEach((cells, at) => {
    let row = body.children[at] as HTMLElement | undefined
    if (row === undefined) {
      row = make('tr')
      cells.forEach((_, column) => {
        const cell = make(column === 0 ? 'th' : 'td')
        if (column === 0) cell.setAttribute('scope', 'row')
        row?.append(cell)
      })
      body.append(row)
    }
    cells.forEach((text, column) => {
      const cell = row.children[column] as HTMLElement
      showText(cell, text)
    })
  })
}
