import { describe, expect, test } from 'vitest'
import { cgroupReading } from '../../../js/governor/cgroup.ts'

const NONE = '9223372036854771712\n'

function readingIn(files: Record<string, string>) {
  return cgroupReading(path => files[path])
}

describe('limits of control groups', () => {
  test('version 2: what is used, without files that nobody touches', () => {
    expect(
      readingIn({
        '/proc/self/cgroup': '0::/\n',
        '/sys/fs/cgroup/memory.max': '1000\n',
        '/sys/fs/cgroup/memory.current': '900\n',
        '/sys/fs/cgroup/memory.stat': 'anon 500\ninactive_file 300\nactive_file 100\n',
      }),
    ).toEqual({ kind: 'container', used: 600, limit: 1000 })
  })

  test('version 1, beside version 2', () => {
    expect(
      readingIn({
        '/proc/self/cgroup': '5:cpu:/\n4:memory:/docker/abc\n0::/\n',
        '/sys/fs/cgroup/memory/memory.limit_in_bytes': '2000\n',
        '/sys/fs/cgroup/memory/memory.usage_in_bytes': '1500\n',
        '/sys/fs/cgroup/memory/memory.stat': 'inactive_file 7\ntotal_inactive_file 500\n',
      }),
    ).toEqual({ kind: 'container', used: 1000, limit: 2000 })
  })

  test('of all levels, the one that has least left', () => {
    expect(
      readingIn({
        '/proc/self/cgroup': '0::/user.slice/app:1.scope\n',
        '/sys/fs/cgroup/user.slice/app:1.scope/memory.max': 'max\n',
        '/sys/fs/cgroup/user.slice/app:1.scope/memory.current': '10\n',
        '/sys/fs/cgroup/user.slice/memory.max': '100\n',
        '/sys/fs/cgroup/user.slice/memory.current': '90\n',
        '/sys/fs/cgroup/memory.max': '1000\n',
        '/sys/fs/cgroup/memory.current': '500\n',
      }),
    ).toEqual({ kind: 'container', used: 90, limit: 100 })
  })

  test('no limit, no group, nonsense', () => {
    expect(readingIn({})).toBeUndefined()
    expect(readingIn({ '/proc/self/cgroup': 'what is this' })).toBeUndefined()
    expect(readingIn({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.max': 'max\n' })).toBeUndefined()
    const root = '/sys/fs/cgroup/memory'
    const files = { [`${root}/memory.limit_in_bytes`]: NONE, [`${root}/memory.usage_in_bytes`]: '5\n' }
    expect(readingIn({ '/proc/self/cgroup': '4:memory:/\n', ...files })).toBeUndefined()
  })
})
