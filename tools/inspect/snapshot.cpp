#include "storage/admin/snapshot.hpp"

#include "inspect/commands.hpp"

#include <fmt/ostream.h>

#include <ostream>

namespace factory {

expected<void> snapshot(const data_directory& data, const std::filesystem::path& to, std::ostream& out) {
  const auto taken = take_snapshot(*data.db, to);
  if (!taken) return tl::unexpected(taken.error());
  fmt::print(out, "snapshot {}, {} bytes\n", taken->path.string(), taken->bytes);
  return {};
}

namespace {

expected<void> check(const std::filesystem::path& staged, std::ostream& out) {
  const auto data = data_directory::open(staged, data_directory::access::read);
  if (!data) return tl::unexpected(data.error());
  const auto faults = verify(**data, out);
  if (!faults) return tl::unexpected(faults.error());
  if (*faults != 0) return fail(errc::corrupt, "The snapshot is damaged; nothing was restored. Take another snapshot.");
  return {};
}

}  // namespace

expected<void> restore(const std::filesystem::path& from, const std::filesystem::path& data_dir, std::ostream& out) {
  const auto staged = stage_restore(from, data_dir);
  auto checked = staged ? check(*staged, out) : tl::unexpected(staged.error());
  if (!checked) {
    if (staged) abandon_restore(data_dir);
    return checked;
  }
  if (auto done = finish_restore(data_dir); !done) return done;
  fmt::print(out, "restored {} into {}\n", from.string(), data_dir.string());
  return {};
}

}  // namespace factory
