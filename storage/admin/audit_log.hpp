#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "pipelines/model/result.hpp"
#include "storage/base/database.hpp"

namespace factory {

/// Somebody changed something, or tried to. Never holds a body or a secret.
struct audit_record {
  std::uint64_t sequence = 0;  ///< from 1 up
  std::int64_t at_us = 0;
  std::string who;     ///< the token's name; "local" without tokens
  std::string method;  ///< "POST"
  std::string path;
  std::string client;       ///< address of who did; "" in records of version 1
  std::uint64_t thing = 0;  ///< id of what was made; 0 when the path says it or nothing was made
  std::uint32_t status = 0;
};

/// Who did what, when, with which outcome: durable; the newest limits::audit_records are kept. Thread-safe.
class audit_log {
 public:
  explicit audit_log(database& db);
  ~audit_log();
  expected<void> load();
  expected<void> append(audit_record record);
  /// Newest first; of those before `before` only, unless it is 0.
  expected<std::vector<audit_record>> newest(std::uint64_t before, std::size_t limit) const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace factory
