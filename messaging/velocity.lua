-- Count messages against shares of a rolling hour, each message against all of its keys or none.
-- KEYS: the counters, one hash each: minute -> messages granted in it. ARGV: seconds since 1970, then for
-- each message how many counters it has, and for each of them its place in KEYS and its limit.
-- Returns for each message 0 if granted, else milliseconds until it may be tried.
--
-- The minute now running and the 60 before it count, so what was granted comes back after 60 to 61
-- minutes: never more than the limit within an hour, and nothing is held longer than a minute too long.
local LENGTH = 61
local now = tonumber(ARGV[1])
local minute = math.floor(now / 60)

local counters = {}
for k, key in ipairs(KEYS) do
  local counter = {used = 0, granted = 0, waiting = 0, minutes = {}, at = {}}
  local found = redis.call('HGETALL', key)
  for f = 1, #found, 2 do
    local m, n = tonumber(found[f]), tonumber(found[f + 1])
    if m <= minute - LENGTH then
      redis.call('HDEL', key, found[f])
    elseif n > 0 then
      counter.used = counter.used + n
      counter.at[m] = n
      table.insert(counter.minutes, m)
    end
  end
  table.sort(counter.minutes)
  counters[k] = counter
end

-- Milliseconds until as many have come back as this message, and those refused before it, need.
local function wait(counter, limit)
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
      if counter.at[minute] == nil then
        table.insert(counter.minutes, minute)
        counter.at[minute] = 0
      end
      counter.used = counter.used + 1
      counter.granted = counter.granted + 1
      counter.at[minute] = counter.at[minute] + 1
    end
  end
  reply[#reply + 1] = longest
  i = i + 1 + 2 * asked
end

for k, key in ipairs(KEYS) do
  if counters[k].granted > 0 then
    redis.call('HINCRBY', key, string.format('%d', minute), counters[k].granted)
    redis.call('EXPIRE', key, LENGTH * 60)
  end
end
return reply
