/** What Linux tells of a process in its files. Where there are none, nothing is registered. */

import type { Registry } from '../registry.ts'
import type { NodeSources } from './node.ts'

/** Registers what there is, and returns what reads it again. */
export function copiedFiles(registry: Registry, { read }: NodeSources): () => void {
  const copies: (() => void)[] = []
  const gauge = (name: string, help: string, value: () => number | undefined) => {
    if (value() === undefined) return
    const gauge = registry.gauge({ name, help })
    copies.push(() => gauge.set(value() ?? Number.NaN))
  }
  const counter = (name: string, help: string, value: () => number | undefined) => {
    if (value() === undefined) return
    const counter = registry.counter({ name, help })
    copies.push(() => counter.setTotal(value() ?? counter.with({}).value))
  }
  const number = (path: string, pattern: RegExp, factor = 1) => {
    const found = pattern.exec(read?.(path) ?? '')?.[1]
    return found === undefined || found === 'unlimited' ? undefined : Number(found) * factor
  }
  const octets = (name: string) => octetsOf(read?.('/proc/self/net/netstat') ?? '', name)
  gauge('process_virtual_memory_bytes', 'Virtual memory size in bytes.', () => number('/proc/self/status', /^VmSize:\s+(\d+) kB/m, 1024))
  gauge('process_heap_bytes', 'Process heap size in bytes.', () => number('/proc/self/status', /^VmData:\s+(\d+) kB/m, 1024))
  gauge('process_open_fds', 'Number of open file descriptors.', () => {
    const names = read?.('/proc/self/fd', true)
    // One of them is the look itself.
    return names === undefined ? undefined : names.split('\n').length - 1
  })
  gauge('process_max_fds', 'Maximum number of open file descriptors.', () =>
    number('/proc/self/limits', /^Max open files\s+(\d+|unlimited)/m),
  )
  counter('process_io_read_bytes_total', 'Bytes read from files, sockets and pipes.', () => number('/proc/self/io', /^rchar: (\d+)/m))
  counter('process_io_write_bytes_total', 'Bytes written to files, sockets and pipes.', () => number('/proc/self/io', /^wchar: (\d+)/m))
  const network = 'over the network, by all processes of the network namespace.'
  counter('process_network_receive_bytes_total', `Bytes received ${network}`, () => octets('InOctets'))
  counter('process_network_transmit_bytes_total', `Bytes sent ${network}`, () => octets('OutOctets'))
  return () => {
    for (const copy of copies) copy()
  }
}

/** The file has a line of names and one of numbers for each group. */
function octetsOf(text: string, name: string): number | undefined {
  const [names, numbers] = text.split('\n').filter(line => line.startsWith('IpExt:'))
  const at = names?.split(' ').indexOf(name) ?? -1
  const found = at < 0 ? undefined : numbers?.split(' ')[at]
  return found === undefined ? undefined : Number(found)
}
