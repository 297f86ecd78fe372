/** Opens the folder in `argv[2]` and prints the state of the tier and the value of the key in `argv[3]`. */

import { systemClock } from '../../../js/clock.ts'
import { storeContext } from '../../../js/core/tier-core.ts'
import { fileSystem } from '../../../js/stores/fs.ts'

const [, , path = '', key = ''] = process.argv
const tier = fileSystem({ path }).openTier(storeContext(systemClock))
const [entry] = await tier.getMany([key])
console.info(JSON.stringify([tier.stats().state, entry?.value]))
await tier.close()
