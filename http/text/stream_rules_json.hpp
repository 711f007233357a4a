#pragma once

#include <simdjson.h>

#include <array>
#include <string>
#include <string_view>

#include "http/text/json_writer.hpp"
#include "pipelines/judge/stream_settings.hpp"
#include "pipelines/model/result.hpp"

namespace factory {

/// Where settings are made. A sensor alone has bounds of what it measures; it takes no part in how its machine is watched.
enum class settings_owner : std::uint8_t { sensor, machine, factory };

/// Makes those settings that the object `value` has; others stay. null takes a setting away: it is inherited again. `invalid`, naming the
/// member, for what cannot be.
expected<void> change_settings(stream_settings& settings, settings_owner whose, std::string_view name,
                               simdjson::dom::element value);
/// Likewise settings of a sensor's detectors, by their names.
expected<void> change_detectors(stream_settings& settings, settings_owner whose, const std::string& within,
                                simdjson::dom::element value);
/// All rules, as an object. Of the detectors, those whose settings are not the usual ones.
void write_json(json_writer& out, const stream_rules& rules);
/// Nothing but what is set.
void write_json(json_writer& out, const stream_settings& settings);

/// Rules with where each comes from.
struct rules_with_sources {
  struct source {
    std::string_view name;            ///< "factory" "machine" "sensor"
    const stream_settings* settings;  ///< null: it has none
  };
  stream_rules usual;             ///< of the daemon
  std::array<source, 3> sources;  ///< the last one that sets a member counts
  bool of_sensor = false;         ///< else of a machine or a factory, which also say how machines are watched
};
/// Members of the open object: each as {"value":...,"from":"daemon"}, detectors by name.
void write_members(json_writer& out, const rules_with_sources& rules);

}  // namespace factory
