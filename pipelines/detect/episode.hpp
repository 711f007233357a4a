#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/detect/detector.hpp"

namespace factory {

/// One thing that is wrong with a sensor, from its first flagged reading to its last. What several detectors say about one course of
/// readings is one episode: a jump that stays is no spike and then a shift. Health findings are episodes of their own.
/// Identity: the sensor, begin_us and opened_by.
struct episode {
  struct peak_reading {
    std::int64_t time_us = 0;
    double value = 0, expected = 0, low = 0, high = 0;
    bool operator==(const peak_reading&) const = default;
  };
  enum class ending : std::uint8_t { open, passed, learned };  ///< learned: still so, and taken as normal from now on

  detector by{};         ///< what describes it best so far
  detector opened_by{};  ///< what saw it first
  ending end_reason = ending::open;
  severity level{};
  std::int64_t begin_us = 0;
  std::int64_t end_us = 0;  ///< of the newest flagged reading; of silence: when the next one came
  double score = 0;         ///< the highest
  std::uint64_t count = 0;  ///< flagged readings; none of silence
  peak_reading peak;
  double amount = 0;          ///< see verdict
  std::uint32_t updates = 0;  ///< how often it was told again

  void set_score(double now) {
    score = now;
    level = severity_of_score(now);
  }
  bool is_open() const { return end_reason == ending::open; }
  bool operator==(const episode&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit(self.by, self.opened_by, self.end_reason, self.level, self.begin_us, self.end_us, self.score, self.count,
          self.peak.time_us, self.peak.value, self.peak.expected, self.peak.low, self.peak.high, self.amount, self.updates);
  }
};

/// One sentence in plain words, like "71.2 °C where 48.9 °C was expected (41.5 to 56.3 would have passed), for 12 readings".
std::string explain(const episode& what, std::string_view unit);

struct episode_change {
  enum class kind : std::uint8_t { opened, updated, closed };
  kind what{};
  std::int64_t at_us = 0;  ///< event time from which on it holds
  episode now;
};

/// The open episodes of one sensor. An episode opens with its first verdict, at once; it is told again when another detector describes it
/// better, when it grows more severe or a tenth in score, and when its count has doubled, once a reading at most; it closes after `quiet_readings`
/// readings without a verdict.
class episode_book {
 public:
  static constexpr std::uint32_t quiet_readings = 12;

  /// What was said about the reading. REQUIRES: times rise.
  void take(std::int64_t time_us, double value, const verdict_list& said, std::vector<episode_change>& out) {
    if (!said.empty() || !open_.empty()) take_some(time_us, value, said, out);
  }
  /// One verdict that no reading counts for.
  void note(std::int64_t time_us, double value, const verdict& one, std::vector<episode_change>& out) {
    join(time_us, value, one, false, out);
  }
  /// Closes those of `by` now.
  void close(detector by, std::int64_t end_us, episode::ending why, std::vector<episode_change>& out);
  bool is_open(detector by) const;
  const episode* anomaly() const;  ///< the open one that is no matter of health, or null
  std::size_t open_count() const { return open_.size(); }
  std::vector<episode> open() const;
  std::vector<episode> told() const;  ///< what is open, with score and level as they were told last
  std::size_t memory_bytes() const { return open_.capacity() * sizeof(entry); }

  bool operator==(const episode_book&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit(self.open_, self.closed_until_us_);
  }

 private:
  struct entry {
    episode is;
    double told_score = 0;
    std::uint64_t told_count = 0;
    std::uint32_t quiet = 0;  ///< readings since the last verdict
    bool operator==(const entry&) const = default;
    template <class Self, class Visit>
    static void fields(Self& self, Visit& visit) {
      visit(self.is, self.told_score, self.told_count, self.quiet);
    }
  };
  void take_some(std::int64_t time_us, double value, const verdict_list& said, std::vector<episode_change>& out);
  void join(std::int64_t time_us, double value, const verdict& one, bool counts, std::vector<episode_change>& out);
  entry* entry_for(detector by);

  std::vector<entry> open_;
  std::int64_t closed_until_us_ = INT64_MIN;  ///< what opens later begins later: no two episodes begin together
};

}  // namespace factory
