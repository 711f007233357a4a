#include <charconv>
#include <chrono>

#include "http/api/api_call.hpp"
#include "http/edge/access.hpp"
#include "http/edge/idempotency.hpp"
#include "http/edge/problem.hpp"
#include "http/edge/query.hpp"
#include "pipelines/decode/decode.hpp"
#include "storage/base/limits.hpp"

namespace factory {

namespace {

using steady = std::chrono::steady_clock;

/// Buffers that a thread keeps from body to body, so that decoding allocates almost nothing.
struct decoding {
  json_decoder decoder;
  batch_builder rows;
};
thread_local std::unique_ptr<decoding> kept;

/// A thread frees its buffers after a large body: 32 threads must not each hold tens of megabytes.
constexpr std::size_t kept_body_bytes = 8UL << 20;

struct ingest_options {
  decode_options decode;
  durability level = durability::fsync;
};

expected<ingest_options> read_options(const http_request& request) {
  ingest_options options;
  if (request.query.empty()) return options;
  query_reader query(request);
  if (const auto unit = query.text("precision")) {
    const auto parsed = parse_precision(*unit);
    if (!parsed) query.fail_at("precision", "s, ms, us or ns");
    options.decode.unit = parsed.value_or(precision::ms);
    options.decode.unit_given = true;
  }
  options.decode.partial = query.boolean("partial").value_or(false);
  if (query.word("durability", {"fsync", "buffered"}) == 1U) options.level = durability::buffered;
  if (query.fault()) return fail_with(*query.fault());
  return options;
}

std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

enum class body_shape : std::uint8_t { one, bulk, lines };

expected<decode_result> decode(decoding& with, body_shape shape, std::string_view body, const decode_options& options) {
  switch (shape) {
    case body_shape::one: return with.decoder.one(body, options, with.rows);
    case body_shape::bulk: return with.decoder.bulk(body, options, with.rows);
    case body_shape::lines: return with.decoder.lines(body, options, with.rows);
  }
  return fail(errc::invalid, "no such shape");
}

error refusal(decode_result&& decoded, body_shape shape) {
  error why{errc::invalid, {}, {}, std::move(decoded.errors)};
  if (shape == body_shape::one && !why.rows.empty()) {
    why.message = "Reading refused: " + why.rows.front().reason;
    why.field = why.rows.front().field;
  } else {
    why.message = std::to_string(decoded.error_count) + " of " + std::to_string(decoded.row_count) +
                  " readings refused; nothing was stored";
  }
  return why;
}

std::string milliseconds_since(steady::time_point start) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(steady::now() - start).count();
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, static_cast<double>(us) / 1000.0).ptr;
  return {text, end};
}

std::string_view to_text(durability level) { return level == durability::fsync ? "fsync" : "buffered"; }

/// {"inserted":1,"duration_ms":0.4,"durability":"fsync"}: built by hand in one piece, because it is the most frequent answer.
http_response receipt(std::uint64_t inserted, durability level, steady::time_point start) {
  http_response answer{201};
  answer.body.reserve(96);
  answer.body.append("{\"inserted\":").append(std::to_string(inserted));
  answer.body.append(",\"duration_ms\":").append(milliseconds_since(start));
  answer.body.append(",\"durability\":\"").append(to_text(level)).append("\"}");
  return answer;
}

http_response partial_receipt(std::uint64_t inserted, const decode_result& decoded, durability level, steady::time_point start) {
  json_writer out;
  out.begin_object().member("inserted", inserted).member("rejected", decoded.error_count);
  write_errors(out, decoded.errors);
  out.key("duration_ms").raw(milliseconds_since(start)).member("durability", to_text(level)).end_object();
  return json_response(out);
}

expected<http_response> store(engine& behind, const http_request& request, body_shape shape) {
  const auto start = steady::now();
  auto options = read_options(request);
  if (!options) return fail_with(options.error());
  if (const auto room = behind.admit(); !room) return fail_with(room.error());
  const auto known = sensors_of(behind, request.factory);
  options->decode.known = known.get();
  options->decode.now_us = now_us();

  if (!kept) kept = std::make_unique<decoding>();
  kept->rows.clear();
  auto decoded = decode(*kept, shape, request.body, options->decode);
  const bool wanted = decoded && (decoded->error_count == 0 || options->decode.partial);
  reading_batch batch;
  if (wanted) batch = kept->rows.finish();
  if (request.body.size() > kept_body_bytes) kept.reset();
  if (!decoded) return fail_with(decoded.error());
  if (!wanted) return fail_with(refusal(std::move(*decoded), shape));

  auto pending = behind.begin_ingest(std::move(batch), options->level, request.body.size(), request.wake);
  if (!pending) return fail_with(pending.error());
  std::optional<decode_result> refused;  // of a partial body
  if (options->decode.partial) refused = std::move(*decoded);
  http_response answer;
  answer.ready = [in_line = *pending] { return in_line.ready(); };
  answer.finish = [pending = std::move(*pending), rejected = std::move(refused), start](http_response& whole) mutable {
    const auto committed = pending.wait();
    if (!committed) {
      whole = problem(committed.error());
    } else {
      whole = rejected ? partial_receipt(committed->inserted, *rejected, committed->level, start)
                       : receipt(committed->inserted, committed->level, start);
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

body_shape bulk_shape(const http_request& request) {
  const bool lines = !request.content_type.empty() && media_type(request.content_type) == "application/x-ndjson";
  return lines ? body_shape::lines : body_shape::bulk;
}

expected<http_response> ingest(idempotency_memory& answers, engine& behind, const http_request& request, body_shape shape) {
  const std::string_view key = request.header ? request.header("Idempotency-Key") : std::string_view();
  if (key.empty()) return store(behind, request, shape);
  if (key.size() > limits::name_bytes) return fail(errc::invalid, "Idempotency-Key must be of 1 to 256 bytes", "Idempotency-Key");
  return answers.once(key, digest_of(request), [&] { return store(behind, request, shape).map(complete); });
}

}  // namespace

void add_ingest_calls(api_table& table) {
  const auto answers = std::make_shared<idempotency_memory>(limits::idempotency_keys);
  const auto post_one = [answers](engine& behind, const http_request& request, const path_argument&) {
    return ingest(*answers, behind, request, body_shape::one);
  };
  const auto post_bulk = [answers](engine& behind, const http_request& request, const path_argument&) {
    return ingest(*answers, behind, request, bulk_shape(request));
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
