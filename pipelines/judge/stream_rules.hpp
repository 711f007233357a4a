#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "pipelines/detect/detector.hpp"
#include "pipelines/judge/spc_rules.hpp"

namespace factory {

/// How a sensor's event time is read and how its readings are judged. They belong to the sensor and go through the journal, so that
/// recovery, and the same readings under other options of the daemon, find the same.
struct stream_rules {
  std::int64_t allowed_lateness_us = 60'000'000;  ///< also the shortest pause that can be silence
  std::int64_t future_skew_us = 300'000'000;
  std::int64_t time_window_us = 60'000'000;
  std::uint32_t z_min_readings = 30;
  double z_threshold = 4.0;
  detect_settings detect = {};
  spc_rules spc = {};
  bool operator==(const stream_rules&) const = default;
};

/// The rules of a sensor. Most sensors have the same: equal ones that one thread made are one object in memory, however many sensors name them.
class shared_stream_rules {
 public:
  shared_stream_rules() = default;  ///< none; REQUIRES that others take their place before they are read
  shared_stream_rules(
      const stream_rules& rules);  // NOLINT(google-explicit-constructor): rules are given wherever they are wanted
  const stream_rules& operator*() const { return *rules_; }
  const stream_rules* operator->() const { return rules_.get(); }
  bool operator==(const shared_stream_rules& other) const { return rules_ == other.rules_ || *rules_ == *other.rules_; }

 private:
  std::shared_ptr<const stream_rules> rules_;
};

/// Appended; settings that are as usual take no room. get_* read from the front of `in` and advance it; false, and both anywhere, when damaged.
void put_stream_rules(std::string& out, const stream_rules& rules);
bool get_stream_rules(std::string_view& in, stream_rules& rules);
bool get_stream_rules(std::string_view& in, std::optional<shared_stream_rules>& rules);

}  // namespace factory
