import { transform } from 'esbuild'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  // Vite leaves decorators as they are, and so does Node.
  plugins: [
    {
      name: 'standard-decorators',
      enforce: 'pre',
      async transform(code, id) {
        if (!/\/tests\/js\/decorators\/.*\.ts$/.test(id)) return undefined
        return transform(code, { loader: 'ts', target: 'es2022', sourcefile: id, sourcemap: true })
      },
    },
  ],
  test: {
    include: ['js/**/*.test.ts'],
    // Two cores are what we promise to serve; a pool of threads starts faster than processes.
    pool: 'threads',
    testTimeout: 30_000,
  },
})
