/** Numbers from 0 to 1 that look random, the same for the same seed: those that `testStore()` uses. */
export { generator as mulberry } from '../../../js/testing/store-bench.ts'
