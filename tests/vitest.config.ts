import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['js/**/*.test.ts'],
    // Two cores are what we promise to serve; a pool of threads starts faster than processes.
    pool: 'threads',
    testTimeout: 30_000,
  },
})
