import { expect, test } from 'vitest'
import { Death } from '../../../js/stores/indexeddb-death.ts'

test('work that ends before is what it was, and later ones as well as those who wait hear why', async () => {
  const death = new Death()
  expect(await death.before(Promise.resolve(1))).toBe(1)
  await expect(death.before(Promise.reject(new Error('a mistake')))).rejects.toThrow('a mistake')
  const waiting = [death.before(new Promise(() => {})), death.before(new Promise(() => {}))]
  death.come(new Error('closed'))
  death.come(new Error('closed again'))
  waiting.push(death.before(new Promise(() => {})), death.before(Promise.reject(new Error('a mistake'))))
  for (const outcome of await Promise.allSettled(waiting)) expect(outcome).toMatchObject({ reason: { message: 'closed' } })
})
