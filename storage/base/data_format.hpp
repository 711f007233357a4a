#pragma once

#include <filesystem>
#include <string_view>
#include <system_error>

#include "storage/base/database.hpp"

/// For this room only: the lock of a data directory and its file FORMAT.
namespace factory {

/// An error that names the directory.
tl::unexpected<error> refuse(errc code, const std::filesystem::path& directory, std::string_view what_and_what_to_do);

/// Also creates missing parents. After a power cut a name exists only if the directory that holds it was synced.
std::error_code make_directory(const std::filesystem::path& directory);

/// Creates the directory if allowed; an error when the directory cannot be used as requested.
expected<void> prepare_directory(const std::filesystem::path& directory, const database::options& how);

/// The descriptor that holds the lock, for as long as it is open; conflict when another process has it.
expected<int> lock_directory(const std::filesystem::path& directory);

/// True when the directory was made before; false when it is to be made now.
expected<bool> check_format(const std::filesystem::path& directory, const database::options& how);

/// With fsync. REQUIRES: everything else in the directory is safely on disk.
expected<void> write_format(const std::filesystem::path& directory, int directory_fd);

}  // namespace factory
