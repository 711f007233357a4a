#include "actors/intake/intake.hpp"

#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "pipelines/decode/batch_builder.hpp"

namespace factory {

namespace {

constexpr auto pause_without_credit = std::chrono::milliseconds(2);

/// Buffers that a thread keeps from body to body, so that decoding allocates almost nothing.
struct decoding {
  json_decoder decoder;
  batch_builder rows;
};
thread_local std::unique_ptr<decoding> kept;

/// A thread frees its buffers after a large body: 32 threads must not each hold tens of megabytes.
constexpr std::size_t kept_body_bytes = 8UL << 20;

std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

expected<decode_result> decode(decoding& with, const intake_body& body, const sensor_set* derived) {
  decode_options how;
  how.unit = body.unit;
  how.unit_given = body.unit_given;
  how.now_us = now_us();
  how.partial = body.partial;
  how.known = body.known.get();
  how.derived = derived;
  how.names = body.names;
  switch (body.form) {
    case body_form::json_one: return with.decoder.one(body.bytes, how, with.rows);
    case body_form::json_bulk: return with.decoder.bulk(body.bytes, how, with.rows);
    case body_form::json_lines: return with.decoder.lines(body.bytes, how, with.rows);
  }
  return fail(errc::invalid, "no such form");
}

error refusal(decode_result&& decoded, body_form form) {
  error why{errc::invalid, {}, {}, std::move(decoded.errors)};
  if (form == body_form::json_one && !why.rows.empty()) {
    why.message = "Reading refused: " + why.rows.front().reason;
    why.field = why.rows.front().field;
  } else {
    why.message = std::to_string(decoded.error_count) + " of " + std::to_string(decoded.row_count) +
                  " readings refused; nothing was stored";
  }
  return why;
}

}  // namespace

expected<taken_body> intake::begin(const intake_body& body) {
  if (auto room = engine_.admit(); !room) return tl::unexpected(std::move(room.error()));
  if (!kept) kept = std::make_unique<decoding>();
  kept->rows.clear();
  const auto derived = engine_.derived_sensors();
  auto decoded = decode(*kept, body, derived.get());
  const bool wanted = decoded && (decoded->error_count == 0 || body.partial);
  reading_batch batch;
  if (wanted) batch = kept->rows.finish();
  if (body.bytes.size() > kept_body_bytes) kept.reset();
  if (!decoded) return tl::unexpected(std::move(decoded.error()));
  if (!wanted) return tl::unexpected(refusal(std::move(*decoded), body.form));
  auto pending = engine_.begin_ingest(std::move(batch), body.level, body.bytes.size(), body.wake);
  if (!pending) return tl::unexpected(std::move(pending.error()));
  return taken_body{std::move(*pending), decoded->error_count, std::move(decoded->errors)};
}

expected<ingest_receipt> intake::take_patiently(batch_builder& rows, durability level) {
  const reading_batch batch = rows.finish();
  for (;;) {
    auto receipt = engine_.ingest(batch, level);
    if (receipt || receipt.error().code != errc::overloaded) return receipt;
    std::this_thread::sleep_for(pause_without_credit);
  }
}

}  // namespace factory
