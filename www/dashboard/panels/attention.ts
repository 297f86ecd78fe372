/** What wants somebody: alerts, and recommendations with what they rest on. */

import type { MonitorAlert, RecommendationSnapshot } from 'shelflife'
import { make, showAttribute, showChildren, showText, visible } from '../dom.ts'
import { clockTime } from '../format.ts'
import type { Mark } from '../table.ts'
import type { View } from '../view.ts'

const SEVERITIES: Readonly<Record<string, Mark>> = { info: 'idle', warning: 'warn', critical: 'bad' }
const STATES: Readonly<Record<MonitorAlert['state'], number>> = { firing: 0, pending: 1, resolved: 2, inactive: 3 }

/** Firing first. What begins to fire is announced once. */
export class Alerts {
  readonly element = make('section', 'card')
  readonly #list = make('ul', 'attention')
  readonly #empty = make('p', 'empty', 'Nothing fires.')
  readonly #announced = make('p', 'unseen')
  #firing: readonly string[] = []

  constructor() {
    const title = make('h2', '', 'Alerts')
    title.id = 'alerts-title'
    this.element.setAttribute('aria-labelledby', title.id)
    this.#announced.setAttribute('role', 'status')
    this.element.append(title, this.#empty, this.#list, this.#announced)
  }

  show({ snapshot }: View): void {
    const alerts = snapshot.alerts.filter(({ state }) => state !== 'inactive').toSorted((a, b) => STATES[a.state] - STATES[b.state])
    this.#empty.hidden = alerts.length > 0
    this.#list.hidden = alerts.length === 0
    const items = showChildren(this.#list, alerts.length, () => make('li', '', make('strong'), make('span', 'note'), make('p')))
    for (const [at, { name, state, severity = 'warning', summary = '', since }] of alerts.entries()) {
      const [title, note, text] = items[at]?.children ?? []
      if (title === undefined || note === undefined || text === undefined) continue
      showAttribute(title, 'data-mark', state === 'firing' ? (SEVERITIES[severity] ?? 'warn') : state === 'resolved' ? 'good' : 'idle')
      showText(title, visible(name))
      showText(note, `${state}${since === undefined ? '' : ` since ${clockTime(since)}`}`)
      showText(text, summary)
    }
    this.#announce(alerts.filter(({ state }) => state === 'firing').map(({ name }) => name))
  }

  #announce(firing: readonly string[]): void {
    const begun = firing.filter(name => !this.#firing.includes(name))
    this.#firing = firing
    if (begun.length > 0) showText(this.#announced, `Alert: ${begun.map(visible).join(', ')}`)
  }
}

/** Each with what would be changed, the numbers it rests on, and a button where it can be done from here. */
export class Recommendations {
  readonly element = make('section', 'card')
  readonly #list = make('ul', 'attention')
  readonly #empty = make('p', 'empty', 'Nothing to change.')
  readonly #said = make('p', 'said')
  readonly #items = new Map<string, Item>()

  constructor() {
    const title = make('h2', '', 'Recommendations')
    title.id = 'recommendations-title'
    this.element.setAttribute('aria-labelledby', title.id)
    this.#said.setAttribute('role', 'status')
    this.element.append(title, this.#empty, this.#list, this.#said)
  }

  show({ snapshot, apply }: View): void {
    const all = snapshot.recommendations
    this.#empty.hidden = all.length > 0
    this.#list.hidden = all.length === 0
    for (const [id, { element }] of this.#items) {
      if (all.some(one => one.id === id)) continue
      element.remove()
      this.#items.delete(id)
    }
    for (const [at, one] of all.entries()) {
      const item = this.#items.get(one.id) ?? new Item(one.id)
      this.#items.set(one.id, item)
      item.show(one, apply === undefined ? undefined : () => this.#apply(one, apply))
      if (this.#list.children[at] !== item.element) this.#list.insertBefore(item.element, this.#list.children[at] ?? null)
    }
  }

  async #apply({ id, title }: RecommendationSnapshot, apply: (id: string) => Promise<void>): Promise<void> {
    try {
      await apply(id)
      showText(this.#said, `Applied: ${title}`)
    } catch (error) {
      showText(this.#said, `Not applied: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

class Item {
  readonly element = make('li')
  readonly #title = make('strong')
  readonly #note = make('span', 'note')
  readonly #text = make('p')
  readonly #evidence = make('dl', 'evidence')
  readonly #button = make('button', 'small', 'Apply')
  #act: (() => Promise<void>) | undefined

  constructor(id: string) {
    this.element.dataset.recommendation = id
    this.#button.type = 'button'
    this.#button.addEventListener('click', async () => {
      this.#button.disabled = true
      await this.#act?.()
      this.#button.disabled = false
    })
    this.element.append(this.#title, this.#note, this.#text, this.#evidence, this.#button)
  }

  show(one: RecommendationSnapshot, act: (() => Promise<void>) | undefined): void {
    const { severity, title, detail = '', gain, option, from, to, evidence = {}, keys = [], canApply } = one
    this.#act = act
    showAttribute(this.#title, 'data-mark', SEVERITIES[severity] ?? 'idle')
    showText(this.#title, title)
    showText(this.#note, gain ?? severity)
    const change = option === undefined ? '' : `${option}${from === undefined ? '' : ` ${from}`}${to === undefined ? '' : ` → ${to}`}. `
    showText(this.#text, `${change}${detail}`)
    const told: [string, string][] = Object.entries(evidence).map(([name, value]) => [name, String(value)])
    if (keys.length > 0) told.push(['keys', keys.slice(0, 5).map(visible).join(', ')])
    const pairs = showChildren(this.#evidence, told.length, () => make('div', '', make('dt'), make('dd')))
    for (const [at, [name, value]] of told.entries()) {
      const pair = pairs[at]
      if (pair?.firstElementChild != null) showText(pair.firstElementChild, name)
      if (pair?.lastElementChild != null) showText(pair.lastElementChild, value)
    }
    this.#button.hidden = !canApply || act === undefined
    showAttribute(this.#button, 'aria-label', `Apply: ${title}`)
  }
}
