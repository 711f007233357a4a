#pragma once

#include <filesystem>
#include <string_view>
#include <system_error>

#include "storage/base/database.hpp"

/// For this room only: a data directory around its database: its lock and its file FORMAT.
namespace factory {

/// An error that names the directory.
tl::unexpected<error> refuse(errc code, const std::filesystem::path& directory, std::string_view what_and_what_to_do);

/// With those above it that are missing. A name is there after a power cut only when the directory that holds it was synced.
std::error_code make_directory(const std::filesystem::path& directory);

/// Makes the directory when it may be made; an error when it cannot be used as asked.
expected<void> prepare_directory(const std::filesystem::path& directory, const database::options& how);

/// The descriptor that holds the lock, for as long as it is open; conflict when another process has it.
expected<int> lock_directory(const std::filesystem::path& directory);

/// True when the directory was made before; false when it is to be made now.
expected<bool> check_format(const std::filesystem::path& directory, const database::options& how);

/// With fsync. REQUIRES: all else in the directory is safe on disk.
expected<void> write_format(const std::filesystem::path& directory, int directory_fd);

}  // namespace factory
