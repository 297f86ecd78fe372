/** Light, dark, or as the system is. */

import { tell } from './colours.ts'
import { showText } from './dom.ts'

const THEMES = ['auto', 'light', 'dark'] as const
const KEPT = 'shelflife:theme'

/** Makes a button that goes from one to the next; what was chosen is kept in this browser. */
export function themeButton(button: HTMLButtonElement): void {
  let at = Math.max(0, THEMES.indexOf(kept() as (typeof THEMES)[number]))
  const show = () => {
    const theme = THEMES[at] ?? 'auto'
    if (theme === 'auto') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = theme
    showText(button, `Theme: ${theme}`)
    tell()
  }
  button.addEventListener('click', () => {
    at = (at + 1) % THEMES.length
    try {
      localStorage.setItem(KEPT, THEMES[at] ?? 'auto')
    } catch {
      // Where nothing may be kept, it holds for this visit.
    }
    show()
  })
  show()
}

function kept(): string | null {
  try {
    return localStorage.getItem(KEPT)
  } catch {
    return null
  }
}
