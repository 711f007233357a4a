#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "actors/engine/engine.hpp"
#include "http/edge/message.hpp"
#include "storage/admin/access.hpp"

namespace factory {

/// Who asks: a token, or nobody in particular while no token exists.
struct caller {
  std::shared_ptr<const access_token> token;  ///< null: no token exists

  factory_id factory() const { return token ? token->factory : 0; }
  std::string_view name() const { return token ? std::string_view(token->name) : "local"; }
};

/// Why somebody is not let in, and the answer that says so: 503 before recovery is done, 401 for no or an unknown token, 403 for one
/// without the scope.
struct access_denial {
  enum class reason : std::uint8_t { starting, no_token, unknown_token, lacks_scope } why;
  access_scope needed = access_scope::none;
  http_response answer() const;
};

/// Whether a request may be done. As long as no token exists everything may, unless `always`. Thread-safe, without a lock.
tl::expected<caller, access_denial> check_access(const token_store& tokens, bool always, const http_request& request,
                                                 access_scope needed);
/// What was found out, for the gate and for who answers.
void admit(http_request& request, tl::expected<caller, access_denial> found);
http_response no_access(std::string_view why);

// What lies in a factory; with 0, everything does.
bool lies_in(const engine& behind, factory_id factory, const factory_entry& entry);
bool lies_in(const engine& behind, factory_id factory, const machine_entry& entry);
bool lies_in(const engine& behind, factory_id factory, const sensor_entry& entry);
bool lies_in(const engine& behind, factory_id factory, const alert_rule& entry);
/// The sensors that lie in it. Kept per thread until the catalog changes.
std::shared_ptr<const sensor_set> sensors_of(const engine& behind, factory_id factory);

}  // namespace factory
