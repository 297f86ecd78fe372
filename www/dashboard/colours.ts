/** The colours of the page, for what draws by itself. */

/** Names of custom properties in dashboard.css, without the dashes. */
export type Colour = 'blue' | 'orange' | 'ochre' | 'purple' | 'grey' | 'teal' | 'red' | 'soft' | 'grid' | 'ink'

const probe = document.createElement('span')
probe.hidden = true

/** A colour as it is now, in a form that a canvas takes. */
export function colour(name: Colour): string {
  if (!probe.isConnected) document.body.append(probe)
  probe.style.color = `var(--${name})`
  return getComputedStyle(probe).color
}

const changed = new Set<() => void>()
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', tell)

/** Calls `redraw` when colours have changed. */
export function onColours(redraw: () => void): void {
  changed.add(redraw)
}

/** What follows the theme is drawn anew. */
export function tell(): void {
  for (const redraw of changed) redraw()
}
