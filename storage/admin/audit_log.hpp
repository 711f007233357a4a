#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "pipelines/model/result.hpp"
#include "storage/base/database.hpp"

namespace factory {

/// One change, or a refused attempt. Never contains a body or a secret.
struct audit_record {
  std::uint64_t sequence = 0;  ///< from 1 up
  std::int64_t at_us = 0;
  std::string who;     ///< the token's name; "local" without tokens
  std::string method;  ///< "POST"
  std::string path;
  std::string client;       ///< the client's address; "" in records of version 1
  std::uint64_t thing = 0;  ///< id of the created entity; 0 when the path has it or nothing was created
  std::uint32_t status = 0;
};

/// The durable record of changes: caller, time, call, outcome. Keeps the newest limits::audit_records. Thread-safe.
class audit_log {
 public:
  explicit audit_log(database& db);
  ~audit_log();
  expected<void> load();
  expected<void> append(audit_record record);
  /// Newest first. Unless `before` is 0, only records older than `before`.
  expected<std::vector<audit_record>> newest(std::uint64_t before, std::size_t limit) const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace factory
