#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "actors/ports/query_port.hpp"
#include "http/text/json_writer.hpp"
#include "pipelines/alarm/alarm_groups.hpp"
#include "pipelines/model/finding.hpp"

namespace factory {

/// The groups that some alerts belong to.
class shown_groups {
 public:
  shown_groups() = default;
  /// Empty where too many alerts lie between to say: limits::events_looked_at, a few times. A `window_us` of 0 makes no groups.
  static expected<shown_groups> of(const query_port& behind, const std::vector<finding>& alerts, std::int64_t window_us);
  /// Null: it belongs to none, since its sensor is gone, or none is known.
  const alarm_group* find(const event_key& alert) const;
  /// "groups":[{"id","machine_id","began_at","first_out","alarms":[...]}], those of at least two alarms, the newest first.
  void write(json_writer& out) const;

 private:
  std::vector<std::shared_ptr<const alarm_group>> groups_;
  std::map<event_key, std::shared_ptr<const alarm_group>> of_alert_;  ///< by keys without kind and revision
};

}  // namespace factory
