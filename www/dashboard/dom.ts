/** Finding, making and filling elements. Text only: nothing that a key or a message contains becomes markup. */

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
export function showText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

/** Sets an attribute, only when it changed. */
export function showAttribute(element: Element, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value)
}

/** An element with a class and what is in it; text is text. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = '',
  ...inside: readonly (string | Node)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  if (className !== '') element.className = className
  for (const part of inside) if (part !== '') element.append(part)
  return element
}

/** Brings the children of `parent` to `count`; new ones are made by `begin`. */
export function showChildren(parent: Element, count: number, begin: () => Element): Element[] {
  while (parent.children.length > count) parent.lastElementChild?.remove()
  while (parent.children.length < count) parent.append(begin())
  return [...parent.children]
}

/** Brings a `select` to these choices and says which is chosen: the one before, if it is still there, else the first. */
export function showChoices(select: HTMLSelectElement, choices: readonly (readonly [value: string, text: string])[]): string {
  const before = select.value
  const options = showChildren(select, choices.length, () => make('option')) as HTMLOptionElement[]
  for (const [at, [value, text]] of choices.entries()) {
    const option = options[at]
    if (option === undefined) continue
    showAttribute(option, 'value', value)
    showText(option, text)
  }
  if (select.value !== before && choices.some(([value]) => value === before)) select.value = before
  return select.value
}

const LONGEST = 96
/** What cannot be seen, or turns around what follows. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu

/** A name that anybody may have chosen, so that it shows as it is: what cannot be seen is spelt out, and its end may be cut off. */
export function visible(name: string): string {
  const cut = name.length > LONGEST ? `${name.slice(0, LONGEST)}…` : name
  const spelt = cut.replace(UNSEEN, char => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`)
  return spelt === '' ? '(empty)' : spelt
}
