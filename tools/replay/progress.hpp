#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace factory::replay {

/// "1,234,567"
std::string with_commas(std::uint64_t number);
/// "850 k/s", "3.2 M/s"
std::string rate_text(double per_second);
/// "12 s", "3 min 05 s", "2 h 10 min"
std::string duration_text(double seconds);

/// One line: bar, share, readings, rate and time left. Without `total` (standard input) no bar and no time left.
std::string progress_line(const std::string& name, std::uint64_t done_bytes, std::uint64_t total_bytes, std::uint64_t readings,
                          double seconds);

/// Draws progress on standard error while that is a terminal; else nothing.
class progress {
 public:
  progress();
  ~progress() { clear(); }
  void draw(const std::string& name, std::uint64_t done_bytes, std::uint64_t total_bytes, std::uint64_t readings);
  void clear();  ///< before other output

 private:
  using clock = std::chrono::steady_clock;
  bool terminal_;
  bool drawn_ = false;
  clock::time_point begin_, next_;
};

}  // namespace factory::replay
