#include "pipelines/detect/detector.hpp"

namespace factory {
namespace {

constexpr std::array<detector_entry, detector_count> entries = {{
    {detector::spike, "spike", 1, finding_kind::anomaly, "one reading, or a few, far from what is expected"},
    {detector::level_shift, "level_shift", 1, finding_kind::anomaly, "another level, at once"},
    {detector::drift, "drift", 2, finding_kind::anomaly, "another level than at this time of other days"},
    {detector::spread, "spread", 1, finding_kind::anomaly, "more scatter than usual"},
    {detector::pattern, "pattern", 2, finding_kind::anomaly, "a course that was not seen before"},
    {detector::out_of_range, "out_of_range", 1, finding_kind::health, "beyond what the sensor can physically measure"},
    {detector::stuck, "stuck", 1, finding_kind::health, "repeats one value longer than it ever did"},
    {detector::silent, "silent", 1, finding_kind::health, "sends nothing though its readings are due"},
    {detector::noise_lost, "noise_lost", 1, finding_kind::health, "its usual scatter is gone"},
    {detector::machine, "machine", 2, finding_kind::anomaly, "the sensors of a machine do not go together as usual"},
}};

}  // namespace

std::string_view to_text(finding_kind kind) { return kind == finding_kind::health ? "health" : "anomaly"; }

const std::array<detector_entry, detector_count>& detectors() { return entries; }

const detector_entry& entry_of(detector id) { return entries[static_cast<std::size_t>(id) - 1]; }

std::optional<detector> parse_detector(std::string_view name) {
  for (const auto& each : entries)
    if (each.name == name) return each.id;
  return std::nullopt;
}

severity severity_of_score(double score) {
  if (score >= 2.5) return severity::critical;
  return score >= 1.5 ? severity::high : severity::medium;
}

}  // namespace factory
