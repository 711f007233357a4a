#include "simulate/faults.hpp"

#include "simulate/chance.hpp"

#include <array>

namespace factory {
namespace {

constexpr std::array<std::string_view, 5> kind_texts = {"spike", "drift", "stuck", "level_shift", "drop_out"};

// The random decisions for one slot; each has its own counter.
enum question : std::uint64_t { occurs, which_kind, how_long, how_large, which_way, when };

std::int64_t down_to(std::int64_t time_us, std::int64_t step_us) { return time_us - time_us % step_us; }

}  // namespace

std::string_view to_text(fault_kind kind) { return kind_texts.at(static_cast<std::size_t>(kind)); }

std::optional<fault> fault_of_slot(const fault_policy& policy, std::uint64_t sensor_key, std::int64_t slot, std::int64_t step_us,
                                   double scale) {
  const std::uint64_t key = mix(sensor_key, static_cast<std::uint64_t>(slot));
  if (uniform(key, occurs) >= policy.probability) return std::nullopt;

  fault found;
  found.kind = static_cast<fault_kind>(static_cast<int>(uniform(key, which_kind) * kind_texts.size()));
  const bool spike = found.kind == fault_kind::spike;
  const double share = 0.02 + 0.23 * uniform(key, how_long);
  const auto length = spike ? step_us * (1 + static_cast<std::int64_t>(uniform(key, how_long) * 3))
                            : down_to(static_cast<std::int64_t>(share * static_cast<double>(policy.slot_us)), step_us);
  const std::int64_t slack = policy.slot_us - length - step_us;
  if (length < step_us || slack < 0) return std::nullopt;  // the slot is too short for this sensor's pace

  const std::int64_t first_step = down_to(slot * policy.slot_us + step_us - 1, step_us);
  found.begin_us = first_step + down_to(static_cast<std::int64_t>(uniform(key, when) * static_cast<double>(slack)), step_us);
  found.end_us = found.begin_us + length;
  if (found.kind != fault_kind::stuck && found.kind != fault_kind::drop_out) {
    const double size = (spike ? 1.2 : 0.7) + uniform(key, how_large) * (spike ? 1.3 : 0.9);
    found.size = uniform(key, which_way) < 0.75 ? size * scale : -size * scale;
  }
  return found;
}

std::vector<fault> plan_faults(const fault_policy& policy, std::uint64_t sensor_key, std::int64_t begin_us, std::int64_t end_us,
                               std::int64_t step_us, double scale) {
  std::vector<fault> found;
  for (std::int64_t slot = begin_us / policy.slot_us; slot * policy.slot_us < end_us; ++slot) {
    const auto one = fault_of_slot(policy, sensor_key, slot, step_us, scale);
    if (one && one->begin_us >= begin_us && one->begin_us < end_us) found.push_back(*one);
  }
  return found;
}

}  // namespace factory
