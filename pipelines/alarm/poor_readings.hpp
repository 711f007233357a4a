#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/alarm/alarm_row.hpp"

namespace factory {

namespace limits {
inline constexpr std::size_t poor_readings_kept =
    256;  ///< runs of bad readings behind the newest good one of a sensor; the oldest but the first go
}

/// The readings of one sensor that are not of good quality, as far as rules about quality need them. Of bad ones in a row that are near to each
/// other the first is seen; the last is kept, since a good reading that comes late between them makes it matter. So a sensor whose
/// readings are bad for days takes little room.
class poor_readings {
 public:
  bool empty() const { return all_.empty(); }
  std::size_t size() const { return all_.size(); }
  /// as_known: none is seen at this time.
  row_quality at(std::int64_t time_us) const;
  /// A reading of this quality, not good. Whether that makes a difference.
  bool put(std::int64_t time_us, row_quality quality);
  /// Takes a bad reading for one of a row of them that is there, and has begun at most `reach_us` before. False: it is to be put.
  /// `separated_by_us` is the newest time before it at which there is a good one.
  bool join(std::int64_t time_us, std::int64_t reach_us, std::int64_t separated_by_us);
  struct cut_result {
    bool was_seen = false;                    ///< at this time
    std::optional<std::int64_t> to_put = {};  ///< a bad reading behind it that is now to be put
  };
  /// At this time is no such reading, or no more.
  cut_result cut(std::int64_t time_us);
  /// Of those newer than `since_us`, forgets the oldest but the first where there are more than `most`; appends the times at which they
  /// were seen.
  void thin(std::int64_t since_us, std::size_t most, std::vector<std::int64_t>& forgotten);
  /// Nobody looks at a time up to `settled_us` any more.
  void settle(std::int64_t settled_us);
  void clear() { all_.clear(); }

  void encode(std::string& out) const;  ///< appended
  bool decode(std::string_view& in);    ///< false, and anything in it, when damaged

 private:
  struct run {
    std::int64_t first_us = 0, last_us = 0;
    bool is_bad = false;
  };
  std::vector<run>::iterator newest_up_to(std::int64_t time_us);
  std::vector<run> all_;  ///< by time; those that are not bad have one reading
};

}  // namespace factory
