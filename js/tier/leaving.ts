/** The moments at which a page may be about to end, or to stand still. */

const HIDING = ['visibilitychange', 'freeze'] as const

/** Calls `act` whenever the page is hidden, frozen or left; the result ends that. Without a page nothing happens. */
export function onLeaving(act: () => void): () => void {
  const { document, window } = globalThis as { document?: Document; window?: Window }
  if (document === undefined || window === undefined) return () => {}
  const hiding = () => {
    if (document.visibilityState === 'hidden') act()
  }
  for (const type of HIDING) document.addEventListener(type, hiding)
  window.addEventListener('pagehide', act)
  return () => {
    for (const type of HIDING) document.removeEventListener(type, hiding)
    window.removeEventListener('pagehide', act)
  }
}
