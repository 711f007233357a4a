#pragma once

#include <cstdint>
#include <string>

#include "bench/load.hpp"

namespace factory::bench {

/// Changes of factoryd's catalog on one connection: creates a sensor, gives it limits and a reading, and deletes it.
class catalog_work : public work {
 public:
  explicit catalog_work(std::uint16_t port);
  std::optional<std::string_view> next(std::size_t connection) override;
  std::uint64_t check(std::size_t connection, const answer& got) override;

 private:
  enum class step { create, limit, write, remove };
  std::uint64_t machine_, sensor_ = 0, made_ = 0;
  step now_ = step::create;
  std::string request_;
};

}  // namespace factory::bench
