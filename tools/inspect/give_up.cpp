#include "inspect/commands.hpp"
#include "pipelines/model/time.hpp"

#include <fmt/ostream.h>

#include <algorithm>
#include <ostream>

namespace factory {

expected<void> give_up(const std::filesystem::path& data_dir, std::ostream& out) {
  const auto db = database::open(data_dir, {.create = false, .give_up_damaged_log = true});
  if (!db) return tl::unexpected(db.error());
  if ((*db)->given_up() == 0) {
    out << "The log is not damaged, nothing was given up.\n";
    return {};
  }
  fmt::print(out, "gave up {} writes of the log\n", (*db)->given_up());
  const journal entries(**db);
  std::int64_t newest_us = 0;
  auto replayed = entries.replay(std::max(entries.floor() + 1, entries.last_sequence()),
                                 [&](const journal_entry& entry) { newest_us = entry.received_at_us; });
  if (!replayed) return tl::unexpected(replayed.error());
  if (newest_us != 0)
    fmt::print(out, "the newest readings that are left arrived at {}; send again what came after\n", format_time(newest_us));
  return {};
}

}  // namespace factory
