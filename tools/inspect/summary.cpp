#include "inspect/commands.hpp"
#include "pipelines/model/time.hpp"

#include <fmt/ostream.h>

#include <ostream>

namespace factory {

namespace {

double mebibytes(std::uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

std::string per_reading(std::uint64_t bytes, std::uint64_t readings) {
  return readings == 0 ? "-" : fmt::format("{:.2f}", static_cast<double>(bytes) / static_cast<double>(readings));
}

}  // namespace

expected<void> print_summary(const data_directory& data, std::ostream& out) {
  std::uint64_t journal_entries = 0, journal_readings = 0;
  auto replayed = data.entries.replay(data.entries.floor() + 1, [&](const journal_entry& entry) {
    ++journal_entries;
    if (entry.readings) journal_readings += entry.readings->size();
  });
  if (!replayed) return replayed;
  std::uint64_t aside_readings = 0;
  replayed = data.entries.read_aside([&](const journal_entry& entry) {
    if (entry.readings) aside_readings += entry.readings->size();
  });
  if (!replayed) return replayed;
  const auto cuts = data.cuts();
  if (!cuts) return tl::unexpected(cuts.error());
  const auto events = data.events.count();
  const auto blocks = data.series.count();

  fmt::print(out, "data directory  {}, {:.1f} MiB\n", data.db->directory().string(), mebibytes(data.db->bytes_on_disk()));
  fmt::print(out, "catalog         {} factories, {} machines, {} sensors, {} rules\n", data.entities.factories().size(),
             data.entities.machines().size(), data.entities.sensors().size(), data.entities.rules().size());
  fmt::print(out, "blocks          {} blocks of {} sensors, {} readings, {:.1f} MiB, {} bytes a reading\n", blocks.blocks,
             blocks.sensors, blocks.readings, mebibytes(blocks.bytes), per_reading(blocks.bytes, blocks.readings));
  fmt::print(out, "journal         {} entries with {} readings above the floor {}, {:.1f} MiB; newest {}\n", journal_entries,
             journal_readings, data.entries.floor(), mebibytes(data.entries.bytes_above_floor()), data.entries.last_sequence());
  if (data.entries.aside_bytes() != 0)
    fmt::print(out, "set aside       {} readings of sensors that stayed down, {:.1f} MiB\n", aside_readings,
               mebibytes(data.entries.aside_bytes()));
  fmt::print(out, "events          {} anomalies, {} alerts, {} of them active; newest {}\n\n", events.anomalies, events.alerts,
             events.active_alerts, data.events.last_sequence());

  fmt::print(out, "{:>8}  {:<40} {:>8} {:>12} {:>7} {:>10}  {:<27} {}\n", "sensor", "name", "blocks", "readings", "bytes/r",
             "not sealed", "first", "last");
  for (const sensor_cut& cut : *cuts) {
    const auto stored = data.series.count(cut.sensor);
    const auto all = data.series.summarize(cut, {});
    if (!all) return tl::unexpected(all.error());
    fmt::print(out, "{:>8}  {:<40} {:>8} {:>12} {:>7} {:>10}  {:<27} {}\n", cut.sensor, data.name_of(cut.sensor), stored.blocks,
               all->count, per_reading(stored.bytes, stored.readings), cut.head.size(),
               all->count == 0 ? "-" : format_time(all->first_us), all->count == 0 ? "-" : format_time(all->last_us));
  }
  return {};
}

}  // namespace factory
