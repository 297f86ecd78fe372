/** `shelflife/slim`: everything of `shelflife`, with a core that the caller serves and compiles. */

export * from '../index.ts'
export { useCore } from './slim-source.ts'
