// The main job of `npm start`, smaller, as a process of its own: stdout, exit code and figures.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const main = fileURLToPath(new URL('../../www/terminal/main.mjs', import.meta.url))
const run = promisify(execFile)

test('the main job keeps its promises and says so in one JSON object', { timeout: 120_000 }, async t => {
  const cwd = await mkdtemp(join(tmpdir(), 'shelflife-'))
  try {
    const { stdout, stderr } = await run(process.execPath, [main, '--once', '--json', '--reads', '3000', '--keys', '600', '--seed', '5'], {
      cwd,
    })
    const report = JSON.parse(stdout)
    const { cold, warm, restart, storm, batch } = report.phases
    t.diagnostic(`warm ${report.single.latencyOn.speedUp.toFixed(0)}x faster than cold, hit rate ${warm.hitRate}`)
    assert.equal(report.ok, true)
    assert.equal(cold.asked, 3000)
    assert.equal(cold.sent, cold.keys)
    assert.equal(warm.sent, 0)
    assert.equal(restart.sent, 0)
    assert.equal(restart.asked, cold.keys)
    assert.ok(storm.failed > 0 && storm.answered > storm.failed, `${storm.failed} failed, ${storm.answered} answered`)
    assert.equal(
      Object.values(storm.failures).reduce((sum, count) => sum + Number(count), 0),
      storm.failed,
    )
    assert.deepEqual(batch.failedAt, batch.poisonAt)
    assert.equal(report.unhandledRejections, 0)
    assert.ok(!stderr.includes('\r'), 'no bar where nobody looks on')
    assert.ok(existsSync(join(cwd, '.shelflife/demo')))
  } finally {
    await rm(cwd, { recursive: true, force: true })
  }
})

test('an option that cannot be meant ends with 2 and says which', async () => {
  await assert.rejects(run(process.execPath, [main, '--reads', 'many']), (/** @type {any} */ error) => {
    assert.equal(error.code, 2)
    assert.match(error.stderr, /--reads must be an integer/)
    return true
  })
})
