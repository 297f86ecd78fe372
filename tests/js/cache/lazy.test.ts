import { expect, test, vi } from 'vitest'
import { lazy } from '../../../js/index.ts'
import { ManualClock } from '../../../js/testing.ts'
import { deferred } from './deferred.ts'

test('makes its value once, for all who ask', async () => {
  const made = vi.fn(async () => ({}))
  const value = lazy(made)
  expect(value.peek()).toBeUndefined()
  const [a, b] = await Promise.all([value.get(), value.get()])
  expect(a).toBe(b)
  expect(value.peek()).toBe(a)
  expect(await value.get()).toBe(a)
  expect(made).toHaveBeenCalledTimes(1)
})

test('undefined is a value, a failure is not kept', async () => {
  const made = vi.fn().mockRejectedValueOnce(new Error('no')).mockReturnValue(undefined)
  const value = lazy(made)
  const both = [value.get(), value.get()]
  for (const one of both) await expect(one).rejects.toThrow('no')
  expect(await value.get()).toBeUndefined()
  expect(await value.get()).toBeUndefined()
  expect(made).toHaveBeenCalledTimes(2)
})

test('after a reset it is made anew, and what was under way comes too late', async () => {
  const first = deferred<string>()
  const made = vi.fn().mockReturnValueOnce(first.promise).mockReturnValue('second')
  const value = lazy<string>(made)
  const early = value.get()
  value.reset()
  expect(await value.get()).toBe('second')
  first.resolve('first')
  expect(await early).toBe('first')
  expect(value.peek()).toBe('second')
  value.reset()
  expect(value.peek()).toBeUndefined()
})

test('one who gives up leaves alone, the last one takes the loader along', async () => {
  const controllers = [new AbortController(), new AbortController()]
  let told: AbortSignal | undefined
  const value = lazy(({ signal }) => {
    told = signal
    return new Promise<string>(() => {})
  })
  const waiting = controllers.map(({ signal }) => value.get({ signal }))
  controllers[0]?.abort(new Error('first'))
  await expect(waiting[0]).rejects.toThrow('first')
  expect(told?.aborted).toBe(false)
  controllers[1]?.abort(new Error('second'))
  await expect(waiting[1]).rejects.toThrow('second')
  expect(told?.aborted).toBe(true)
  await expect(value.get({ signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before')
})

test('with a ttl it ages', async () => {
  const clock = new ManualClock()
  let count = 0
  const value = lazy(() => ++count, { ttl: '1m', clock })
  expect(await value.get()).toBe(1)
  clock.advance(59_999)
  expect(await value.get()).toBe(1)
  clock.advance(1)
  expect(value.peek()).toBeUndefined()
  expect(await value.get()).toBe(2)
})

test('bad input is refused', () => {
  const invalid = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' })
  expect(() => lazy('no function' as never)).toThrow(invalid)
  expect(() => lazy(() => 1, { ttl: 0 })).toThrow(invalid)
})
