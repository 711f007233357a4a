#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/model/reading.hpp"
#include "pipelines/model/result.hpp"
#include "storage/admin/access.hpp"
#include "storage/base/database.hpp"

namespace factory {

using token_id = std::uint32_t;

/// A bearer token without its secret, of which only the hash is kept.
struct access_token {
  token_id id = 0;
  std::string name;
  access_scopes scopes = 0;
  factory_id factory = 0;  ///< the only factory that it reaches; 0 = all
  std::int64_t created_at_us = 0;
  std::array<unsigned char, 32> hash{};
};

/// The tokens of a data directory, durable. Names are unique; ids rise from 1 and are never used again. Thread-safe.
///
///   * While tokens exist, one of them is an admin token without a factory: the first must be one, and the last such token goes last.
///   * A token is fm-ID-SECRET, with 256 random bits in hex. The store keeps its SHA-256. A secret of that size cannot be guessed, so a
///     deliberately slow hash (for passwords that people choose) would only slow down each request.
class token_store {
 public:
  explicit token_store(database& db);
  ~token_store();
  expected<void> load();

  struct created {
    access_token token;
    std::string secret;  ///< the text that the client sends; shown once
  };
  /// Assigns `id`, `created_at_us` and `hash`. invalid, conflict, or too_large beyond limits::tokens.
  expected<created> create(access_token wanted, std::int64_t now_us);
  expected<void> revoke(token_id id);        ///< not_found "Token not found"
  std::vector<access_token> tokens() const;  ///< by id

  bool any() const;
  /// Finds a token by its text; null when unknown. Takes no lock: one hash and one look-up in an immutable map, compared in constant time.
  std::shared_ptr<const access_token> find(std::string_view secret) const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace factory
