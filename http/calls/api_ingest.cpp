#include <charconv>
#include <chrono>

#include "actors/intake/intake.hpp"
#include "http/api/api_call.hpp"
#include "http/edge/access.hpp"
#include "http/edge/idempotency.hpp"
#include "http/edge/problem.hpp"
#include "http/edge/query.hpp"
#include "storage/base/limits.hpp"

namespace factory {

namespace {

using steady = std::chrono::steady_clock;

/// Reads the options of the query.
expected<intake_body> read_options(const http_request& request) {
  intake_body asked;
  if (request.query.empty()) return asked;
  query_reader query(request);
  if (const auto unit = query.text("precision")) {
    const auto parsed = parse_precision(*unit);
    if (!parsed) query.fail_at("precision", "s, ms, us or ns");
    asked.unit = parsed.value_or(precision::ms);
    asked.unit_given = true;
  }
  asked.partial = query.boolean("partial").value_or(false);
  if (query.word("durability", {"fsync", "buffered"}) == 1U) asked.level = durability::buffered;
  if (query.fault()) return fail_with(*query.fault());
  return asked;
}

std::string milliseconds_since(steady::time_point start) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(steady::now() - start).count();
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, static_cast<double>(us) / 1000.0).ptr;
  return {text, end};
}

std::string_view to_text(durability level) { return level == durability::fsync ? "fsync" : "buffered"; }

/// {"inserted":1,"duration_ms":0.4,"durability":"fsync"}: built by hand in one piece, because it is the most frequent answer.
http_response receipt(const ingest_receipt& of, steady::time_point start) {
  http_response answer{201};
  answer.body.reserve(96);
  answer.body.append("{\"inserted\":").append(std::to_string(of.inserted));
  if (of.not_judged != 0) answer.body.append(",\"not_judged\":").append(std::to_string(of.not_judged));
  answer.body.append(",\"duration_ms\":").append(milliseconds_since(start));
  answer.body.append(",\"durability\":\"").append(to_text(of.level)).append("\"}");
  return answer;
}

http_response partial_receipt(const ingest_receipt& of, const taken_body& taken, steady::time_point start) {
  json_writer out;
  out.begin_object().member("inserted", of.inserted).member("rejected", taken.refused_count);
  if (of.not_judged != 0) out.member("not_judged", of.not_judged);
  write_errors(out, taken.refused);
  out.key("duration_ms").raw(milliseconds_since(start)).member("durability", to_text(of.level)).end_object();
  return json_response(out);
}

using waker = idempotency_memory::waker;

expected<http_response> store(ports& behind, const http_request& request, body_form form, const waker& wake) {
  const auto start = steady::now();
  auto asked = read_options(request);
  if (!asked) return fail_with(asked.error());
  asked->form = form;
  asked->bytes = request.body;
  asked->known = sensors_of(behind, request.factory);
  asked->wake = wake;
  auto taken = intake(behind).begin(*asked);
  if (!taken) return fail_with(taken.error());
  http_response answer;
  answer.ready = [in_line = taken->commit] { return in_line.ready(); };
  answer.finish = [taken = std::move(*taken), partial = asked->partial, start](http_response& whole) mutable {
    const auto committed = taken.commit.wait();
    if (!committed) {
      whole = problem(committed.error());
    } else {
      whole = partial ? partial_receipt(*committed, taken, start) : receipt(*committed, start);
    }
  };
  return answer;
}

std::uint64_t digest_of(const http_request& request) {
  std::uint64_t digest = std::hash<std::string_view>{}(request.body);
  const auto add = [&](std::string_view text) { digest = digest * 0x9E3779B97F4A7C15ULL + std::hash<std::string_view>{}(text); };
  add(request.path);
  add(std::to_string(request.factory));  // a token of one factory never gets the remembered answer of another caller
  for (const auto& [name, value] : request.query) {
    add(name);
    add(value);
  }
  return digest;
}

body_form bulk_form(const http_request& request) {
  const bool lines = !request.content_type.empty() && media_type(request.content_type) == "application/x-ndjson";
  return lines ? body_form::json_lines : body_form::json_bulk;
}

expected<http_response> ingest(idempotency_memory& answers, ports& behind, const http_request& request, body_form form) {
  const std::string_view key = request.header ? request.header("Idempotency-Key") : std::string_view();
  if (key.empty()) return store(behind, request, form, request.wake);
  if (key.size() > limits::name_bytes) return fail(errc::invalid, "Idempotency-Key must be of 1 to 256 bytes", "Idempotency-Key");
  return answers.once(key, digest_of(request), request.wake,
                      [&](const waker& wake) { return store(behind, request, form, wake); });
}

}  // namespace

void add_ingest_calls(api_table& table) {
  const auto answers = std::make_shared<idempotency_memory>(limits::idempotency_keys);
  const auto post_one = [answers](ports& behind, const http_request& request, const path_argument&) {
    return ingest(*answers, behind, request, body_form::json_one);
  };
  const auto post_bulk = [answers](ports& behind, const http_request& request, const path_argument&) {
    return ingest(*answers, behind, request, bulk_form(request));
  };
  const std::vector<std::string_view> options{"precision", "partial", "durability"};
  table.push_back({http_method::post, "/api/readings", "Store one reading; answered when it is durable", post_one, options,
                   "new_reading", "receipt", 201, limits::small_body_bytes, json_only});
  table.push_back({http_method::post,
                   "/api/readings/bulk",
                   "Store readings: an array, columns, or one object a line",
                   post_bulk,
                   options,
                   "new_readings",
                   "receipt",
                   201,
                   limits::body_bytes,
                   {"application/json", "application/x-ndjson"}});
  for (auto added = table.end() - 2; added != table.end(); ++added) {
    added->scope = access_scope::ingest;
    added->limited = factory_limit::handled;
    added->partial_schema = "partial_receipt";
  }
}

}  // namespace factory
