#include "simulate/pump_rig.hpp"

#include <algorithm>
#include <cmath>

#include "simulate/chance.hpp"

namespace factory {
namespace {

constexpr std::array<std::string_view, rig_fault_kinds> rig_kind_texts = {"inlet_valve", "outlet_valve", "leak",
                                                                          "cavitation",  "imbalance",    "overheating"};
// What a number of chance is for, in a run and in a row.
enum rig_question : std::uint64_t {
  of_rows = 1,
  of_kind,
  of_begin,
  of_length,
  of_ramp,
  of_size,
  of_pump,
  of_valves,
  of_water,
  of_motor,
  of_room,
  of_vibration
};
enum rig_sensor : std::uint64_t {
  at_pump_vibration,
  at_pipe_vibration,
  at_current,
  at_pressure,
  at_water,
  at_motor,
  at_voltage,
  at_flow
};
enum rig_wandering : std::uint64_t { of_speed = 20, of_mains, of_mains_jumps, of_room_air, of_stirring, of_settling, of_bubbles };

constexpr double pump_head = 1.0, pump_loss = 0.0004, pipe_loss = 0.0006;  ///< bar; bar a (l/min)^2
constexpr double room_temperature = 62;
constexpr double heating = 0.008, cooling = 0.0006;  ///< of the water, a second: degrees, share

std::size_t whole_between(double share, double least, double most) {
  return static_cast<std::size_t>(least + share * (most - least));
}

/// Follows a level within `memory` rows, with the deviation `size`.
void wander_on(double& value, double memory, double size, double noise) {
  const double keep = std::exp(-1 / memory);
  value = keep * value + std::sqrt(1 - keep * keep) * size * noise;
}

double to_steps(double value, double step) { return std::round(value / step) * step; }

/// Small faults are as usual as large ones.
double rig_size_of(rig_fault_kind kind, double share) {
  switch (kind) {
    case rig_fault_kind::inlet_valve: return 0.1 + 0.6 * share;
    case rig_fault_kind::outlet_valve: return 0.08 + 0.6 * share;
    case rig_fault_kind::leak: return 0.02 + 0.25 * share;
    case rig_fault_kind::cavitation: return 0.03 + 0.7 * share;
    case rig_fault_kind::imbalance: return 0.02 + 0.6 * share;
    case rig_fault_kind::overheating: return 0.8 + 5 * share;
  }
  return 0;
}

}  // namespace

std::string_view to_text(rig_fault_kind kind) { return rig_kind_texts.at(static_cast<std::size_t>(kind)); }

rig_plan plan_rig_run(std::uint64_t seed, std::size_t index) {
  rig_plan plan;
  plan.key = mix(mix(seed, 0x7269'6721), index);
  plan.rows = whole_between(uniform(plan.key, of_rows), 1'000, 1'200);
  auto& fault = plan.fault;
  fault.kind = static_cast<rig_fault_kind>(index % rig_fault_kinds);
  fault.begin_row = whole_between(uniform(plan.key, of_begin), 520, 620);
  fault.end_row = std::min(plan.rows, fault.begin_row + whole_between(uniform(plan.key, of_length), 200, 450));
  fault.ramp_rows = whole_between(uniform(plan.key, of_ramp), 1, 60);
  fault.size = rig_size_of(fault.kind, uniform(plan.key, of_size));
  return plan;
}

pump_rig::pump_rig(const rig_plan& plan) : plan_(plan) {
  flow_ = std::sqrt(pump_head / (pump_loss + pipe_loss));
  water_ = room_temperature + heating / cooling + 5 * (chance(of_water) - 0.7);
  motor_ = 28.5 + 1.5 * (chance(of_motor) - 0.7);
}

double pump_rig::chance(std::uint64_t of) const { return uniform(plan_.key, of); }
double pump_rig::noise(std::uint64_t of) const { return gaussian(mix(plan_.key, 1'000 + of), row_); }

void pump_rig::wander() {
  wander_on(speed_, 200, 0.002, noise(of_speed));
  wander_on(mains_, 40, 1.0, noise(of_mains));
  wander_on(room_, 400, 0.15, noise(of_room_air));
  wander_on(stirring_, 15, 1, noise(of_stirring));
  wander_on(settling_, 150, 1, noise(of_settling));
  if (uniform(mix(plan_.key, of_mains_jumps), row_) < 1.0 / 400)
    mains_step_ = 2 * (uniform(mix(plan_.key, of_mains_jumps + 50), row_) - 0.5);
}

/// 0 to 1: a valve turns back at once, as it was turned.
double pump_rig::fault_share() const {
  const auto& is = plan_.fault;
  if (row_ < is.begin_row) return 0;
  const auto ramp = static_cast<double>(is.ramp_rows);
  const double in = std::min(1.0, static_cast<double>(row_ - is.begin_row + 1) / ramp);
  if (row_ < is.end_row) return in;
  return std::max(0.0, 1 - static_cast<double>(row_ - is.end_row + 1) / std::min(ramp, 10.0));
}

pump_rig::row pump_rig::next() {
  wander();
  const double size = plan_.fault.size * fault_share();
  const auto under = [&](rig_fault_kind kind) { return plan_.fault.kind == kind ? size : 0; };
  const double inlet = 1 - under(rig_fault_kind::inlet_valve), outlet = 1 - under(rig_fault_kind::outlet_valve);
  const double lost = under(rig_fault_kind::leak), shaking = under(rig_fault_kind::imbalance);
  wander_on(air_, 8, 1, noise(of_bubbles));
  const double bubbly = under(rig_fault_kind::cavitation) * (1 + 0.5 * air_);

  const double n = (1 + speed_) * (0.97 + 0.06 * chance(of_pump));
  const double inlet_loss = pipe_loss * 0.3 / (inlet * inlet), outlet_loss = pipe_loss * 0.4 / (outlet * outlet);
  const double pipe = (inlet_loss + outlet_loss + 0.3 * pipe_loss) / (1 + lost);
  const double full = n * std::sqrt(pump_head * (1 - 0.3 * std::max(bubbly, 0.0)) / (pump_loss + pipe));
  flow_ += 0.3 * (full - flow_);
  const double lift = pump_head * n * n - pump_loss * flow_ * flow_;
  const double volts = 230 + 4 * (chance(of_room) - 0.5) + mains_ + mains_step_;
  const double amps = (0.9 + 0.045 * flow_ * lift / 31.6 * 10) * (1 + 0.04 * shaking) * std::pow(230 / volts, 0.8) +
                      0.02 * stirring_ + 0.01 * settling_;
  const double warmth = plan_.fault.kind == rig_fault_kind::overheating ? size : 0;
  water_ += heating * amps / 1.5 + cooling * (warmth - (water_ - room_temperature - room_));
  motor_ += 0.002 * (22 + 4.2 * amps + 0.02 * (water_ - 70) + room_ + 0.4 * warmth - motor_);

  const double base = 0.024 * (0.85 + 0.3 * chance(of_vibration)) * n * n;
  const double moved =
      base * (1 + shaking + 0.8 * std::max(bubbly, 0.0) + 0.15 * (flow_ / full - 1) + 0.01 * (stirring_ + settling_));
  const double passed = 1.5 * base *
                        (1 + 0.5 * shaking + 0.5 * std::max(bubbly, 0.0) + 0.1 * (1 - inlet) + 0.1 * (1 - outlet) +
                         0.012 * (stirring_ + settling_));
  row out{};
  out[at_pump_vibration] = moved * (1 + 0.02 * noise(at_pump_vibration));
  out[at_pipe_vibration] = passed * (1 + 0.025 * noise(at_pipe_vibration));
  out[at_current] = amps + 0.06 * noise(at_current);
  out[at_pressure] = to_steps(lift - inlet_loss * flow_ * flow_ * 0.5 + 0.18 * noise(at_pressure), 0.3274);
  out[at_water] = water_ + 0.06 * noise(at_water);
  out[at_motor] = motor_ + 0.02 * noise(at_motor);
  out[at_voltage] = volts + 1.6 * noise(at_voltage);
  out[at_flow] = to_steps(flow_ * (1 - 0.5 * lost) + 0.25 * noise(at_flow) * (1 + std::max(bubbly, 0.0)), 0.5);
  ++row_;
  return out;
}

}  // namespace factory
