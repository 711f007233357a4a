#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "pipelines/detect/episode.hpp"
#include "pipelines/judge/spc_rules.hpp"
#include "pipelines/stats/control_chart.hpp"

namespace factory {

/// Holds a sensor's points, as they come, against frozen control limits. All points that break one rule, none farther from the one before than
/// the rule looks back, are one episode: told when it opens, when it grows more severe or a tenth in score, and when it is over. Points are counted from the first reading behind the command that brought the limits: with subgroups, the
/// first ones are a group.
class spc_watch {
 public:
  struct change {
    std::size_t rule = 0;  ///< place in runs_rules()
    episode_change what;   ///< its detectors say nothing
  };

  /// REQUIRES: times rise; `limits` are those of `how`, which is the same as for the readings before.
  void observe(std::int64_t time_us, double value, const spc_rules& how, const control_limits& limits, std::vector<change>& out);
  /// Other limits, or none: what is open ends, and counting begins anew.
  void begin_anew(std::vector<change>& out);
  std::vector<change> open() const;
  std::vector<change> told() const;  ///< what is open, with score and level as they were told last

  bool operator==(const spc_watch&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit(self.runs_, self.times_us_, self.group_, self.open_, self.points_, self.newest_us_);
  }

 private:
  struct entry {
    std::uint8_t rule = 0;
    episode is;                         ///< its amount is the score that was told last; 0 of one that an older version stored
    std::uint64_t first = 0, last = 0;  ///< points, by number
    bool operator==(const entry&) const = default;
    template <class Self, class Visit>
    static void fields(Self& self, Visit& visit) {
      visit(self.rule, self.is, self.first, self.last);
    }
  };
  void take(std::int64_t time_us, double value, const spc_rules& how, const control_limits& limits, std::vector<change>& out);
  void join(std::size_t rule, std::int64_t time_us, const control_limits& limits, std::vector<change>& out);
  void close_passed(std::int64_t time_us, std::vector<change>& out);

  runs_watch runs_;
  std::array<std::int64_t, runs_watch::longest> times_us_{};  ///< of the newest points, a ring
  std::vector<double> group_;                                 ///< of the point that is not whole yet
  std::vector<entry> open_;                                   ///< at most one a rule
  std::uint64_t points_ = 0;                                  ///< so far
  std::int64_t newest_us_ = INT64_MIN;                        ///< reading
};

/// "Nelson rule 2, nine points in a row on one side of the centre: 51.3 where ...".
std::string explain_violation(std::size_t rule, const episode& what, const spc_rules& how, std::string_view unit);
/// "nelson_2"
std::string name_of_violation(std::size_t rule);

}  // namespace factory
