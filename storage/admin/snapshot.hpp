#pragma once

#include <cstdint>
#include <filesystem>

#include "storage/base/database.hpp"

namespace factory {

/// The folder of a data directory for its snapshots; database::bytes_on_disk does not count it.
inline constexpr const char* snapshots_folder = "snapshots";

struct snapshot_info {
  std::filesystem::path path;
  std::uint64_t bytes = 0;  ///< of its files; those that it shares with the data directory included
};

/// A data directory of its own with everything that was written before the call, and a prefix of what is written during it; reading
/// and writing go on meanwhile. On the same file system its tables are hard links, elsewhere copies. It grows in TARGET.partial and
/// gets its name last: what has the name is whole and on disk. conflict when the target exists, or when it is being made.
/// What an earlier call left unfinished under the same name is removed.
expected<snapshot_info> take_snapshot(const database& db, const std::filesystem::path& target);

/// First half of a restore: copies the snapshot into the folder that is returned, a data directory inside `data_dir`, to be checked
/// there. `data_dir` may be absent or empty, or hold what an unfinished restore left (conflict otherwise).
expected<std::filesystem::path> stage_restore(const std::filesystem::path& snapshot, const std::filesystem::path& data_dir);
/// Second half: makes `data_dir` the restored data directory. Until then nothing but another restore takes it.
expected<void> finish_restore(const std::filesystem::path& data_dir);
/// Removes what stage_restore made.
void abandon_restore(const std::filesystem::path& data_dir);

}  // namespace factory
