#pragma once

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "factoryd/options.hpp"
#include "pipelines/model/result.hpp"

namespace factory {

/// `factoryd token create|list|revoke`: works on a data directory that no daemon has open. `arguments` come after "token".
/// A token's secret is the only thing that create prints.
early_end run_token_command(std::vector<std::string> arguments);

/// Whether any token exists in the directory; false when there is no such directory yet.
expected<bool> has_tokens(const std::filesystem::path& data_dir);

}  // namespace factory
