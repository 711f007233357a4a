#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace factory {

/// What a run of the rig suffers from, once.
enum class rig_fault_kind : std::uint8_t { inlet_valve, outlet_valve, leak, cavitation, imbalance, overheating };
inline constexpr std::size_t rig_fault_kinds = 6;
std::string_view to_text(rig_fault_kind kind);  ///< "inlet_valve" ...

struct rig_fault {
  rig_fault_kind kind{};
  std::size_t begin_row = 0, end_row = 0;  ///< [begin, end); what it warmed or moved goes back to normal later
  std::size_t ramp_rows = 1;               ///< until it is there in full
  double size = 0;                         ///< share of a valve that closes, of the flow that leaks; else times what is usual
};

struct rig_plan {
  std::uint64_t key = 0;
  std::size_t rows = 0;
  rig_fault fault;
};
/// Runs of 1,000 to 1,200 rows, one a second; the fault begins from row 520 on and takes 200 to 450 rows, or the rest of the run.
rig_plan plan_rig_run(std::uint64_t seed, std::size_t index);

/// A pump that circulates water through two valves, and its eight sensors, one row a second:
///
///   vibration of pump and pipe (g), current (A), pressure (bar), temperature of water and motor (°C), voltage (V), flow (l/min)
///
/// Flow and head are where the curve of the pump, H = h n^2 - a Q^2, meets that of the pipe, k Q^2; current follows Q H / U; the water takes
/// up what the pump puts in and loses it to the room, so it is still warming when the run begins. Mains, speed and room wander. A
/// row is a function of the plan alone.
class pump_rig {
 public:
  static constexpr std::size_t channels = 8;
  using row = std::array<double, channels>;

  explicit pump_rig(const rig_plan& plan);
  row next();

 private:
  double chance(std::uint64_t of) const;
  double noise(std::uint64_t of) const;
  void wander();
  double fault_share() const;

  rig_plan plan_;
  std::size_t row_ = 0;
  double speed_ = 0, mains_ = 0, mains_step_ = 0, room_ = 0, stirring_ = 0, settling_ = 0;  ///< off their usual
  double flow_ = 0, water_ = 0, motor_ = 0, air_ = 0;
};

}  // namespace factory
