#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "actors/engine.hpp"
#include "http/message.hpp"
#include "pipelines/access.hpp"

namespace factory {

/// Who asks: a token, or nobody in particular while no token exists.
struct caller {
  std::shared_ptr<const access_token> token;  ///< null: no token exists

  factory_id factory() const { return token ? token->factory : 0; }
  std::string_view name() const { return token ? std::string_view(token->name) : "local"; }
};

/// Whether a request may be done. As long as no token exists everything may, unless `always`. 401 for no or an unknown token, 403 for
/// one without the scope. Thread-safe, without a lock.
tl::expected<caller, http_response> check_access(const token_store& tokens, bool always, const http_request& request,
                                                 access_scope needed);
http_response no_access(std::string_view why);

// What lies in a factory; with 0, everything does.
bool lies_in(const engine& behind, factory_id factory, const factory_entry& entry);
bool lies_in(const engine& behind, factory_id factory, const machine_entry& entry);
bool lies_in(const engine& behind, factory_id factory, const sensor_entry& entry);
bool lies_in(const engine& behind, factory_id factory, const alert_rule& entry);
/// The sensors that lie in it. Kept per thread until the catalog changes.
std::shared_ptr<const sensor_set> sensors_of(const engine& behind, factory_id factory);

}  // namespace factory
