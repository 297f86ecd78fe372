import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ours, reference } from './both.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
const page = read('../../../docs/lru-cache-compatibility.md')
const files: Record<string, string> = { O: read('./lru-cache.options.test.ts'), M: read('./lru-cache.methods.test.ts') }
const rows = [...page.matchAll(/^\| (.+) \| .+ \| ([OM]): (.+) \|$/gm)].map(([, member = '', file = '', name = '']) => ({
  member,
  file,
  name,
}))

/** What an instance has of its own and from its class. */
function membersOf(cache: object): string[] {
  const names = [cache, Object.getPrototypeOf(cache) as object].flatMap(Reflect.ownKeys)
  const written = names.map(name => (typeof name === 'symbol' ? `[${name.description}]` : name))
  return [...new Set(written)].filter(name => name !== 'constructor').sort()
}

describe('docs/lru-cache-compatibility.md', () => {
  test('names a test that exists, for each row', () => {
    expect(rows.length).toBe(57)
    for (const { file, name } of rows) expect(files[file], `${file}: ${name}`).toContain(`test('${name}'`)
  })

  test('names everything that lru-cache has', () => {
    const named = rows.flatMap(({ member }) => [...member.matchAll(/`([^`]+)`/g)].map(([, name]) => name))
    expect(membersOf(new reference({ max: 1 })).filter(name => !named.includes(name))).toEqual([])
  })

  test('and ours has the same members', () => {
    expect(membersOf(new ours({ max: 1 }))).toEqual(membersOf(new reference({ max: 1 })))
  })
})
