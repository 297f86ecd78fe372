import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const pages = ['README.md', ...readdirSync(join(root, 'docs/guide')).map(name => `docs/guide/${name}`)]

/** How a heading is named in an address. */
const slug = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
const headingsOf = (page: string) => [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => slug(heading))

test.each(pages)('the links of %s lead somewhere', page => {
  const links = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link).filter(link => !link.startsWith('https://'))
  for (const link of links) {
    const [path = '', anchor] = link.split('#')
    const target = path === '' ? page : join(dirname(page), path)
    expect(existsSync(join(root, target)), `${page}: ${link}`).toBe(true)
    if (anchor !== undefined) expect(headingsOf(target), `${page}: ${link}`).toContain(anchor)
  }
})

/** The commands in a page, as one types them. */
function commandsIn(text: string): string[] {
  const spans = [...text.matchAll(/`((?:[A-Z_]+=\d+ )*(?:npm|npx|node|cd) [^`]+)`/g)].map(([, command = '']) => command)
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, lines = '']) => lines.trim().split('\n'))
  return [...spans, ...blocks].map(command => command.replace(/ +#.*$/, ''))
}

test('the commands in README.md and the guide exist', () => {
  const { scripts, bin, name } = JSON.parse(read('package.json')) as { scripts: object; bin: object; name: string }
  const commands = pages.flatMap(page => commandsIn(read(page)))
  expect(commands.length).toBeGreaterThan(20)
  for (const command of commands) {
    const [, settings = '', place = '.', program = '', words = ''] = /^((?:[A-Z_]+=\d+ )*)(?:cd (\S+) && )?(\S+) (.*)$/.exec(command) ?? []
    const args = words.split(' ')
    const files = args.filter(word => /^[\w-]+\//.test(word)).map(file => join(place, file))
    if (program === 'npm' && args[0] === 'run') expect(Object.keys(scripts), command).toContain(args[1])
    else if (program === 'npm') expect([...Object.keys(scripts), 'install'], command).toContain(args[0])
    else if (program === 'npx' && args[0] === 'vitest') expect(files.flatMap(testFiles), command).not.toEqual([])
    else if (program === 'npx') expect([...Object.keys(bin), name], command).toContain(args[0])
    else expect(files.length > 0 && files.every(file => existsSync(join(root, file))), command).toBe(true)
    for (const setting of settings.trim().split(' ').filter(Boolean))
      expect(files.map(read).join(''), command).toContain(setting.split('=')[0])
  }
})

/** The tests that Vitest would take for part of a path. */
function testFiles(path: string): string[] {
  const folder = join(root, dirname(path))
  return existsSync(folder) ? readdirSync(folder).filter(name => join(dirname(path), name).startsWith(path) && name.includes('.test.')) : []
}
