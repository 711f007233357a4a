#include "http/api/api_call.hpp"

#include "http/edge/query.hpp"

namespace factory {

expected<void> require_sensor(const query_port& behind, sensor_id id) {
  if (behind.known_sensors()->contains(id)) return {};
  return fail(errc::not_found, "Sensor not found");
}

std::vector<sensor_entry> sensors_with(const query_port& behind, const label_set& labels, std::optional<machine_id> of) {
  if (labels.empty()) return behind.entities().sensors(of);
  selector which;
  which.machine = of.value_or(0);
  which.labels = labels;
  return behind.entities().select(which);
}

time_range read_range(query_reader& query) {
  time_range range;
  range.begin_us = query.time_us("from").value_or(range.begin_us);
  range.end_us = query.time_us("to").value_or(range.end_us);
  if (range.begin_us > range.end_us) query.fail_at("to", "no earlier than from");
  return range;
}

reading_form read_form(query_reader& query) {
  auto form = query.boolean("raw").value_or(false) ? reading_form::stored : reading_form::effective;
  form.without = query.left_out();
  return form;
}

}  // namespace factory
