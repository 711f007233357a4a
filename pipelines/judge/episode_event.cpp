#include "pipelines/judge/episode_event.hpp"

#include <utility>

namespace factory {

namespace {

event_kind kind_of(episode_change::kind what) {
  switch (what) {
    case episode_change::kind::opened: return event_kind::anomaly_opened;
    case episode_change::kind::updated: return event_kind::anomaly_updated;
    case episode_change::kind::closed: return event_kind::anomaly_closed;
  }
  return {};
}

}  // namespace

event event_of(const episode_change& change, const event_key& of, std::int64_t received_at_us) {
  const auto& by = entry_of(change.now.by);
  return event_of(change, of, by.name, by.version, received_at_us);
}

event event_of(const episode_change& change, const event_key& of, std::string_view name, std::uint32_t version,
               std::int64_t received_at_us) {
  const episode& is = change.now;
  event e;
  e.key = {of.sensor, is.begin_us, of.source, of.rule, kind_of(change.what)};
  if (change.what == episode_change::kind::updated) e.key.revision = is.updates - 1;
  e.at_us = change.at_us;
  e.recorded_at_us = received_at_us;
  e.value = is.peak.value;
  e.level = is.level;
  episode_detail detail;
  detail.what = name;
  detail.detector_version = version;
  detail.begin_us = is.begin_us;
  detail.end_us = is.end_us;
  detail.peak_us = is.peak.time_us;
  detail.expected = is.peak.expected;
  detail.low = is.peak.low;
  detail.high = is.peak.high;
  detail.score = is.score;
  detail.count = is.count;
  e.detail = std::move(detail);
  return e;
}

}  // namespace factory
