import { expect, test } from 'vitest'
import { createCache } from '../../../js/cache/cache.ts'
import { settle } from '../http/transport.ts'
import { deferred } from './deferred.ts'
import { MapStore } from './map-store.ts'

test.each(['set', 'delete', 'clear'] as const)('what a slow tier found is not given to the tier above after a %s', async change => {
  const [upper, lower] = [new MapStore(), new MapStore()]
  lower.entries.set('k', { value: 'old', writtenAt: 0, expiresAt: Number.POSITIVE_INFINITY })
  const cache = createCache<string>({ tiers: [upper, lower] })
  await settle()
  const { promise, resolve } = deferred<void>()
  lower.pause = () => promise
  const reading = cache.get('k')
  await settle()
  lower.pause = async () => {}
  if (change === 'set') await cache.set('k', 'new')
  else if (change === 'delete') await cache.delete('k')
  else await cache.clear()
  resolve()
  await reading
  await cache.close()

  const next = createCache<string>({ tiers: [upper, lower] })
  expect(await next.get('k')).toBe(change === 'set' ? 'new' : undefined)
  await next.close()
})

test('what a lower tier has is given to those above it', async () => {
  const [upper, lower] = [new MapStore(), new MapStore()]
  lower.entries.set('k', { value: 'v', writtenAt: 0, expiresAt: Number.POSITIVE_INFINITY })
  const cache = createCache<string>({ tiers: [upper, lower] })
  expect(await cache.get('k')).toBe('v')
  expect(upper.entries.get('k')?.value).toBe('v')
  await cache.close()
})
