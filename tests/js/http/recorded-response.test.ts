/** What is read from where it lies is read as the platform reads it. */

import { expect, test } from 'vitest'
import { responseOf } from '../../../js/http/recorded-response.ts'

const record = (text: string, status = 200) => ({
  status,
  statusText: '',
  headers: [['content-type', 'application/x-www-form-urlencoded']] as const,
  url: 'http://a.example/',
  redirected: true,
  body: new TextEncoder().encode(text),
})
/** Ours, and the platform's of the same parts. */
const both = (text: string, status = 200): [Response, Response] => {
  const one = record(text, status)
  const headers = one.headers.map(([name, value]) => [name, value] as [string, string])
  return [responseOf(one, one.headers), new Response(status === 204 ? null : one.body, { status, headers })]
}
const READERS = ['text', 'json', 'arrayBuffer', 'blob', 'formData'] as const

for (const reader of READERS)
  for (const text of ['{"a":[1,"ä"]}', '\u{feff}"with a mark"', 'a=b&c=d', '', 'not } json']) {
    test(`${reader} of ${JSON.stringify(text)}`, async () => {
      const [ours, theirs] = both(text)
      const read = async (response: Response) => {
        const before = response.bodyUsed
        const given = await response[reader]().catch((error: unknown) => `${(error as Error).name}`)
        const plain = given instanceof Blob ? [given.type, await given.text()] : given instanceof FormData ? [...given] : given
        const again = await response.text().catch((error: unknown) => (error as Error).name)
        const clone = (() => {
          try {
            return response.clone().status
          } catch (error) {
            return (error as Error).name
          }
        })()
        return { before, plain, after: response.bodyUsed, again, clone, locked: response.body?.locked }
      }
      const [expected, found] = [await read(theirs), await read(ours)]
      expect(found).toEqual(expected)
    })
  }

test('a status without a body has none, and may be read again', async () => {
  for (const response of both('', 204)) {
    expect(response.body).toBeNull()
    expect([await response.text(), await response.text(), response.bodyUsed]).toEqual(['', '', false])
  }
})

test('bytes belong to who asked for them', async () => {
  const one = record('abc')
  const taken = new Uint8Array(await responseOf(one, one.headers).arrayBuffer())
  taken[0] = 0
  expect(await responseOf(one, one.headers).text()).toBe('abc')
})

test('as a stream it is read once, locks, and can be cloned before', async () => {
  const [ours] = both('stream')
  const clone = ours.clone()
  expect(clone).toMatchObject({ url: 'http://a.example/', redirected: true })
  const { body } = ours
  expect(ours.body).toBe(body)
  const reader = body?.getReader()
  expect(() => ours.clone()).toThrow(TypeError)
  await expect(ours.text()).rejects.toThrow(TypeError)
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('stream')
  expect(ours.bodyUsed).toBe(true)
  expect(await clone.text()).toBe('stream')
})

test('headers may be changed, and stay with clones; another Response may be made of it', async () => {
  const [ours] = both('x')
  ours.headers.set('x-mine', '1')
  expect(ours.clone().headers.get('x-mine')).toBe('1')
  expect(ours).toBeInstanceOf(Response)
  const wrapped = new Response(ours.body, ours)
  expect([wrapped.headers.get('x-mine'), await wrapped.text()]).toEqual(['1', 'x'])
})
