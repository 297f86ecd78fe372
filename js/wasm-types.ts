/**
 * Types of the platform, for declarations: a Node program that does without the DOM's types has nothing named `WebAssembly`,
 * and must be able to read ours all the same.
 */

/** A compiled module: `WebAssembly.Module`. */
export type WasmModule = typeof globalThis extends { WebAssembly: { Module: { prototype: infer M } } } ? M : object

/** The memory of an instance: `WebAssembly.Memory`. */
export type WasmMemory = typeof globalThis extends { WebAssembly: { Memory: { prototype: infer M } } }
  ? M
  : { readonly buffer: ArrayBuffer }

/** Bytes: `BufferSource`. */
export type WasmBytes = ArrayBuffer | ArrayBufferView
