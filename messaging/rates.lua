-- Reserve for a batch of messages, each against all of its limits or none. One call, one clock: Redis' own.
-- KEYS: the marker, which names the run of Redis in which all counters were there; then one key a limit.
-- ARGV[1]: JSON, for each limit: kind, most, and microseconds (a window's length; else the end since 1970).
-- ARGV[2]: JSON, for each message: 1 if urgent + 2 if it has a place, how many needs it has, and for each of
-- them the limit's number (negative: count, never refuse) and its cost, or the member of a set.
-- Returns '' if it names another or none. Else JSON: the time in microseconds as text, then for each message
-- microseconds to wait (0: granted), the limit that refused it (0: none), and 1 if it has a place there.
--
-- A window is one string of little-endian doubles. First a head: what had been spent before the entries; the
-- ends of both lines; cost, begin and end of the barrier. Then entries, oldest first: a time, and what had been
-- spent up to and with it. Sums that only grow make every question a binary search. Calls of one thousandth
-- of the window share an entry, which bears the end of that thousandth: never too early to be forgotten.
--
-- Who is refused gets a place in a line, at about the rate (FAST, SLOW), but not before the entries say. Newcomers
-- stand at its tail as long as there is a line; who comes at his time only needs room in the window, and
-- else gets a place in the front line. A line nobody comes from, though there is room, is forgotten.
-- Against the starving of long messages: one that had a place and was refused raises a barrier, which
-- shorter ones do not pass from the time of whoever is before it until it has had its chance.
local found = redis.call('MGET', unpack(KEYS)) -- false for a set
if found[1] ~= string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') then
  return ''
end

local WINDOW, QUOTA, DISTINCT = 1, 2, 3
local HEAD, ENTRY = 48, 16
local FAST, SLOW = 1.05, 0.995 -- of the rate; slow while those who came too early have a line of their own
local LONGEST = 600000000 -- the longest line; who would stand behind it comes in its second half, without a place
local PASSED = 1000000 -- an end in the past: our clock is ahead of the asker's, who should look again
local TINY = 1e-6 -- sums of fractions are not exact

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local limits, asked = cjson.decode(ARGV[1]), cjson.decode(ARGV[2])

-- Field 0 (time) or 8 (sum) of an entry.
local function field(w, i, offset)
  return (struct.unpack('<d', w.log, ENTRY * (i - 1) + offset + 1))
end

-- The first entry whose field is at least x; one more than there are if none is.
local function first(w, offset, x)
  local low, high = 1, w.count + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    if field(w, middle, offset) >= x then high = middle else low = middle + 1 end
  end
  return low
end

-- What had been spent when the entries not after `time` ended.
local function spent_until(w, time)
  if time >= w.stamp then return w.sum end
  local i = first(w, 0, time + 0.5) - 1 -- times are whole
  if i == 0 then return w.before end
  return field(w, i, 8)
end

-- When all that was spent up to the sum `x` will have left the window.
local function leaves(w, x)
  if x <= w.before + TINY then return 0 end
  local i = first(w, 8, x - TINY)
  if i <= w.count then return field(w, i, 0) + w.length end
  return w.stamp + w.length
end

-- How far ahead the entry of a message that costs more than the limit lies.
local function ahead(w, cost)
  return math.max(math.ceil(w.length * (cost / w.most - 1)), 0)
end

local function window(w, length, stored)
  w.length = length
  local grain = math.max(math.floor(length / 1000), 1)
  w.stamp = math.ceil(now / grain) * grain
  w.idle = math.ceil(length / math.min(w.most / 2, 10))
  w.before, w.tail, w.front, w.barrier, w.barrier_from, w.barrier_end, w.log = 0, 0, 0, 0, 0, 0, ''
  if stored then
    w.before, w.tail, w.front, w.barrier, w.barrier_from, w.barrier_end = struct.unpack('<dddddd', stored)
    w.log = string.sub(stored, HEAD + 1)
  end
  w.count = #w.log / ENTRY
  w.sum = w.count > 0 and field(w, w.count, 8) or w.before
  -- A message of more than the limit fills the window for as long as the limit takes for it: its entry
  -- lies that far ahead. Any other entry from ahead says that the clock was set back: as if all were spent now.
  if w.count > 0 and field(w, w.count, 0) > w.stamp + ahead(w, w.sum - (w.count > 1 and field(w, w.count - 1, 8) or w.before)) then
    w.log, w.count = struct.pack('<dd', w.stamp, w.sum), 1
    w.tail, w.front, w.barrier_end = 0, 0, 0
  end
  w.latest = w.count > 0 and field(w, w.count, 0) or 0
  w.stamp = math.max(w.stamp, w.latest) -- what is only counted is not earlier than what lies ahead
  w.gone = spent_until(w, now - length)
end

for l = 1, #KEYS - 1 do
  local w = {key = KEYS[l + 1], kind = limits[3 * l - 2], most = limits[3 * l - 1], spent = 0}
  local last = limits[3 * l]
  if w.kind == WINDOW then
    window(w, last, found[l + 1])
  else
    w.ends = last
    w.sum = w.kind == QUOTA and tonumber(found[l + 1] or '0') or redis.call('SCARD', w.key)
  end
  limits[-l] = w
end

-- Which sum must have left the window before this cost fits.
local function must_leave(w, cost)
  return w.sum - math.max(w.most - cost, 0)
end

-- The place behind all who stand in a line whose end is `from`. In the front line each has the moment when
-- something leaves the window for himself; in the other it is as if so many left as time passes.
local function behind(w, from, cost, exact)
  local fits = leaves(w, must_leave(w, cost))
  local pace = w.front > now + w.length and SLOW or FAST
  local step = math.ceil(cost * w.length / w.most / pace)
  if from <= now then
    return fits > now and fits or now + step
  end
  local sum = exact and spent_until(w, from - w.length) + cost
    or must_leave(w, cost) + math.floor((from - now) * w.most / w.length)
  if sum <= w.sum + TINY then
    return math.max(fits, leaves(w, sum), exact and from or from + step)
  end
  return math.max(from + step, fits)
end

-- When a message may be tried that a window does not let through now, else nil; and which line it stands in.
local function refused(w, cost, urgent, place)
  local room = must_leave(w, cost) <= w.gone + TINY
  if urgent then
    if not room then return leaves(w, must_leave(w, cost)) end
  elseif place then
    if not room or (cost < w.barrier and now >= w.barrier_from and now < w.barrier_end) then
      return behind(w, w.front, cost, true), 'front'
    end
  else
    local line = math.max(w.tail, w.front, w.barrier_end) > now
    if line and room and math.max(w.latest, leaves(w, must_leave(w, cost))) + w.idle <= now then
      w.tail, w.front, w.barrier, w.barrier_end, line = 0, 0, 0, 0, false
    end
    if line or not room then
      return behind(w, math.max(w.tail, w.front), cost), 'tail'
    end
  end
end

-- As above, for any limit.
local function refuses(w, what, urgent, place)
  if w.kind == WINDOW then
    return refused(w, what, urgent, place)
  end
  if w.ends <= now then
    return now + PASSED
  end
  if w.kind == QUOTA then
    return w.sum + what > w.most + TINY and w.ends or nil
  end
  return w.sum + 1 > w.most and redis.call('SISMEMBER', w.key, what) == 0 and w.ends or nil
end

local function take(w, what)
  if w.kind == DISTINCT then
    local added = redis.call('SADD', w.key, what)
    w.sum, w.changed = w.sum + added, w.changed or added > 0
    return
  end
  w.sum, w.spent, w.changed = w.sum + what, w.spent + what, true
  if w.kind == WINDOW then
    w.stamp = w.stamp + ahead(w, what)
    w.latest = w.stamp
    if what >= w.barrier then w.barrier, w.barrier_end = 0, 0 end
  end
end

-- Stand in line at `time`, unless that line is too long: then a time in the second half, spread by the golden ratio.
local function stand(w, line, cost, time, nth)
  if time > now + LONGEST then
    local share = ((now % 1000000 + nth) * 0.6180339887) % 1
    return math.max(now + math.ceil(LONGEST * (1 + share) / 2), leaves(w, must_leave(w, cost))), 0
  end
  if line == 'front' and (cost >= w.barrier or now >= w.barrier_end) then
    w.barrier, w.barrier_from, w.barrier_end = cost, math.max(w.front, now), time + w.idle
  end
  w[line], w.changed = time, true
  return time, 1
end

local reply = {string.format('%.0f', now)}
local i, nth = 1, 0
while i <= #asked do
  local flags, needs, from = asked[i], asked[i + 1], i + 2
  i, nth = from + 2 * needs, nth + 1
  local urgent, place = flags % 2 == 1, flags >= 2
  local latest, by, line, cost = 0, 0, nil, 0
  for n = from, i - 1, 2 do
    if asked[n] > 0 then
      local time, stands = refuses(limits[-asked[n]], asked[n + 1], urgent, place)
      if time and time > latest then
        latest, by, line, cost = time, asked[n], stands, asked[n + 1]
      end
    end
  end
  local placed = 0
  if by == 0 then
    for n = from, i - 1, 2 do
      take(limits[-math.abs(asked[n])], asked[n + 1])
    end
  elseif line then
    latest, placed = stand(limits[-by], line, cost, latest, nth)
  end
  local r = #reply
  reply[r + 1], reply[r + 2], reply[r + 3] = by == 0 and 0 or math.max(math.ceil(latest - now), 1), by, placed
end

local function save_window(w)
  if w.spent > 0 then
    local gone = first(w, 0, now - w.length - w.idle + 0.5) - 1
    if gone > 0 then w.before = field(w, gone, 8) end
    local kept = w.count
    if kept > gone and field(w, kept, 0) == w.stamp then kept = kept - 1 end
    w.log = string.sub(w.log, ENTRY * gone + 1, ENTRY * kept)
    if w.log == '' then w.sum, w.before = w.sum - w.before, 0 end
    w.log = w.log .. struct.pack('<dd', w.stamp, w.sum)
  end
  local head = struct.pack('<dddddd', w.before, w.tail, w.front, w.barrier, w.barrier_from, w.barrier_end)
  local until_then = math.max(w.stamp + w.length + w.idle, w.tail, w.front)
  redis.call('SET', w.key, head .. w.log, 'PX', math.ceil((until_then - now) / 1000) + 1000)
end

for l = 1, #KEYS - 1 do
  local w = limits[-l]
  if w.changed and w.kind == WINDOW then
    save_window(w)
  elseif w.changed and w.kind == QUOTA then
    redis.call('SET', w.key, string.format('%.17g', w.sum), 'PXAT', math.ceil(w.ends / 1000))
  elseif w.changed then
    redis.call('PEXPIREAT', w.key, math.ceil(w.ends / 1000))
  end
end
return cjson.encode(reply)
