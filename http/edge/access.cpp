#include "http/edge/access.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "http/edge/problem.hpp"
#include "http/gate/gate_head.hpp"

namespace factory {

namespace {

constexpr std::string_view realm = "Bearer realm=\"factory-monitor\"";

/// The token of `Authorization: Bearer …`, "" when there is none.
std::string_view bearer_of(const http_request& request) {
  constexpr std::string_view scheme = "Bearer ";
  std::string_view given = request.header ? request.header("Authorization") : std::string_view();
  if (given.size() <= scheme.size() || !same_text(given.substr(0, scheme.size()), scheme)) return {};
  given.remove_prefix(scheme.size());
  while (given.starts_with(' ')) given.remove_prefix(1);
  return given;
}

http_response unknown_caller(bool gave_one) {
  http_response answer = gave_one ? problem(401, "This token is unknown or was revoked")
                                  : problem(401, "This call needs a token: send Authorization: Bearer TOKEN");
  answer.headers.emplace_back("WWW-Authenticate", std::string(realm) + (gave_one ? ", error=\"invalid_token\"" : ""));
  return answer;
}

http_response lacking(access_scope needed) {
  const std::string scope(to_text(needed));
  http_response answer = problem(403, "This token lacks the scope " + scope);
  answer.headers.emplace_back("WWW-Authenticate", std::string(realm) + ", error=\"insufficient_scope\", scope=\"" + scope + "\"");
  return answer;
}

}  // namespace

http_response access_denial::answer() const {
  switch (why) {
    case reason::starting: return problem(error{errc::unavailable, "Starting: stored readings are being recovered"});
    case reason::no_token: return unknown_caller(false);
    case reason::unknown_token: return unknown_caller(true);
    case reason::lacks_scope: break;
  }
  return lacking(needed);
}

tl::expected<caller, access_denial> check_access(const token_store& tokens, bool always, const http_request& request,
                                                 access_scope needed) {
  using reason = access_denial::reason;
  if (needed == access_scope::none || (!always && !tokens.any())) return caller{};
  const std::string_view secret = bearer_of(request);
  caller who{tokens.find(secret)};
  if (!who.token) return tl::unexpected(access_denial{secret.empty() ? reason::no_token : reason::unknown_token});
  if (!allows(who.token->scopes, needed)) return tl::unexpected(access_denial{reason::lacks_scope, needed});
  return who;
}

void admit(http_request& request, tl::expected<caller, access_denial> found) {
  if (found) {
    request.entry.checked = true;
    request.entry.token = std::move(found->token);
  } else {
    request.entry.refusal = [denial = found.error()] { return denial.answer(); };
  }
}

http_response no_access(std::string_view why) { return problem(403, why); }

bool lies_in(const query_port&, factory_id factory, const factory_entry& entry) { return factory == 0 || entry.id == factory; }
bool lies_in(const query_port&, factory_id factory, const machine_entry& entry) {
  return factory == 0 || entry.factory == factory;
}
bool lies_in(const query_port& behind, factory_id factory, const sensor_entry& entry) {
  if (factory == 0) return true;
  const auto machine = behind.entities().find_machine(entry.machine);
  return machine && machine->factory == factory;
}
bool lies_in(const query_port& behind, factory_id factory, const alert_rule& entry) {
  if (factory == 0) return true;
  if (!entry.as_template) return sensors_of(behind, factory)->contains(entry.sensor);
  return lies_in(behind, factory, entry.as_template->sensors);
}
bool lies_in(const query_port& behind, factory_id factory, const selector& which) {
  if (factory == 0) return true;
  if (which.factory != 0) return which.factory == factory;
  if (which.machine != 0) {
    const auto machine = behind.entities().find_machine(which.machine);
    return machine && machine->factory == factory;
  }
  const auto sensors = sensors_of(behind, factory);
  return !which.sensors.empty() &&
         std::all_of(which.sensors.begin(), which.sensors.end(), [&](sensor_id sensor) { return sensors->contains(sensor); });
}

std::shared_ptr<const sensor_set> sensors_of(const query_port& behind, factory_id factory) {
  if (factory == 0) return behind.known_sensors();
  struct memory {
    std::string store;
    std::uint64_t version = 0;
    factory_id factory = 0;
    std::shared_ptr<const sensor_set> sensors;
  };
  thread_local memory last;
  const catalog& entities = behind.entities();
  const std::uint64_t version = entities.version();
  if (last.sensors && last.factory == factory && last.version == version && last.store == entities.store_id())
    return last.sensors;
  auto found = std::make_shared<sensor_set>();
  for (const machine_entry& machine : entities.machines(factory)) {
    for (const sensor_entry& sensor : entities.sensors(machine.id)) found->insert(sensor.id);
  }
  last = {entities.store_id(), version, factory, found};
  return found;
}

}  // namespace factory
