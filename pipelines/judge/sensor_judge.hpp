#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/detect/detector_set.hpp"
#include "pipelines/judge/event_judge.hpp"
#include "pipelines/judge/spc_watch.hpp"
#include "pipelines/judge/stream_rules.hpp"
#include "pipelines/judge/z_score_watch.hpp"
#include "pipelines/model/reading.hpp"
#include "pipelines/model/shared_value.hpp"
#include "pipelines/model/time_range.hpp"

namespace factory {

/// A detector of the registry has 32 + its number (event_source.hpp).
event_source source_of(detector by);

/// The rules of control charts by Western Electric and by Nelson.
event_source source_of(rule_set set);
/// Of the open or closed episode of a broken rule.
event_key key_of_violation(sensor_id sensor, const spc_watch::change& what, event_kind kind);

/// What judges a sensor's readings as they arrive: the streaming z-score, the detectors and control charts, as one judge (revisable.hpp). An episode is a finding:
/// anomaly_opened, anomaly_updated (key.revision counts them), anomaly_closed, all with the time of its begin in their key and with the detector
/// that opened it as their source.
class sensor_judge : public event_judge {
 public:
  /// Beside readings: other rules, or, without them, time has come to `until_us` without a reading.
  struct command {
    std::optional<shared_stream_rules> rules;
    std::int64_t until_us = 0;
  };
  static constexpr std::size_t looks_back = z_score_watch::looks_back;

  sensor_judge(sensor_id sensor, const stream_rules& rules);

  void observe(const recent_rows& rows, std::size_t begin, std::size_t end, std::int64_t received_at_us, std::vector<event>& out);
  /// A reading came that counts for nothing else than that (detector_set::hear).
  void hear(std::int64_t time_us, std::int64_t received_at_us, std::vector<event>& out);
  void apply(const command& what, std::int64_t received_at_us, std::vector<event>& out);
  /// Asks the processor for what observe() reads. Inlined always: see reading_batch.
  [[gnu::always_inline]] void fetch_ahead() const { known_.fetch_ahead(); }
  /// When the sensor counts as silent if no reading comes; INT64_MAX while it cannot.
  std::int64_t quiet_until_us() const;
  /// Readings in these ranges, rising and apart, are neither judged nor learned, whenever they come (hear()); instead of those before.
  void rest(std::vector<time_range> ranges);
  std::vector<time_range> rests() const { return rests_.read(); }
  const detector_set& detectors() const { return known_.read().detectors; }
  const spc_watch& control_chart() const { return control_chart_.read(); }
  const stream_rules& rules() const { return *rules_.read(); }
  bool follows(const stream_rules& rules) const;

  void encode(std::string& out) const;
  bool decode(std::string_view& in);
  static void put_command(std::string& out, const command& what);
  static bool get_command(std::string_view& in, command& what);

 private:
  /// What each reading changes.
  struct knowledge {
    z_score_watch z_score;
    detector_set detectors;
    void encode(std::string& out) const {
      z_score.encode(out);
      detectors.encode(out);
    }
  };
  void tell(const episode_change& change, std::int64_t received_at_us, std::vector<event>& out) const;
  void tell(const std::vector<spc_watch::change>& changes, std::int64_t received_at_us, std::vector<event>& out) const;
  void hold_against_limits(const recent_rows& rows, std::size_t begin, std::size_t end, std::int64_t received_at_us,
                           std::vector<event>& out);

  void follow(const stream_rules& rules);
  bool decode_knowledge(std::string_view& in);
  bool decode_rests(std::string_view& in);
  void observe_awake(const recent_rows& rows, std::size_t begin, std::size_t end, std::int64_t received_at_us,
                     std::vector<event>& out);

  // A sensor keeps several copies of its judge: what they share is a pointer in each.
  sensor_id sensor_;
  shared_value<shared_stream_rules> rules_;      ///< never fresh
  shared_value<knowledge> known_;                ///< fresh: nothing was judged yet
  shared_value<std::vector<time_range>> rests_;  ///< fresh: none
  shared_value<spc_watch> control_chart_;        ///< fresh while nobody has switched it on
};

}  // namespace factory
