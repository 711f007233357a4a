#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

/// What finds: detectors, limits, rules. One line is one source: name, number on disk (never changed, never given again), group.
/// The text in answers and in ids is the name; it has no '-'. A new detector is a line here and its file in
/// pipelines/detect/; a detector of the registry there has 32 + its number. Of 44 to 49 `rule` of the key is the number of the rule that is broken.
#define FACTORY_EVENT_SOURCES(SOURCE)     \
  SOURCE(z_score, 1, detector)            \
  SOURCE(min_threshold, 2, limit)         \
  SOURCE(max_threshold, 3, limit)         \
  SOURCE(alert_rule, 4, limit)            \
  SOURCE(clock, 5, sensor)                \
  SOURCE(correction, 11, sensor)          \
  SOURCE(machine_correction, 12, machine) \
  SOURCE(spike, 33, detector)             \
  SOURCE(level_shift, 34, detector)       \
  SOURCE(drift, 35, detector)             \
  SOURCE(spread, 36, detector)            \
  SOURCE(pattern, 37, detector)           \
  SOURCE(out_of_range, 38, detector)      \
  SOURCE(stuck, 39, detector)             \
  SOURCE(silent, 40, detector)            \
  SOURCE(noise_lost, 41, detector)        \
  SOURCE(machine, 42, machine_detector)   \
  SOURCE(western_electric, 44, detector)  \
  SOURCE(nelson, 45, detector)            \
  SOURCE(pipeline, 60, pipeline)

namespace factory {

enum class event_source : std::uint8_t {
#define FACTORY_SOURCE(name, number, group) name = number,
  FACTORY_EVENT_SOURCES(FACTORY_SOURCE)
#undef FACTORY_SOURCE
};

enum class source_group : std::uint8_t {
  detector,          ///< finds anomalies of one sensor
  machine_detector,  ///< finds anomalies of a machine: `sensor` of the key is 0, `rule` is the machine
  limit,             ///< raises alerts
  sensor,            ///< says something about the sensor itself, such as its clock
  machine,           ///< likewise about a machine, with the key of its findings
  pipeline           ///< a condition on what is computed: `rule` of the key is pipeline_rule()
};

/// All sources, in the order of their numbers.
std::span<const event_source> event_sources();
std::string_view to_text(event_source source);
std::optional<event_source> parse_event_source(std::string_view text);
bool is_event_source(std::uint8_t stored);
source_group group_of(event_source source);
inline bool is_detector(event_source source) {
  return group_of(source) == source_group::detector || group_of(source) == source_group::machine_detector;
}
/// `sensor` of the key is 0, and `rule` is the machine.
inline bool is_of_machine(event_source source) {
  return group_of(source) == source_group::machine_detector || group_of(source) == source_group::machine;
}

}  // namespace factory
