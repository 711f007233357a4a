#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/detect/detector.hpp"
#include "pipelines/model/severity.hpp"

namespace factory {

constexpr std::uint32_t detector_bit(detector id) { return 1U << static_cast<unsigned>(id); }

/// What an anomaly of a sensor can be taken for, as rules name it: by a detector of the registry, or a set of rules of control charts that is
/// broken. Bits are stored: never given again.
struct anomaly_word {
  std::string_view name;
  std::uint32_t bit = 0;
};
inline constexpr std::uint32_t western_electric_bit = 1U << 24U, nelson_bit = 1U << 25U;
const std::vector<anomaly_word>& anomaly_words();

/// Which anomalies a rule is about. The defaults are all.
struct anomaly_filter {
  double score = 1;                   ///< at least; 1 is the boundary of the detectors
  severity level = severity::medium;  ///< at least
  std::uint32_t detectors = 0;        ///< bits of what they are taken for, anomaly_words(); 0: any
  bool operator==(const anomaly_filter&) const = default;
};

/// For tables that people read: `drift level_shift`; `any`.
std::string detectors_text(std::uint32_t bits);

}  // namespace factory
