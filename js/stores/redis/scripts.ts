/** What Redis executes in one step, in Lua. */

/** Marks above this become fewer: the older half becomes "everything before". */
const MOST_MARKS = 2000
/** Sources above this become "whatever was made from anything". */
const MOST_SOURCES = 4096

/**
 * Brings what one client knows of invalidations and what Redis has of them together. Redis keeps `version`, a text `epoch:last` that
 * every read asks for, and two sorted sets, of marks and of sources, by the number of each.
 *
 * Everything begins anew, under the fresh epoch, when the version is missing or behind what the client has seen, or when there is a
 * version and no marks: Redis has lost something, and nobody knows which invalidations.
 *
 * KEYS: version, marks, sources. ARGV: the epoch and last number that the client knows, a fresh epoch, an epoch that shall
 * begin now (or nothing), how many marks follow, as number and name; then sources, as number and key.
 * Gives the version, whether the epoch is another than the client knew, and the marks and sources that it did not know, each with its number.
 */
export const SYNC = `
local version = redis.call('GET', KEYS[1])
local epoch, last
if version then epoch, last = string.match(version, '^(%x+):(%d+)$') end
last = tonumber(last or '0')
local known, seen = ARGV[1], tonumber(ARGV[2])
local before = version
local function begin(name)
  epoch = name
  redis.call('DEL', KEYS[2], KEYS[3])
  redis.call('ZADD', KEYS[2], 0, '=')
end
if not epoch or (epoch == known and last < seen) or redis.call('EXISTS', KEYS[2]) == 0 then
  begin(ARGV[3])
  last = math.max(last, seen)
end
if ARGV[4] ~= '' then begin(ARGV[4]) end
local at = 6
for i = 1, tonumber(ARGV[5]) do
  last = math.max(last + 1, tonumber(ARGV[at]))
  redis.call('ZADD', KEYS[2], last, ARGV[at + 1])
  at = at + 2
end
while ARGV[at] do
  if not redis.call('ZSCORE', KEYS[3], ARGV[at + 1]) then
    last = math.max(last + 1, tonumber(ARGV[at]))
    redis.call('ZADD', KEYS[3], last, ARGV[at + 1])
  end
  at = at + 2
end
if redis.call('ZCARD', KEYS[3]) > ${MOST_SOURCES} then
  redis.call('DEL', KEYS[3])
  last = last + 1
  redis.call('ZADD', KEYS[2], last, '-"a"')
end
if redis.call('ZCARD', KEYS[2]) > ${MOST_MARKS} then
  local old = redis.call('ZPOPMIN', KEYS[2], ${MOST_MARKS / 2})
  redis.call('ZADD', KEYS[2], 0, '=', old[#old], '<')
end
version = epoch .. ':' .. string.format('%.0f', last)
if version ~= before then redis.call('SET', KEYS[1], version) end
local from = '(' .. ARGV[2]
if epoch ~= known then from = '(0' end
return {
  version,
  epoch == known and 0 or 1,
  redis.call('ZRANGEBYSCORE', KEYS[2], from, '+inf', 'WITHSCORES'),
  redis.call('ZRANGEBYSCORE', KEYS[3], from, '+inf', 'WITHSCORES'),
}
`

/** Numbers and places are those of `entry.ts`: an entry of this epoch, and when it was written. What is no text is none, and stands in nobody's way. */
const IS_NEWER = `
local function isNewer(key, epoch, time)
  local there = redis.pcall('GETRANGE', key, 0, 38)
  return type(there) == 'string' and #there == 39 and string.sub(there, 1, 3) == 'SL\\1' and string.sub(there, 4, 19) == epoch
    and struct.unpack('>d', string.sub(there, 20, 27)) > tonumber(time)
end
`

/** Writes what has waited, but where somebody else has written something newer. KEYS: keys. ARGV: epoch; for each key when it was written, bytes, life (or nothing). */
export const SET_LATE = `${IS_NEWER}
for i, key in ipairs(KEYS) do
  local time, bytes, life = ARGV[i * 3 - 1], ARGV[i * 3], ARGV[i * 3 + 1]
  if not isNewer(key, ARGV[1], time) then
    if life == '' then redis.call('SET', key, bytes) else redis.call('SET', key, bytes, 'PX', life) end
  end
end
`

/** Deletes what should have gone some time ago, but what has been written anew. KEYS: keys. ARGV: epoch; for each key when. */
export const DELETE_LATE = `${IS_NEWER}
for i, key in ipairs(KEYS) do
  if not isNewer(key, ARGV[1], ARGV[i + 1]) then redis.call('DEL', key) end
end
`
