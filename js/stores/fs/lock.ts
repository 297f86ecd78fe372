/**
 * A lock on a folder that the operating system takes back when its owner dies, whichever way it dies.
 *
 * Node offers no `flock`, and a lock file that is judged by its age or by a process number is wrong sooner or later. So:
 * - Linux: a listening socket in the abstract namespace, named after the folder's device and inode. Only one process can
 *   hold the name, and the kernel drops it with the process. Containers on one volume do not see each other's, so the file
 *   `lock` is locked as well: by the program `flock`, which locks an open file that it inherits, ends, and leaves the lock to us.
 *   That reaches across containers and, where NFS does locks, machines. Without the program (util-linux, busybox) give each
 *   container a folder of its own.
 * - Windows: a named pipe, of which only the first instance may be made; it goes with its process as well.
 * - macOS and the BSDs: `open` with `O_EXLOCK`, which is `flock` on a file in the folder.
 */

import type { FileHandle } from 'node:fs/promises'

const O_NONBLOCK_BSD = 0x4
const O_EXLOCK_BSD = 0x20

/** Lets go of the lock. */
export type Unlock = () => Promise<void>

/** Takes the lock on `folder`, or `undefined` when somebody else has it. */
export async function lockFolder(folder: string): Promise<Unlock | undefined> {
  const [{ stat, open }, { createHash }, { platform }] = await Promise.all([
    import('node:fs/promises'),
    import('node:crypto'),
    import('node:process'),
  ])
  if (platform !== 'linux' && platform !== 'win32' && platform !== 'android') {
    const { O_CREAT, O_RDWR } = (await import('node:fs')).constants
    try {
      const handle: FileHandle = await open(`${folder}/lock`, O_CREAT | O_RDWR | O_EXLOCK_BSD | O_NONBLOCK_BSD, 0o600)
      return () => handle.close()
    } catch (error) {
      if (codeOf(error) === 'EAGAIN' || codeOf(error) === 'EWOULDBLOCK') return undefined
      throw error
    }
  }
  const { dev, ino } = await stat(folder, { bigint: true })
  const name = createHash('sha256').update(`${dev}:${ino}`).digest('hex').slice(0, 32)
  if (platform === 'win32') return listen(`\\\\.\\pipe\\shelflife-${name}`)
  const release = await listen(`\0shelflife-${name}`)
  if (release === undefined) return undefined
  try {
    const unlock = await flock(folder)
    if (unlock !== undefined) return () => unlock().finally(release)
  } catch (error) {
    await release()
    throw error
  }
  await release()
  return undefined
}

/** Has the file `lock` of the folder locked by the program `flock`. Without the program nothing is locked, and that is no error. */
async function flock(folder: string): Promise<Unlock | undefined> {
  const [{ open }, { constants }, { spawn }] = await Promise.all([
    import('node:fs/promises'),
    import('node:fs'),
    import('node:child_process'),
  ])
  const handle = await open(`${folder}/lock`, constants.O_CREAT | constants.O_RDWR | constants.O_NOFOLLOW, 0o600)
  const code = await new Promise<number | null>((resolve, reject) => {
    const program = spawn('flock', ['-n', '3'], { stdio: ['ignore', 'ignore', 'ignore', handle.fd] })
    program.once('error', error => (['ENOENT', 'EACCES'].includes(String(codeOf(error))) ? resolve(0) : reject(error)))
    program.once('exit', resolve)
  }).catch(async error => {
    await handle.close()
    throw error
  })
  // One that was killed has not said that it is ours.
  if (code !== 1 && code !== null) return () => handle.close()
  await handle.close()
  return undefined
}

async function listen(path: string): Promise<Unlock | undefined> {
  const { createServer } = await import('node:net')
  const server = createServer(socket => socket.destroy())
  // The lock alone is no reason to keep the process alive.
  server.unref()
  return new Promise((resolve, reject) => {
    server.once('error', error => (codeOf(error) === 'EADDRINUSE' ? resolve(undefined) : reject(error)))
    server.listen({ path, exclusive: true }, () => resolve(() => new Promise<void>(done => server.close(() => done()))))
  })
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
