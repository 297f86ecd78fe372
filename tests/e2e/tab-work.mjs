// Random work for tabs on one cache, and what they make of it.

export const KEYS = 12

/** @typedef {{ dice: number, key: number, serial: number, persist: import('../../js/index.ts').Persist }} Operation */

/** Numbers below a bound that look random, the same for the same seed. */
export function randomFrom(/** @type {number} */ seed) {
  let state = seed
  return (/** @type {number} */ most) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return Math.floor((state / 0x7fffffff) * most)
  }
}

/** Gives up to ten operations at a time; no two write the same value. */
export function operationsFrom(/** @type {ReturnType<typeof randomFrom>} */ random) {
  let serial = 0
  /** @type {Operation['persist'][]} */
  const persists = ['memory', 'memory', 'stored']
  return () =>
    Array.from({ length: 1 + random(10) }, () => {
      serial += 1
      return { dice: random(100), key: random(KEYS), serial, persist: persists[random(3)] ?? 'memory' }
    })
}

/**
 * In the page.
 * @param {Operation[]} operations
 */
export async function operate(operations) {
  for (const { dice, key, serial, persist } of operations) {
    if (dice < 45) await cache.set(`k${key}`, serial, { persist, tags: [`t${key % 3}`] })
    else if (dice < 75) await cache.get(`k${key}`)
    else if (dice < 85) await cache.delete(`k${key}`, { persist })
    else if (dice < 89) await cache.invalidateTags([`t${key % 3}`], { persist })
    else if (dice < 92) await cache.invalidate(`k1*`, { persist })
    else if (dice < 93) await cache.clear()
    else cache.trim(0.5)
  }
}

/**
 * In the page: all it sees, as text.
 * @param {number} keys
 */
export async function observe(keys) {
  const values = []
  for (let key = 0; key < keys; key += 1) values.push((await cache.get(`k${key}`)) ?? null)
  return JSON.stringify(values)
}
