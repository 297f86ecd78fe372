// Those of the benches that a page can run.

import { construction, expiryOfEverything } from './once.mjs'
import { speed } from './speed.mjs'

/** @param {{ sizes: number[], full: boolean }} options */
export default function measure(options) {
  const measured = { speed: [...speed(options)] }
  return options.full ? { ...measured, construction: construction(1_000_000), expiry: expiryOfEverything(1_000_000) } : measured
}
