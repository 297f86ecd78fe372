/** Where this runs. */

/** Whether this is Node, and nothing that also says so of itself. */
export function isNode(): boolean {
  const { process, Deno } = globalThis as { process?: { versions?: Record<string, string> }; Deno?: unknown }
  const { node, bun, electron } = process?.versions ?? {}
  return node !== undefined && bun === undefined && electron === undefined && Deno === undefined
}
