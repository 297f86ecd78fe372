// Names that examples of the guide take for granted: what a program around them would have. Each is made anew for each example that uses it.

/** @type {Readonly<Record<string, string>>} */
export const PRELUDE = {
  User: 'interface User { id: number; name: string; team: number }\n',
  City: 'interface City { id: number; name: string }\n',
  Order: 'interface Order { id: number }\n',
  Row: 'interface Row { id: number }\n',
  loadUser:
    "async function loadUser(id: number, signal?: AbortSignal): Promise<User> { signal?.throwIfAborted(); return { id, name: 'Ada', team: 7 } }\n",
  loadUsers:
    'async function loadUsers(ids: number[], signal?: AbortSignal): Promise<User[]> { return Promise.all(ids.map(id => loadUser(id, signal))) }\n',
  ids: 'const ids = [1, 2, 3]\n',
  millions: 'const millions = Array.from({ length: 1000 }, (_, id) => ({ id }))\n',
  db: 'const db = { async insertMany(rows: Row[]): Promise<Row[]> { return rows } }\n',
  connect:
    'async function connect(signal?: AbortSignal) { signal?.throwIfAborted(); return { isOpen: true, query: async (text: string) => [text], end: async () => {} } }\n',
  url: 'const url: string = (globalThis as { loopback?: string }).loopback ?? ""\n',
  token: "const token: string = 'secret'\n",
  refreshToken: "async function refreshToken(): Promise<string> { return 'another' }\n",
  cache: "const cache: shelflife.Cache<User> = shelflife.createCache<User>({ max: 100, ttl: '5m' })\n",
  api: 'const api: shelflife.Fetch = shelflife.createFetch()\n',
  monitor: 'const monitor: shelflife.Monitor = shelflife.createMonitor()\n',
}
