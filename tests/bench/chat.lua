-- Chat requests of about 2 KB for wrk, each of a conversation unlike any other; prints what load.py reads.
local number, path = 0, "/v1/chat/completions"
local filler = string.rep("Tell me more about the matter at hand, please, and be brief. ", 5)
local headers = { ["content-type"] = "application/json", ["authorization"] = "Bearer sk-load", ["x-load"] = "fast" }

function init(args)
  number = tonumber(args[1])
end

function request()
  number = number + 1
  local turns = { '{"role":"system","content":"You are a helpful assistant."}' }
  for turn = 1, 5 do
    local role = turn % 2 == 1 and "assistant" or "user"
    local text = string.sub(number .. "-" .. turn .. " " .. filler, 1, 320)
    turns[#turns + 1] = '{"role":"' .. role .. '","content":"' .. text .. '"}'
  end
  turns[#turns + 1] = '{"role":"user","content":"Go on."}'
  local body = '{"model":"json-600","messages":[' .. table.concat(turns, ",") .. '],"stream":false}'
  return wrk.format("POST", path, headers, body)
end

function done(summary, latency, _)
  local e = summary.errors
  local errors = e.connect + e.read + e.write + e.status + e.timeout
  io.write(string.format(
    '\n{"calls":%d,"errors":%d,"chunks":0,"seconds":%f,"p50_us":%f,"p99_us":%f}\n',
    summary.requests, errors, summary.duration / 1e6, latency:percentile(50), latency:percentile(99)
  ))
end
