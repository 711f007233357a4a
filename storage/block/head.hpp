#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "pipelines/model/reading.hpp"

namespace factory {

/// The open block of one sensor: readings not yet sealed, in event-time order, times unique, last write wins.
/// Allocates nothing while empty. Appending in order is amortized O(1), anything else O(n).
class head {
 public:
  enum class effect : std::uint8_t { appended, inserted, replaced, identical };
  /// Repeating value and quality of a time, left out or not, leaves the stored flags unchanged.
  effect put(std::int64_t time_us, double value, std::uint8_t flags) {
    if (!rows_.empty() && time_us <= rows_.event_time_us.back()) return put_behind(time_us, value, flags);
    rows_.push_back(time_us, value, flags);
    return effect::appended;
  }
  using flags_or_none = std::span<const std::uint8_t>;  ///< one of each row; empty: all flag_none
  /// Rows in time order, all of them newer than the newest (REQUIRED).
  void append_run(std::span<const std::int64_t> times_us, std::span<const double> values, flags_or_none flags = {});
  /// Rows in time order between two neighbours of the head (REQUIRED).
  void insert_run(std::span<const std::int64_t> times_us, std::span<const double> values, flags_or_none flags = {});
  struct stored_value {
    double value;
    std::uint8_t flags;
  };
  std::optional<stored_value> find(std::int64_t time_us) const;
  /// The oldest time in the head that is not before `time_us`; INT64_MAX when there is none.
  std::int64_t next_time_us(std::int64_t time_us) const;
  const reading_run& rows() const { return rows_; }
  std::size_t size() const { return rows_.size(); }
  reading_run take();  ///< moves the rows out; the head is empty afterwards and frees its memory

  void encode(std::string& out) const;  ///< compressed with the block codec; no checksum of its own
  bool decode(std::string_view& in);    ///< false, with the head empty, when the bytes are no head

 private:
  std::size_t place_of(std::int64_t time_us) const;
  void insert_at(std::size_t row, std::span<const std::int64_t> times_us, std::span<const double> values, flags_or_none flags);
  effect put_behind(std::int64_t time_us, double value, std::uint8_t flags);

  reading_run rows_;
};

}  // namespace factory
