#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace factory {

/// Findings of one kind that judging again changed.
struct finding_counts {
  std::uint64_t raised = 0, withdrawn = 0, revised = 0;
  void add(const finding_counts& more) {
    raised += more.raised;
    withdrawn += more.withdrawn;
    revised += more.revised;
  }
  bool none() const { return raised == 0 && withdrawn == 0 && revised == 0; }
  bool operator==(const finding_counts&) const = default;
};

/// What came of a change of the past.
struct consequences {
  finding_counts alerts, anomalies;
  std::uint64_t sensors_not_judged = 0;     ///< they are gone or stay down
  std::vector<std::int64_t> reported_days;  ///< begin of each day (UTC) whose daily report was made anew, ascending
  bool operator==(const consequences&) const = default;

  void add(const consequences& more);
};

/// "2 alerts withdrawn, 1 raised; daily report of 2026-03-03 made anew"; "no finding changes".
std::string to_text(const consequences& all);

/// Appended (coding.hpp); get_ reads from the front of `in` and advances it, and returns false, leaving both anywhere, when damaged.
void put_consequences(std::string& out, const consequences& all);
bool get_consequences(std::string_view& in, consequences& all);

}  // namespace factory
