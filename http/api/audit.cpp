#include "http/api/audit.hpp"

#include <spdlog/spdlog.h>

#include <charconv>
#include <chrono>
#include <string>
#include <utility>

#include "http/edge/problem.hpp"
#include "http/edge/router.hpp"

namespace factory {

namespace {

/// The id of the created entity: our answers begin with it, {"id":7,… or [{"id":7,…
std::uint64_t made_id(const http_response& answer) {
  std::string_view body = answer.body;
  if (answer.status != 201) return 0;
  if (body.starts_with('[')) body.remove_prefix(1);
  constexpr std::string_view start = "{\"id\":";
  std::uint64_t id = 0;
  if (body.starts_with(start)) std::from_chars(body.data() + start.size(), body.data() + body.size(), id);
  return id;
}

}  // namespace

http_response audited(admin_port& behind, http_response answer, const http_request& request, std::string_view who) {
  audit_record record{.who = std::string(who),
                      .method = std::string(to_text(request.method)),
                      .path = to_utf8(request.path),
                      .client = request.client};
  return when_complete(std::move(answer), [&behind, record = std::move(record)](const http_response& whole) mutable {
    using namespace std::chrono;
    record.at_us = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
    record.status = whole.status;
    record.thing = made_id(whole);
    const auto kept = behind.audit().append(record);
    if (!kept)
      spdlog::error("audit: {} {} {} by {} is not recorded: {}", record.status, record.method, record.path, record.who,
                    kept.error().message);
  });
}

}  // namespace factory
