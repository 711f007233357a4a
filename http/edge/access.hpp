#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "actors/ports/query_port.hpp"
#include "http/edge/message.hpp"
#include "storage/admin/access.hpp"
#include "storage/admin/token_store.hpp"

namespace factory {

/// The caller of a request: a token, or an anonymous caller while no token exists.
struct caller {
  std::shared_ptr<const access_token> token;  ///< null: no token exists

  factory_id factory() const { return token ? token->factory : 0; }
  std::string_view name() const { return token ? std::string_view(token->name) : "local"; }
};

/// The reason for refusing a caller, as an answer: 503 before recovery is done, 401 for no or an unknown token, 403 for a token
/// without the scope.
struct access_denial {
  enum class reason : std::uint8_t { starting, no_token, unknown_token, lacks_scope } why;
  access_scope needed = access_scope::none;
  http_response answer() const;
};

/// Decides whether a caller may do a request. While no token exists everything is allowed, unless `always`. Thread-safe, without a lock.
tl::expected<caller, access_denial> check_access(const token_store& tokens, bool always, const http_request& request,
                                                 access_scope needed);
/// The decision about a request, for the gate and for the handler.
void admit(http_request& request, tl::expected<caller, access_denial> found);
http_response no_access(std::string_view why);

// Tests whether entities belong to a factory; with factory 0 all do.
bool lies_in(const query_port& behind, factory_id factory, const factory_entry& entry);
bool lies_in(const query_port& behind, factory_id factory, const machine_entry& entry);
bool lies_in(const query_port& behind, factory_id factory, const sensor_entry& entry);
bool lies_in(const query_port& behind, factory_id factory, const alert_rule& entry);
/// Whatever it finds, now and later.
bool lies_in(const query_port& behind, factory_id factory, const selector& which);
inline bool lies_in(const query_port&, factory_id factory, const channel_entry&) {
  return factory == 0;
}  // channels are of no factory
/// The factory's sensors. Cached per thread until the catalog changes.
std::shared_ptr<const sensor_set> sensors_of(const query_port& behind, factory_id factory);

}  // namespace factory
