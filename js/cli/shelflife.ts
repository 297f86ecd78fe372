#!/usr/bin/env node
/** `npx shelflife`: what the package does from a shell. */

import process from 'node:process'
import { compareCommand } from './compare.ts'
import { EXIT } from './exit.ts'

const USAGE = `usage: shelflife compare <base.json> <now.json> [<confirming.json> ...] [options]
`

const [command, ...args] = process.argv.slice(2)
const out = { write: (text: string) => void process.stdout.write(text), complain: (text: string) => void process.stderr.write(text) }
if (command === 'compare') process.exitCode = compareCommand(args, out)
else if (command === '--help' || command === '-h') out.write(USAGE)
else {
  out.complain(USAGE)
  process.exitCode = EXIT.usage
}
