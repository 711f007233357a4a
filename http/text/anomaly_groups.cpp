#include "http/text/anomaly_groups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "pipelines/model/time.hpp"

namespace factory {

std::vector<anomaly_group> group_findings(std::vector<placed_finding> all) {
  std::ranges::sort(all, {}, [](const placed_finding& it) { return std::tie(it.machine, it.begin_us, it.sensor, it.id); });
  std::vector<anomaly_group> groups;
  std::int64_t last_us = 0;
  for (auto& each : all) {
    const bool joins = !groups.empty() && groups.back().machine == each.machine && each.begin_us - last_us <= one_thing_us;
    if (!joins) groups.push_back({each.machine, each.begin_us, {}, {}});
    last_us = each.begin_us;
    auto& to = groups.back();
    if (each.sensor != 0) to.sensors.push_back(each.sensor);
    to.findings.push_back(std::move(each.id));
  }
  for (auto& each : groups) {
    std::ranges::sort(each.sensors);
    const auto again = std::ranges::unique(each.sensors);
    each.sensors.erase(again.begin(), again.end());
  }
  std::erase_if(groups, [](const anomaly_group& each) { return each.sensors.size() < 2; });
  std::ranges::stable_sort(groups, std::greater<>(), &anomaly_group::since_us);
  return groups;
}

std::string describe(const anomaly_group& group, std::string_view machine_name) {
  return fmt::format("{} sensors of {} since {}", group.sensors.size(), machine_name, format_time(group.since_us));
}

void write_groups(json_writer& out, const std::vector<anomaly_group>& groups,
                  const std::function<std::string(machine_id)>& name_of) {
  out.begin_array();
  for (const auto& each : groups) {
    out.begin_object().member("machine_id", each.machine).time_member("since", each.since_us).key("sensors").begin_array();
    for (const auto sensor : each.sensors) out.value(sensor);
    out.end_array().key("anomalies").begin_array();
    for (const auto& id : each.findings) out.value(id);
    out.end_array().member("summary", describe(each, name_of(each.machine))).end_object();
  }
  out.end_array();
}

}  // namespace factory
