#include "inspect/commands.hpp"

#include <fmt/ostream.h>

#include <ostream>

namespace factory {

expected<void> compact(data_directory& data, std::ostream& out) {
  const auto cuts = data.cuts();
  if (!cuts) return tl::unexpected(cuts.error());
  const auto before = data.series.count();
  const std::uint64_t disk_before = data.db->bytes_on_disk();
  for (const sensor_cut& cut : *cuts) {
    const auto rewritten = data.series.rewrite(cut.sensor, cut.next_block, {}, time_series::rewriting::all);
    if (!rewritten) return tl::unexpected(rewritten.error());
  }
  if (auto done = data.series.compact(); !done) return done;
  const auto after = data.series.count();
  fmt::print(out, "blocks  {} -> {}\nbytes   {} -> {}\non disk {} -> {}\n", before.blocks, after.blocks, before.bytes,
             after.bytes, disk_before, data.db->bytes_on_disk());
  return {};
}

}  // namespace factory
