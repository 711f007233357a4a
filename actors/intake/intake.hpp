#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "actors/ports/ingest_port.hpp"
#include "pipelines/decode/decode.hpp"

namespace factory {

/// How a body is written.
enum class body_form : std::uint8_t {
  json_one,    ///< one reading
  json_bulk,   ///< an array, columns, or one reading
  json_lines,  ///< one reading a line
};

/// A body of readings and what its sender asks for.
struct intake_body {
  body_form form = body_form::json_bulk;
  std::string_view bytes;
  precision unit = precision::ms;
  bool unit_given = false;  ///< see decode_options
  bool partial = false;     ///< keep good rows beside bad ones
  durability level = durability::fsync;
  std::shared_ptr<const sensor_set> known;  ///< sensors that the sender may write to
  /// Names of another system's sensors; null: ids are those of this one.
  const std::function<expected<sensor_id>(std::string_view name)>* names = nullptr;
  journal::waker wake = {};  ///< see ingest_port::begin_ingest
};

/// A body that is in line for the next commit.
struct taken_body {
  pending_ingest commit;
  std::uint64_t refused_count = 0;  ///< rows of a partial body that were left out; `refused` holds the first
  std::vector<row_error> refused;
};

/// How readings get into the engine, whatever brings them: HTTP, a file, later a broker. Below the protocols and above the engine:
///
///   decode    bytes to rows; all or nothing unless `partial`
///   resolve   ids and names to sensors: here for ids, in a sensor_book for names
///   admit     credits, so that what is in flight stays bounded
///   commit    one journal entry, durable as asked
///
/// Thread-safe: decoders and their buffers belong to the calling thread.
class intake {
 public:
  explicit intake(ingest_port& behind) : engine_(behind) {}

  /// Does not wait for the disk. `overloaded` before a byte is decoded while credits are nearly out. A body with refused rows is
  /// `invalid` and carries them.
  expected<taken_body> begin(const intake_body& body);

  /// Rows whose sensors are resolved, from a source that can wait, such as a file: while credits are out it waits. Durable when it
  /// returns; the builder is empty afterwards.
  expected<ingest_receipt> take_patiently(batch_builder& rows, durability level = durability::fsync);

 private:
  ingest_port& engine_;
};

}  // namespace factory
