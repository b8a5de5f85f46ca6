"""The Lua scripts. Each is one atomic step, and running it twice with the same call changes nothing more.

ARRIVE   KEYS: the lists, then the call.  ARGV: span (8 bytes), call prefix, arrival, call's ttl,
         then for each list: cap ("0": not joined), ttl, and whether it is read ("0": only joined).
         Returns the members of each list that is read (before this call joined; else ""), what is known of every
         call named in them, and how many members left a list that was full.
LINK     KEYS: the call, and its parent where it has one.  ARGV: link, ttl, when the call arrived.  Returns 0.
COMPLETE KEYS: the call, then the lists that name it.  ARGV: span (8 bytes), cap, ttl, end.
REMEMBER KEYS: the lists.  ARGV: member, cap, ttl. Makes the member each list's newest.
         Both return how many members left a list that was full.
"""

from typing import Final

ARRIVE: Final = """
local span, prefix, ttl = ARGV[1], ARGV[2], ARGV[4]
local lists, calls, met, trimmed = {}, {}, {[span] = true}, 0
for i = 1, #KEYS - 1 do
  local members = redis.call('LRANGE', KEYS[i], 0, -1)
  local cap, list_ttl, reads, present = ARGV[2 + 3 * i], ARGV[3 + 3 * i], ARGV[4 + 3 * i] == '1', false
  for _, member in ipairs(members) do
    if member == span then
      present = true
    elseif reads and not met[member] then
      met[member] = true
      local key = prefix .. member
      local call = redis.call('HMGET', key, 'o', 'l', 'd', 'k')
      if call[1] then
        redis.call('EXPIRE', key, ttl)
        calls[#calls + 1] = {member, call[1], call[2], call[3], call[4]}
      end
    end
  end
  if cap ~= '0' and not present then
    local length = redis.call('RPUSH', KEYS[i], span)
    if length > tonumber(cap) then
      trimmed = trimmed + length - tonumber(cap)
      redis.call('LTRIM', KEYS[i], -tonumber(cap), -1)
    end
  end
  if cap ~= '0' or #members > 0 then
    redis.call('EXPIRE', KEYS[i], list_ttl)
  end
  lists[i] = reads and table.concat(members) or ''
end
redis.call('HSETNX', KEYS[#KEYS], 'o', ARGV[3])
redis.call('EXPIRE', KEYS[#KEYS], ttl)
return {lists, calls, trimmed}
"""

LINK: Final = """
redis.call('HSET', KEYS[1], 'l', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
if KEYS[2] then
  redis.call('HSETNX', KEYS[2], 'k', ARGV[3])
  redis.call('EXPIRE', KEYS[2], ARGV[2])
end
return 0
"""

_NEWEST: Final = """
local trimmed = 0
for i = first, #KEYS do
  redis.call('LREM', KEYS[i], 0, ARGV[1])
  local length = redis.call('RPUSH', KEYS[i], ARGV[1])
  if length > tonumber(ARGV[2]) then
    trimmed = trimmed + length - tonumber(ARGV[2])
    redis.call('LTRIM', KEYS[i], -tonumber(ARGV[2]), -1)
  end
  redis.call('EXPIRE', KEYS[i], ARGV[3])
end
return trimmed
"""

REMEMBER: Final = "local first = 1" + _NEWEST

COMPLETE: Final = (
    """
redis.call('HSET', KEYS[1], 'd', ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[3])
local first = 2
"""
    + _NEWEST
)
