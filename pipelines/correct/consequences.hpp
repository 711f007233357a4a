#pragma once

#include <cstdint>
#include <map>
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

/// Readings of derived sensors that were made anew.
struct derived_counts {
  std::uint64_t replaced = 0, removed = 0, added = 0;
  bool operator==(const derived_counts&) const = default;
};

/// What came of a change of the past.
struct consequences {
  finding_counts alerts, anomalies;
  finding_counts events = {};                          ///< of pipelines
  std::map<std::string, derived_counts> derived = {};  ///< by the sensors' names
  std::uint64_t pipelines_not_followed = 0;            ///< instances that stay down, or would have to read too much
  std::uint64_t machines_not_followed = 0;             ///< their detector has failed, or would have to read too much
  std::uint64_t sensors_not_judged = 0;                ///< they are gone or stay down
  std::vector<std::int64_t> reported_days;             ///< begin of each day (UTC) whose daily report was made anew, ascending
  bool operator==(const consequences&) const = default;

  void add(const consequences& more);
};

/// "2 alerts withdrawn, 1 raised; 12 derived readings of bearing_difference made anew; daily report of 2026-03-03 made anew"; "no finding changes".
std::string to_text(const consequences& all);

/// Appended (coding.hpp); get_ reads from the front of `in` and advances it, and returns false, leaving both anywhere, when damaged.
void put_consequences(std::string& out, const consequences& all);
/// In version 1 there is nothing of pipelines, in version 2 nothing of machines.
inline constexpr std::uint8_t consequences_version = 3;
bool get_consequences(std::string_view& in, consequences& all, std::uint8_t version = consequences_version);

}  // namespace factory
