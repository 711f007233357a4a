#pragma once

#include <spdlog/formatter.h>

#include <memory>
#include <string>

#include "http/edge/request_id.hpp"

namespace factory {

/// How a log line is written, with the id of the request that its thread answers:
///   text  2026-01-19T10:00:00.123Z warning The mirror is made anew. request_id=01h5xk2m8q7rt
///   json  {"time":"2026-01-19T10:00:00.123Z","level":"warning","message":"The mirror ...","request_id":"01h5xk2m8q7rt"}
/// A line of the access log also has client, method, path, status, bytes and ms.
std::unique_ptr<spdlog::formatter> log_formatter(const std::string& format);

/// Sends log lines to standard error from now on. REQUIRES: `format` is text or json, `level` one of spdlog's.
void start_logging(const std::string& format, const std::string& level);

/// One line of the access log, whatever the level is.
void log_access(const access_record& answered);

}  // namespace factory
