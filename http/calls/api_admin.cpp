#include <chrono>

#include "http/api/api_call.hpp"
#include "http/edge/query.hpp"
#include "pipelines/model/time.hpp"

namespace factory {

namespace {

/// The time to the second, as a file name: 2026-01-19T10-00-00Z.
std::string name_of_now() {
  using namespace std::chrono;
  const auto now_us = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
  std::string name = format_time(now_us / 1'000'000 * 1'000'000);
  for (char& c : name) c = c == ':' ? '-' : c;
  return name;
}

expected<http_response> post_snapshot(admin_port& behind, const http_request& request, const path_argument&) {
  query_reader query(request);
  const auto asked = query.text("as");
  if (query.fault()) return fail_with(*query.fault());
  const std::string name = asked ? std::string(*asked) : name_of_now();
  const auto start = std::chrono::steady_clock::now();
  const auto taken = behind.snapshot(name);
  if (!taken) return fail_with(taken.error());
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  json_writer out;
  out.begin_object().member("name", name).member("path", taken->path.string()).member("bytes", taken->bytes);
  out.member("duration_ms", took.count()).end_object();
  return json_response(out, 201);
}

}  // namespace

void add_admin_calls(api_table& table) {
  table.push_back({http_method::post,
                   "/api/admin/snapshot",
                   "Copy everything that is stored into the snapshot directory; answered when the copy is whole and on disk",
                   post_snapshot,
                   {"as"},
                   {},
                   "snapshot",
                   201});
  table.back().scope = access_scope::admin;
}

}  // namespace factory
