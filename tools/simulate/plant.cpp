#include "simulate/plant.hpp"

#include "simulate/chance.hpp"

#include <array>
#include <cmath>
#include <string_view>

namespace factory {
namespace {

using enum cycle_form;

/// Which alert rule a sensor gets beside its limits. Heat and vibration are watched early, and can only be too high.
enum class rule_plan : std::uint8_t { none, high_early, far_out };

struct sensor_template {
  std::string_view name, unit;
  signal_shape shape;
  rule_plan rule = rule_plan::none;
};
struct machine_template {
  std::string_view name, type;
  std::array<sensor_template, 5> sensors;
};

// Columns of a shape: idle, load_gain, ramp_s; daily_swing; cycle_swing, cycle_s, cycle_form; trend_gain; noise,
// noise_memory_s; steps_per_unit; floor. Temperatures follow the load slowly, currents and speeds at once.
constexpr std::array<machine_template, 6> machine_templates = {{
    {"Press",
     "press",
     {{{"hydraulic_pressure", "bar", {60, 140, 600, 0, 12, 90, sine, 0, 1.5, 30, 10, 0}, rule_plan::far_out},
       {"oil_temperature", "°C", {35, 20, 2700, 3, 0.8, 1200, sine, 3, 0.15, 300, 10, -40}, rule_plan::high_early},
       {"vibration", "mm/s", {0.8, 2.0, 600, 0, 0.25, 90, sine, 0.6, 0.12, 20, 100, 0}, rule_plan::high_early},
       {"motor_current", "A", {8, 34, 600, 0, 5, 90, saw, 0, 0.6, 20, 10, 0}},
       {"stroke_rate", "1/min", {2, 22, 1800, 0, 0, 60, sine, 0, 0.4, 60, 10, 0}}}}},
    {"CNC Mill",
     "cnc_mill",
     {{{"spindle_speed", "1/min", {800, 7200, 600, 0, 400, 300, sine, 0, 25, 20, 1, 0}, rule_plan::far_out},
       {"spindle_current", "A", {2, 14, 600, 0, 2, 300, saw, 0, 0.4, 20, 10, 0}},
       {"spindle_temperature", "°C", {28, 24, 2700, 2, 1.5, 300, sine, 2, 0.2, 200, 10, -40}, rule_plan::high_early},
       {"vibration", "mm/s", {0.4, 1.4, 600, 0, 0.2, 300, sine, 0.5, 0.08, 15, 100, 0}, rule_plan::high_early},
       {"coolant_flow", "l/min", {4, 14, 1200, 0, 0.5, 300, sine, -1, 0.3, 60, 10, 0}, rule_plan::far_out}}}},
    {"Furnace",
     "furnace",
     {{{"chamber_temperature", "°C", {640, 210, 3600, 0, 8, 1200, saw, 0, 0.8, 120, 10, -40}, rule_plan::far_out},
       {"exhaust_temperature", "°C", {180, 120, 3600, 4, 6, 1200, saw, 4, 1.2, 120, 10, -40}, rule_plan::high_early},
       {"gas_flow", "m³/h", {20, 65, 1800, 0, 8, 1200, saw, 3, 0.9, 40, 10, 0}},
       {"chamber_pressure", "Pa", {8, 14, 1800, 0, 2, 1200, sine, 0, 0.5, 20, 10, -50}, rule_plan::far_out},
       {"fan_current", "A", {4, 7, 600, 0, 0.3, 1200, sine, 0.4, 0.12, 40, 100, 0}}}}},
    {"Compressor",
     "compressor",
     {{{"discharge_pressure", "bar", {6.2, 1.2, 600, 0, 0.35, 240, saw, 0, 0.02, 30, 100, 0}, rule_plan::far_out},
       {"discharge_temperature", "°C", {55, 30, 2700, 4, 2, 240, sine, 3, 0.3, 200, 10, -40}, rule_plan::high_early},
       {"motor_current", "A", {20, 65, 600, 0, 8, 240, saw, 0, 0.9, 20, 10, 0}},
       {"vibration", "mm/s", {1.1, 1.7, 600, 0, 0.2, 240, sine, 0.7, 0.1, 20, 100, 0}, rule_plan::high_early},
       {"air_flow", "m³/min", {2, 10, 600, 0, 1.2, 240, saw, 0, 0.15, 30, 100, 0}}}}},
    {"Conveyor",
     "conveyor",
     {{{"belt_speed", "m/s", {0.2, 0.8, 1200, 0, 0.03, 60, sine, 0, 0.01, 20, 1000, 0}, rule_plan::far_out},
       {"motor_current", "A", {1.5, 6, 600, 0, 0.6, 180, sine, 0.3, 0.15, 30, 100, 0}},
       {"motor_temperature", "°C", {30, 25, 2700, 3, 0.5, 900, sine, 1.5, 0.2, 300, 10, -40}, rule_plan::high_early},
       {"bearing_vibration", "mm/s", {0.5, 1.0, 600, 0, 0.1, 60, sine, 0.6, 0.06, 15, 100, 0}, rule_plan::high_early},
       {"gearbox_temperature", "°C", {28, 18, 3600, 3, 0.4, 900, sine, 2, 0.15, 300, 10, -40}}}}},
    {"Robot",
     "robot",
     {{{"joint_temperature", "°C", {32, 18, 2700, 2, 1, 600, sine, 1.5, 0.15, 300, 10, -40}, rule_plan::high_early},
       {"joint_current", "A", {1, 7, 600, 0, 1.5, 120, saw, 0.3, 0.2, 15, 100, 0}},
       {"air_pressure", "bar", {5.8, 0.3, 600, 0, 0.1, 120, sine, 0, 0.02, 30, 100, 0}, rule_plan::far_out},
       {"vibration", "mm/s", {0.3, 0.9, 600, 0, 0.12, 120, sine, 0.3, 0.05, 15, 100, 0}, rule_plan::high_early},
       {"cycle_rate", "1/min", {1, 11, 1800, 0, 0.2, 600, sine, 0, 0.2, 60, 100, 0}}}}},
}};

constexpr std::array<std::array<std::string_view, 2>, 4> sites = {
    {{"North Plant", "Hamburg"}, {"South Plant", "Graz"}, {"East Plant", "Brno"}, {"West Plant", "Lyon"}}};

/// Machines of one type differ by a few percent.
signal_shape individual(signal_shape shape, std::uint64_t key) {
  shape.idle *= 0.97 + 0.06 * uniform(key, 100);
  shape.load_gain *= 0.97 + 0.06 * uniform(key, 101);
  shape.cycle_s *= 0.9 + 0.2 * uniform(key, 102);
  return shape;
}

/// A limit that a person would type: a multiple of five of the sensor's own steps.
double round_up(double value, double steps_per_unit) { return std::ceil(value * steps_per_unit / 5) * 5 / steps_per_unit; }
double round_down(double value, double steps_per_unit) { return -round_up(-value, steps_per_unit); }

planned_sensor plan_sensor(const sensor_template& from, std::uint64_t key) {
  planned_sensor sensor{std::string(from.name), std::string(from.unit), individual(from.shape, key), {}, {}, key};
  const auto& shape = sensor.shape;
  const double lowest = shape.lowest(), highest = shape.highest();
  const double margin = 8 * shape.noise + 0.05 * (highest - lowest);  // noise alone does not get that far
  const double max = round_up(highest + margin, shape.steps_per_unit);
  const double min = round_down(lowest - margin, shape.steps_per_unit);
  sensor.thresholds.max = max;
  if (min > shape.floor && from.rule != rule_plan::high_early) sensor.thresholds.min = min;

  alert_rule rule;
  if (from.rule == rule_plan::high_early) {
    rule.name = sensor.name + " high";
    rule.condition = rule_condition::greater_than;
    rule.high = round_down((highest + 7 * shape.noise + max) / 2, shape.steps_per_unit);
    rule.level = severity::rule_warning;
    sensor.rules.push_back(rule);
  } else if (from.rule == rule_plan::far_out) {
    rule.name = sensor.name + " far out of range";
    rule.condition = rule_condition::out_of_range;
    rule.low = round_down(lowest - 3 * margin, shape.steps_per_unit);
    rule.high = round_up(highest + 3 * margin, shape.steps_per_unit);
    rule.level = severity::rule_critical;
    sensor.rules.push_back(rule);
  }
  return sensor;
}

planned_machine plan_machine(std::size_t index, std::uint64_t key) {
  const auto& from = machine_templates[index % machine_templates.size()];
  planned_machine machine{
      std::string(from.name) + " " + std::to_string(index / machine_templates.size() + 1), std::string(from.type), {}};
  for (std::size_t i = 0; i < from.sensors.size(); ++i) machine.sensors.push_back(plan_sensor(from.sensors[i], mix(key, i)));
  return machine;
}

}  // namespace

std::vector<planned_factory> plan_plant(std::uint64_t seed, std::size_t factory_count, std::size_t machines_per_factory) {
  std::vector<planned_factory> plant;
  for (std::size_t f = 0; f < factory_count; ++f) {
    const auto& [site, location] = sites[f % sites.size()];
    planned_factory one{std::string(site), std::string(location), {}};
    if (f >= sites.size()) one.name += " " + std::to_string(f / sites.size() + 1);  // names are unique
    for (std::size_t m = 0; m < machines_per_factory; ++m) one.machines.push_back(plan_machine(m, mix(mix(seed, f), m)));
    plant.push_back(std::move(one));
  }
  return plant;
}

}  // namespace factory
