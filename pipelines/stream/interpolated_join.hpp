#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace factory {

/// Joins several sources in event time: at each time at which one of them has a reading, each has its own, or one on the line between its
/// neighbours, when these are not further apart than the tolerance. A row waits for what comes behind it.
class interpolated_join {
 public:
  /// A time at which a source has a reading, and what is to be said of it.
  struct row {
    std::int64_t time_us = 0;
    std::int64_t until_us = 0;  ///< the readings before this instant decide it
    enum class kind : std::uint8_t { waits, whole, without_a_source, one_of_too_many } is = kind::waits;
    std::vector<double> values;  ///< by source
    std::vector<bool> known;     ///< likewise
  };

  interpolated_join(std::size_t sources, std::int64_t tolerance_us) : tolerance_us_(tolerance_us), newest_(sources) {}

  /// Readings come by time. Appends the rows that are decided, by time.
  void take(std::int64_t time_us, std::size_t source, double value, std::vector<row>& decided);
  /// No reading before `until_us` comes any more.
  void finish(std::int64_t until_us, std::vector<row>& decided);
  /// No row before this instant is still to be decided, if none comes before `bound_us`.
  std::int64_t bound_us(std::int64_t bound_us) const;
  /// The first instant after `after_us` at which finish() decides something.
  std::optional<std::int64_t> next_end_us(std::int64_t after_us) const;

  /// Whether no reading before `time_us` has a part in what is still to be decided, when all rows before `bound_us` were seen.
  bool remembers_since(std::int64_t time_us, std::int64_t bound_us) const;

  void encode(std::string& out) const;  ///< appended
  bool decode(std::string_view& in);

 private:
  struct reading {
    std::int64_t time_us = INT64_MIN;  ///< INT64_MIN: none yet
    double value = 0;
  };

  /// When it is too late for the next reading of a source that `it` needs.
  std::int64_t ends_us(const row& it, std::size_t source) const;
  void fill(std::size_t source, const reading& next);
  void give_up(std::int64_t bound_us);
  void release(std::int64_t newest_us, std::vector<row>& decided);

  std::int64_t tolerance_us_;
  std::vector<reading> newest_;  ///< by source
  std::deque<row> waiting_;      ///< by time
};

}  // namespace factory
