#include <future>
#include <memory>

#include "http/api/api_call.hpp"
#include "http/edge/query.hpp"
#include "http/notify/notifier.hpp"
#include "http/text/cursor.hpp"
#include "http/text/json_body.hpp"
#include "storage/base/limits.hpp"
#include "storage/notify/notify_store.hpp"

namespace factory {

namespace {

using simdjson::dom::element;

constexpr std::size_t default_dead_letters = 100;

http_response tested(const transfer_result& result) {
  json_writer out;
  out.begin_object().member("sent", result.what == transfer_result::outcome::sent);
  out.member("status", result.status != 0 ? std::optional(result.status) : std::nullopt);
  out.member("detail", result.detail).key("duration_ms");
  write_ms(out, result.took_us);
  out.end_object();
  return json_response(out);
}

/// The answer comes when the receiver has answered, within the channel's timeout. Meanwhile the thread serves others.
expected<http_response> test_channel(notifier& tells, ports& behind, const http_request& request, const path_argument& path) {
  const auto channel = behind.entities().find_channel(path.id);
  if (!channel) return fail_with(channel.error());
  auto promise = std::make_shared<std::promise<transfer_result>>();
  auto result = std::make_shared<std::shared_future<transfer_result>>(promise->get_future());
  tells.test(*channel, [promise, wake = request.wake](transfer_result done) {
    promise->set_value(std::move(done));
    if (wake) (*wake)();
  });
  http_response answer;
  const auto longest = std::chrono::microseconds(channel->timeout_us) + std::chrono::seconds(5);
  answer.ready = [result] { return result->wait_for(std::chrono::seconds(0)) == std::future_status::ready; };
  answer.finish = [result, longest](http_response& whole) {
    transfer_result done;
    done.detail = "the notifier does not answer";
    if (result->wait_for(longest) == std::future_status::ready) done = result->get();
    whole = tested(done);
  };
  return answer;
}

void write_dead_letter(json_writer& out, const delivery& letter) {
  out.begin_object().member("id", letter.id).member("notification_id", letter.notification).member("type", letter.kind);
  out.member("alert_id", letter.finding).time_member("begun_at", letter.begun_at_us).time_member("given_up_at", letter.due_at_us);
  out.member("attempts", letter.attempts).member("error", letter.last_error).member("content", letter.content).end_object();
}

expected<http_response> get_dead_letters(ports& behind, const http_request& request, const path_argument& path) {
  query_reader query(request);
  const std::size_t limit = query.integer("limit", 1, limits::page_readings).value_or(default_dead_letters);
  std::uint64_t before = UINT64_MAX;
  if (const auto text = query.text("cursor")) {
    const auto cursor = parse_cursor<std::uint64_t>(*text, true);
    if (!cursor) query.fail_at("cursor", "a next_cursor of this call");
    before = cursor.value_or(0);
  }
  if (query.fault()) return fail_with(*query.fault());
  if (const auto channel = behind.entities().find_channel(path.id); !channel) return fail_with(channel.error());
  auto found = behind.notifications().dead_letters(path.id, before, limit + 1);
  if (!found) return fail_with(found.error());
  const bool more = found->size() > limit;
  if (more) found->pop_back();
  json_writer out(1'024 * (found->size() + 1));
  out.begin_object().key("dead_letters").begin_array();
  for (const delivery& each : *found) write_dead_letter(out, each);
  out.end_array().key("next_cursor");
  more ? out.value(format_cursor(found->back().id, true)) : out.value(nullptr);
  out.end_object();
  return json_response(out);
}

/// {"ids":[1,2]} or {}: all.
expected<std::vector<std::uint64_t>> read_ids(std::string_view text) {
  json_body body;
  const auto root = body.parse(text);
  if (!root) return tl::unexpected(root.error());
  std::vector<std::uint64_t> ids;
  const auto read = for_each_member(*root, [&](std::string_view name, element value) -> expected<bool> {
    if (name != "ids") return false;
    simdjson::dom::array list;
    if (value.get(list) || list.size() == 0) return fail(errc::invalid, "ids must be an array of ids of dead letters", "ids");
    for (const element each : list) {
      if (each.get(ids.emplace_back())) return fail(errc::invalid, "ids must be an array of ids of dead letters", "ids");
    }
    return true;
  });
  if (!read) return tl::unexpected(read.error());
  return ids;
}

expected<http_response> resend(notifier& tells, ports& behind, const http_request& request, const path_argument& path) {
  auto ids = read_ids(request.body);
  if (!ids) return fail_with(ids.error());
  if (const auto channel = behind.entities().find_channel(path.id); !channel) return fail_with(channel.error());
  const auto count = tells.resend(path.id, std::move(*ids));
  if (!count) return fail_with(count.error());
  json_writer out;
  out.begin_object().member("resent", *count).end_object();
  return json_response(out);
}

}  // namespace

void add_channel_calls(api_table& table, notifier& tells) {
  const std::size_t first = table.size();
  const auto with = [&tells](auto call) {
    return [&tells, call](ports& behind, const http_request& request, const path_argument& path) {
      return call(tells, behind, request, path);
    };
  };
  table.push_back({http_method::post,
                   "/api/channels/{id}/test",
                   "Send a test notification now, and say how it went",
                   with(test_channel),
                   {},
                   {},
                   "channel_test"});
  table.push_back({http_method::get,
                   "/api/channels/{id}/dead-letters",
                   "Notifications that were given up, newest first",
                   get_dead_letters,
                   {"limit", "cursor"},
                   {},
                   "dead_letter_page"});
  table.push_back({http_method::post,
                   "/api/channels/{id}/dead-letters/resend",
                   "Send dead letters again: those named, or all",
                   with(resend),
                   {},
                   "resend_request",
                   "resent",
                   200,
                   limits::small_body_bytes,
                   json_only});
  for (std::size_t i = first; i < table.size(); ++i) table[i].scope = access_scope::admin;
}

}  // namespace factory
