#include "inspect/data_directory.hpp"

#include "actors/sensors/saved_state.hpp"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <stdexcept>

namespace factory {

namespace {

struct sensor_now {
  std::uint64_t applied_sequence = 0;
  sensor_cut cut;
  head rows;
};

void put_rows(head& into, const reading_run& rows) {
  for (std::size_t i = 0; i < rows.size(); ++i) into.put(rows.event_time_us[i], rows.value[i], rows.flags[i]);
}

}  // namespace

expected<sensor_state> decode_stored(sensor_id sensor, std::string_view stored) try {
  sensor_state state(sensor, {});
  std::string_view in = split_saved(stored).sensor;
  std::uint8_t watched = 0;
  late_span unjudged;
  if (get_byte(in, watched) && state.decode(in) && get_late_span(in, unjudged)) return state;
  return fail(errc::corrupt, fmt::format("The state of sensor {} cannot be decoded; restore the newest snapshot.", sensor));
} catch (const std::runtime_error&) {
  return fail(errc::corrupt, fmt::format("The state of sensor {} cannot be taken apart; restore the newest snapshot.", sensor));
}

expected<std::unique_ptr<data_directory>> data_directory::open(const std::filesystem::path& where, access how) {
  auto db = database::open(where, {.read_only = how == access::read, .create = false});
  if (!db) return tl::unexpected(db.error());
  auto opened = std::make_unique<data_directory>(std::move(*db));
  if (auto loaded = opened->entities.load(); !loaded) return tl::unexpected(loaded.error());
  return opened;
}

data_directory::data_directory(std::unique_ptr<database> opened)
    : db(std::move(opened)), entities(*db), entries(*db), events(*db), series(*db), states(*db) {}

std::string data_directory::name_of(sensor_id sensor) const {
  const auto entry = entities.find_sensor(sensor);
  if (!entry) return fmt::format("sensor {}", sensor);
  const auto machine = entities.find_machine(entry->machine);
  const auto plant = machine ? entities.find_factory(machine->factory) : expected<factory_entry>();
  if (!machine || !plant) return entry->name;
  return fmt::format("{}/{}/{}", plant->name, machine->name, entry->name);
}

expected<std::vector<sensor_cut>> data_directory::cuts() const {
  std::map<sensor_id, sensor_now> sensors;
  for (const auto& entry : entities.sensors()) sensors[entry.id].cut.sensor = entry.id;
  std::optional<error> damaged;
  auto visited = states.visit([&](sensor_id sensor, const state_store::stored& stored) {
    const auto known = sensors.find(sensor);
    if (known == sensors.end()) return;  // deleted, and not yet cleaned up
    const auto state = decode_stored(sensor, stored.state);
    if (!state) {
      damaged = state.error();
      return;
    }
    known->second.applied_sequence = stored.applied_sequence;
    known->second.cut = state->cut({});
    put_rows(known->second.rows, known->second.cut.head);
  });
  if (!visited) return tl::unexpected(visited.error());
  if (damaged) return tl::unexpected(*damaged);
  const auto add = [&](const journal_entry& entry) {
    if (!entry.readings) return;
    for (const slice& s : entry.readings->slices) {
      const auto known = sensors.find(s.sensor);
      if (known == sensors.end() || entry.sequence <= known->second.applied_sequence) continue;
      const auto times = entry.readings->times(s);
      const auto values = entry.readings->values(s);
      const auto flags = entry.readings->flags_of(s);
      for (std::size_t i = 0; i < s.size(); ++i)
        known->second.rows.put(times[i], values[i], flags.empty() ? std::uint8_t{flag_none} : flags[i]);
    }
  };
  auto replayed = entries.read_aside(add);
  if (replayed) replayed = entries.replay(entries.floor() + 1, add);
  if (!replayed) return tl::unexpected(replayed.error());
  std::vector<sensor_cut> found;
  for (auto& [sensor, now] : sensors) {
    now.cut.head = now.rows.take();
    found.push_back(std::move(now.cut));
  }
  return found;
}

}  // namespace factory
