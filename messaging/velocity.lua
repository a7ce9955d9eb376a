-- Count messages against shares of a rolling hour, each message against all of its keys or none.
-- KEYS: the counters, one hash each: minute -> messages granted in it; `used`, their sum; and `minute`, the
-- one for which that sum was made. ARGV: seconds since 1970, then for each message how many counters it
-- has, and for each of them its place in KEYS and its limit.
-- Returns for each message 0 if granted, else milliseconds until it may be tried.
--
-- The minute now running and the 60 before it count, so what was granted comes back after 60 to 61
-- minutes: never more than the limit within an hour, and nothing is held longer than a minute too long.
local LENGTH = 61
local now = tonumber(ARGV[1])
local minute = math.floor(now / 60)

-- The minutes of a counter that still count, oldest first, and what was granted in each.
local function history(key)
  local minutes, granted = {}, {}
  local found = redis.call('HGETALL', key)
  for f = 1, #found, 2 do
    local m, n = tonumber(found[f]), tonumber(found[f + 1])
    if m and m <= minute - LENGTH then
      redis.call('HDEL', key, found[f])
    elseif m then
      table.insert(minutes, m)
      granted[m] = n
    end
  end
  table.sort(minutes)
  return minutes, granted
end

local counters = {}
for k, key in ipairs(KEYS) do
  local known = redis.call('HMGET', key, 'used', 'minute')
  local used = tonumber(known[1] or '0')
  if known[2] and tonumber(known[2]) < minute then
    used = 0
    local minutes, granted = history(key)
    for _, m in ipairs(minutes) do
      used = used + granted[m]
    end
    redis.call('HSET', key, 'used', string.format('%d', used), 'minute', string.format('%d', minute))
  end
  counters[k] = {key = key, used = used, granted = 0, waiting = 0}
end

-- Milliseconds until as many have come back as this message, and those refused before it, need.
local function wait(counter, limit)
  if counter.minutes == nil then
    counter.minutes, counter.at = history(counter.key)
  end
  local lacking = counter.used + counter.waiting + 1 - limit
  for _, m in ipairs(counter.minutes) do
    lacking = lacking - counter.at[m]
    if lacking <= 0 then
      return math.ceil(((m + LENGTH) * 60 - now) * 1000)
    end
  end
  return LENGTH * 60000
end

local reply = {}
local i = 2
while i <= #ARGV do
  local asked = tonumber(ARGV[i])
  local longest = 0
  for a = i + 1, i + 2 * asked, 2 do
    local counter, limit = counters[tonumber(ARGV[a])], tonumber(ARGV[a + 1])
    if counter.used >= limit then
      longest = math.max(longest, wait(counter, limit))
      counter.waiting = counter.waiting + 1
    end
  end
  if longest == 0 then
    for a = i + 1, i + 2 * asked, 2 do
      local counter = counters[tonumber(ARGV[a])]
      counter.used = counter.used + 1
      counter.granted = counter.granted + 1
    end
  end
  reply[#reply + 1] = longest
  i = i + 1 + 2 * asked
end

for _, counter in ipairs(counters) do
  if counter.granted > 0 then
    redis.call('HINCRBY', counter.key, string.format('%d', minute), counter.granted)
    redis.call('HINCRBY', counter.key, 'used', counter.granted)
    redis.call('HSETNX', counter.key, 'minute', string.format('%d', minute))
    redis.call('EXPIRE', counter.key, LENGTH * 60)
  end
end
return reply
