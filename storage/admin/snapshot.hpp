#pragma once

#include <cstdint>
#include <filesystem>

#include "storage/base/database.hpp"

namespace factory {

/// The folder of a data directory for its snapshots; database::bytes_on_disk does not count it.
inline constexpr const char* snapshots_folder = "snapshots";

struct snapshot_info {
  std::filesystem::path path;
  std::uint64_t bytes = 0;  ///< size of its files, shared ones included
};

/// Makes a data directory with everything written before the call and a prefix of the writes during it. Reading and writing go on
/// meanwhile. On the same file system its tables are hard links, elsewhere copies. It grows in TARGET.partial and gets its name last, so a
/// directory with that name is complete and on disk. conflict when the target exists or is being made. Removes the remains of an
/// interrupted call with the same name.
expected<snapshot_info> take_snapshot(const database& db, const std::filesystem::path& target);

/// First half of a restore: copies the snapshot into the returned folder, a data directory inside `data_dir`, for the caller to check.
/// `data_dir` may be absent, empty, or hold the remains of an unfinished restore (conflict otherwise).
expected<std::filesystem::path> stage_restore(const std::filesystem::path& snapshot, const std::filesystem::path& data_dir);
/// Second half: turns `data_dir` into the restored data directory. Before that, only another restore accepts it.
expected<void> finish_restore(const std::filesystem::path& data_dir);
/// Removes what stage_restore() created.
void abandon_restore(const std::filesystem::path& data_dir);

}  // namespace factory
