import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const rows = [...read('docs/checks.md').matchAll(/^\| .+ \| `([^`]+)`: (.+) \|$/gm)].map(
  ([, file = '', name = '']) => [file, name] as const,
)

test('docs/checks.md names a test that exists, for each check', () => {
  expect(rows.length).toBeGreaterThan(50)
  for (const [file, name] of rows) expect(read(file), `${file}: ${name}`).toContain(file.endsWith('.rs') ? `fn ${name}(` : name)
})
