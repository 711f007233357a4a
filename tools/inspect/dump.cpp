#include "inspect/commands.hpp"
#include "pipelines/model/time.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <ostream>

namespace factory {

expected<void> dump(const data_directory& data, const dump_options& what, std::ostream& out) {
  const auto cuts = data.cuts();
  if (!cuts) return tl::unexpected(cuts.error());
  for (const sensor_id wanted : what.sensors)
    if (const auto known = data.entities.find_sensor(wanted); !known)
      return fail(errc::not_found, fmt::format("There is no sensor {} in this data directory.", wanted));
  out << "sensor_id,timestamp,value,flags\n";
  std::string lines;
  for (const sensor_cut& cut : *cuts) {
    if (!what.sensors.empty() && std::find(what.sensors.begin(), what.sensors.end(), cut.sensor) == what.sensors.end()) continue;
    auto scanned = data.series.scan(cut, what.range, [&](const reading_run& rows) {
      lines.clear();
      for (std::size_t i = 0; i < rows.size(); ++i)
        fmt::format_to(std::back_inserter(lines), "{},{},{},{}\n", cut.sensor, format_time(rows.event_time_us[i]), rows.value[i],
                       rows.flags[i]);
      out << lines;
      return out.good();
    });
    if (!scanned) return scanned;
    if (!out.good()) return fail(errc::storage_failed, "The output cannot be written.");
  }
  return {};
}

}  // namespace factory
