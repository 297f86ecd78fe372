// What axe-core finds wrong with a page for those who see, hear or move differently.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/**
 * Violations, by all rules that axe-core has on by default. The page's context has to bypass its policy.
 *
 * @param {import('playwright-core').Page} page
 * @returns {Promise<string[]>} each with the elements it is about
 */
export async function violations(page) {
  await page.evaluate(AXE)
  return page.evaluate(async () => {
    const { axe } = /** @type {any} */ (globalThis)
    const { violations } = await axe.run(document)
    return violations.map((/** @type {any} */ { id, nodes }) => `${id}: ${nodes.map((/** @type {any} */ node) => node.html).join(' ')}`)
  })
}
