// Steps of setup: each runs at most once, when those it needs are through, side by side with the others.

import { ProgramFailed } from './run.mjs'

/** Where setup cannot go on: the message is one sentence that says what to do. */
export class Stuck extends Error {}

/**
 * @typedef {object} Step
 * @property {string} what what is done, as the beginning of a line
 * @property {string} why what for
 * @property {string[]} [needs] steps that have to be through before
 * @property {() => boolean | Promise<boolean>} ready whether nothing is to be done
 * @property {() => Promise<unknown>} run
 */

/** Runs the steps called `names` of `all`, and what they need. Says one line when a step begins and one when it is through. */
export async function runSteps(all, names) {
  const started = new Map()
  const start = name => {
    let going = started.get(name)
    if (going === undefined) {
      going = perform(all[name], start)
      started.set(name, going)
    }
    return going
  }
  const results = await Promise.allSettled(names.map(start))
  const failed = results.find(result => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

async function perform(step, start) {
  await Promise.all((step.needs ?? []).map(start))
  if (await step.ready()) return
  say(`${step.what}: ${step.why}`)
  const began = Date.now()
  try {
    await step.run()
  } catch (error) {
    if (error instanceof ProgramFailed) throw new Stuck(`${error.output.trim()}\n${step.what}: ${error.message}`)
    throw error
  }
  say(`${step.what}: done in ${((Date.now() - began) / 1000).toFixed(0)} s`)
}

export function say(line) {
  console.error(`setup: ${line}`)
}
