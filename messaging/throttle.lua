-- Reserve segments for many senders in one call (a leaky bucket per sender, kept as one timestamp).
-- KEYS: one per sender. ARGV: for each sender its segments per second, how many messages ask, and the
-- segments of each. Returns for each sender: messages granted, microseconds until the next would be.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local burst = 1000000
local reply = {}
local i = 1
for k, key in ipairs(KEYS) do
  local per_segment = 1000000 / tonumber(ARGV[i])
  local asked = tonumber(ARGV[i + 1])
  local full_at = math.max(tonumber(redis.call('GET', key) or '0'), now)
  local granted, wait = 0, 0
  for n = 1, asked do
    local after = full_at + tonumber(ARGV[i + 1 + n]) * per_segment
    -- A message longer than the burst still goes when the bucket is empty.
    if after - now > burst and full_at > now then
      wait = math.min(after - burst, full_at) - now
      break
    end
    full_at = after
    granted = n
  end
  if granted > 0 then
    redis.call('SET', key, string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000) + 1000)
  end
  reply[#reply + 1] = granted
  reply[#reply + 1] = math.ceil(wait)
  i = i + 2 + asked
end
return reply
