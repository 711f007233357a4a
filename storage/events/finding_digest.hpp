#pragma once

#include <cstdint>
#include <memory>

#include "pipelines/model/finding.hpp"

namespace factory {

/// xxh3 over findings that hold, as they stand: what event_log::digest() says of a log, for findings that come from elsewhere. To be given in the
/// order of their keys.
class finding_digest {
 public:
  finding_digest();
  ~finding_digest();
  finding_digest(const finding_digest&) = delete;
  finding_digest& operator=(const finding_digest&) = delete;

  void add(const finding& next);
  std::uint64_t value() const;

 private:
  struct hash;
  std::unique_ptr<hash> hash_;
};

}  // namespace factory
