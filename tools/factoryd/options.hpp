#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "actors/engine/engine.hpp"
#include "http/api/gateways.hpp"

namespace factory {

/// How factoryd is to run. Each option may come from a flag, from its FACTORY_ variable, or from the configuration file (TOML or
/// INI); the flag wins over the variable, the variable over the file.
struct daemon_options {
  enum class side { both, api, anomaly };
  side only = side::both;
  gateway_config api, anomaly;
  std::string anomaly_url;    ///< the anomaly service that the API asks; empty = this process
  std::string anomaly_token;  ///< token for that service
  bool open = false;          ///< serve other machines without requiring a token
  engine_config engine;
  std::string log_level = "info", log_format = "text";
  bool access_log = false;
  std::vector<std::string> unknown_variables;  ///< FACTORY_ variables that are no option: most likely a typing error
};

/// What to print, and the exit code to end with: help, --print-config, or what is wrong with the options.
struct early_end {
  int code = 0;
  std::string text;
};

/// `arguments` without the program's name. Reads the environment and the configuration file.
std::variant<daemon_options, early_end> read_options(std::vector<std::string> arguments);

}  // namespace factory
