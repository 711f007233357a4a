#include "http/api/api_call.hpp"
#include "http/edge/access.hpp"
#include "http/text/stream_rules_json.hpp"

namespace factory {

namespace {

/// What is told of a thing's settings: the thing, and those above it.
struct settings_chain {
  std::optional<factory_entry> above;
  std::optional<machine_entry> machine;
  std::optional<sensor_entry> sensor;
};

void add_factory(settings_chain& chain, const query_port& behind, const machine_entry& machine) {
  if (auto found = behind.entities().find_factory(machine.factory)) chain.above = std::move(*found);
}

expected<http_response> tell(const query_port& behind, const http_request& request, std::string_view name, std::uint32_t id,
                             const settings_chain& chain) {
  const auto factory = chain.above ? chain.above->id : factory_id{0};
  if (request.factory != 0 && factory != request.factory)
    return fail_with({errc::not_found, chain.machine ? "Machine not found" : "Factory not found", {}, {}});
  rules_with_sources rules;
  rules.of_sensor = chain.sensor.has_value();
  rules.usual = chain.sensor && chain.sensor->usual ? **chain.sensor->usual : behind.entities().usual().rules;
  rules.usual.detect.of(detector::machine).on = behind.entities().usual().machine_detector;
  rules.sources = {{{"factory", chain.above ? &chain.above->settings : nullptr},
                    {"machine", chain.machine ? &chain.machine->settings : nullptr},
                    {"sensor", chain.sensor ? &chain.sensor->settings : nullptr}}};
  json_writer out;
  out.begin_object().member(name, id);
  if (chain.sensor) out.member("machine_id", chain.sensor->machine);
  if (chain.machine) out.member("factory_id", chain.machine->factory);
  write_members(out, rules);
  out.end_object();
  return json_response(out);
}

expected<http_response> get_of_sensor(query_port& behind, const http_request& request, const path_argument& path) {
  settings_chain chain;
  auto sensor = behind.entities().find_sensor(path.id);
  if (!sensor) return fail_with(sensor.error());
  chain.sensor = std::move(*sensor);
  if (auto machine = behind.entities().find_machine(chain.sensor->machine)) chain.machine = std::move(*machine);
  if (chain.machine) add_factory(chain, behind, *chain.machine);
  return tell(behind, request, "sensor_id", path.id, chain);
}

expected<http_response> get_of_machine(query_port& behind, const http_request& request, const path_argument& path) {
  settings_chain chain;
  auto machine = behind.entities().find_machine(path.id);
  if (!machine) return fail_with(machine.error());
  chain.machine = std::move(*machine);
  add_factory(chain, behind, *chain.machine);
  return tell(behind, request, "machine_id", path.id, chain);
}

expected<http_response> get_of_factory(query_port& behind, const http_request& request, const path_argument& path) {
  settings_chain chain;
  auto found = behind.entities().find_factory(path.id);
  if (!found) return fail_with(found.error());
  chain.above = std::move(*found);
  return tell(behind, request, "factory_id", path.id, chain);
}

}  // namespace

void add_detection_calls(api_table& table) {
  table.push_back({http_method::get,
                   "/api/sensors/{id}/detection",
                   "How the sensor's readings are judged, and where each setting comes from",
                   get_of_sensor,
                   {},
                   {},
                   "detection_sources"});
  table.push_back({http_method::get,
                   "/api/machines/{id}/detection",
                   "How the readings of the machine's sensors are judged, and where each setting comes from",
                   get_of_machine,
                   {},
                   {},
                   "detection_sources"});
  table.back().limited = factory_limit::handled;
  table.push_back({http_method::get,
                   "/api/factories/{id}/detection",
                   "How the readings of the factory's sensors are judged, and where each setting comes from",
                   get_of_factory,
                   {},
                   {},
                   "detection_sources"});
  table.back().limited = factory_limit::handled;
}

}  // namespace factory
