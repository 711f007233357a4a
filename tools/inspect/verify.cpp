#include "inspect/commands.hpp"

#include <fmt/ostream.h>

#include <ostream>

namespace factory {

expected<std::uint64_t> verify(const data_directory& data, std::ostream& out) {
  std::uint64_t faults = 0;
  const auto fault = [&](const std::string& where, const std::string& what) {
    ++faults;
    fmt::print(out, "{}: {}\n", where, what);
  };
  const std::uint64_t blocks = data.series.verify([&](sensor_id sensor, std::uint32_t number, const error& e) {
    fault(fmt::format("block {} of {}", number, data.name_of(sensor)), e.message);
  });
  std::uint64_t entries = 0;
  if (auto replayed = data.entries.replay(data.entries.floor() + 1, [&](const journal_entry&) { ++entries; }); !replayed)
    fault("journal", replayed.error().message);
  if (auto aside = data.entries.read_aside([&](const journal_entry&) { ++entries; }); !aside)
    fault("journal", aside.error().message);
  std::uint64_t states = 0;
  auto visited = data.states.visit([&](sensor_id sensor, const state_store::stored& stored) {
    ++states;
    if (const auto state = decode_stored(sensor, stored.state); !state) fault(data.name_of(sensor), state.error().message);
    if (stored.applied_sequence > data.entries.last_sequence())
      fault(fmt::format("state of {}", data.name_of(sensor)), "it has seen entries that the journal never had");
  });
  if (!visited) fault("states", visited.error().message);
  std::uint64_t events = 0;
  event_query page{.descending = false, .limit = 10'000};
  for (;;) {
    const auto found = data.events.query(page);
    if (!found) fault("events", found.error().message);
    if (!found || found->empty()) break;
    events += found->size();
    page.after_sequence = found->back().sequence;
  }
  fmt::print(out, "{} blocks, {} journal entries, {} states, {} events read: {}\n", blocks, entries, states, events,
             faults == 0 ? "all good" : fmt::format("{} faults, restore the newest snapshot", faults));
  return faults;
}

}  // namespace factory
