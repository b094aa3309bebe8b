-- Cycles over the requests of the file LENSCAT_BENCH_TARGETS (a target and perhaps an ETag a line, a tab between) and
-- prints the outcome as JSON. Requests are built once, so that wrk itself costs as little as possible.
local requests = {}
local at = 0

function init(args)
  for line in io.lines(os.getenv("LENSCAT_BENCH_TARGETS")) do
    local target, etag = line:match("^([^\t]*)\t?(.*)$")
    local headers = {}
    if etag ~= "" then headers["If-None-Match"] = etag end
    requests[#requests + 1] = wrk.format("GET", target, headers)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "bytes": %d, "p50_ms": %.4f, "p99_ms": %.4f, "failed": %d}\n',
    summary.requests, summary.duration / 1e6, summary.bytes, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
