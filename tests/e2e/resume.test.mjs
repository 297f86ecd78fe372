// A run whose process is killed again and again, and goes on from the checkpoint in a file.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const COUNT = 8000
/** For each kill: 4 batches of 10 in the air, and what ended in the 10 ms since the last checkpoint, of which a machine does about 160. */
const MOST_TWICE = 400
const folder = mkdtempSync(join(tmpdir(), 'shelflife-killed-'))
after(() => rmSync(folder, { recursive: true }))

const readToken = () => (existsSync(join(folder, 'token.json')) ? JSON.parse(readFileSync(join(folder, 'token.json'), 'utf8')) : undefined)
const readDone = () =>
  existsSync(join(folder, 'done.log')) ? readFileSync(join(folder, 'done.log'), 'utf8').trim().split('\n').map(Number) : []

/** Runs the process; kills it when it has done so many items, or lets it end. @param {number} killAt */
function run(killAt) {
  const child = spawn(process.execPath, [fileURLToPath(new URL('workers/killed.mjs', import.meta.url)), folder, String(COUNT)])
  let output = ''
  child.stdout.on('data', data => {
    output += data
  })
  let errors = ''
  child.stderr.on('data', data => {
    errors += data
  })
  const watch = setInterval(() => {
    if (readDone().length >= killAt) child.kill('SIGKILL')
  }, 5)
  return new Promise(resolve =>
    child.on('close', (code, signal) => {
      clearInterval(watch)
      assert.equal(errors, '')
      resolve({ code, signal, output })
    }),
  )
}

test('a run that is killed goes on from its checkpoint: each item is done, few twice', async t => {
  let kills = 0
  for (let killAt = 1000; killAt < COUNT; killAt += 1500) {
    const { signal } = await run(killAt)
    if (signal === 'SIGKILL') kills += 1
    const token = readToken()
    const done = new Set(readDone())
    // Nothing is said to be done that is not.
    for (let at = 0; at < token.settled.length; at += 2) {
      for (let item = token.settled[at]; item < token.settled[at + 1]; item += 1) assert.ok(done.has(item), `${item}`)
    }
    assert.ok(token.settled.length <= 20, `${token.settled.length / 2} ranges`)
  }
  const last = await run(Number.POSITIVE_INFINITY)
  assert.deepEqual([last.code, readToken().settled], [0, [0, COUNT]])
  const done = readDone()
  assert.equal(new Set(done).size, COUNT)
  t.diagnostic(`${kills} kills, ${done.length - COUNT} items twice`)
  assert.ok(kills >= 3, `${kills} kills`)
  assert.ok(done.length - COUNT <= kills * MOST_TWICE, `${done.length - COUNT} items twice`)
})
