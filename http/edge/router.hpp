#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "http/edge/message.hpp"

namespace factory {

/// The value of a path pattern's variable.
struct path_argument {
  std::uint32_t id = 0;   ///< of {id}: 1 up
  std::string_view text;  ///< of {name}: one segment, not empty
};

using route_handler = std::function<http_response(const http_request&, const path_argument&)>;

/// One call of a gateway. `pattern` is the path; one segment may be {id} (a plain integer of 1 up to 2^32-1, anything else is no
/// such route: 404) or {name} (any text); a pattern may go on behind the variable, "/api/reports/{id}.html" too.
struct route {
  http_method method = http_method::get;
  std::string pattern;
  route_handler handler;
  std::size_t body_bytes = 0;                 ///< largest body; 0 = takes none
  std::vector<std::string> media_types = {};  ///< allowed Content-Type values, if the request has one; empty = not checked
};

std::string_view to_text(http_method method);  ///< "GET"

/// "application/json" of "Application/JSON; charset=utf-8".
std::string media_type(std::string_view content_type);

/// An exact table of calls. Answers what no route takes: 404 for an unknown path, 405 with Allow for a wrong method, 415 for a wrong
/// type, OPTIONS with 204 and Allow. HEAD is answered as GET; the gate leaves the body out. An exception of a
/// handler becomes 500 (503 when memory ran out) and is logged. Immutable, hence thread-safe.
class router {
 public:
  /// REQUIRES: no two routes of the same method and pattern.
  explicit router(std::vector<route> routes);

  static constexpr std::size_t no_route = SIZE_MAX;
  struct answered {
    http_response response;
    std::size_t route = no_route;  ///< the route whose handler answered
  };
  answered answer(const http_request& request) const;
  http_response operator()(const http_request& request) const { return answer(request).response; }

  /// The route that takes a request, or no_route.
  std::size_t route_of(http_method method, std::string_view path) const;
  /// Body limit for the gate, asked before a body is read. Unknown paths and methods get a small limit, so that 404 or 405 can be answered.
  std::size_t body_bytes(http_method method, std::string_view path) const;
  const std::vector<route>& routes() const { return routes_; }

 private:
  /// The routes of one pattern, split around its variable.
  struct resource {
    enum class variable : std::uint8_t { none, id, name } kind = variable::none;
    std::string prefix, suffix;
    std::vector<std::size_t> routes;  ///< indices, one a method
  };

  const resource* find(std::string_view path, path_argument& argument) const;
  std::size_t route_of(const resource& r, http_method method) const;
  std::string allowed_methods(const resource& r) const;
  void add(std::size_t index);

  std::vector<route> routes_;
  std::vector<resource> resources_;
  std::unordered_map<std::string_view, std::size_t> fixed_;  ///< pattern without variable -> resource; views into routes_
  std::vector<std::size_t> variable_;                        ///< resources with one, longest fixed text first
};

}  // namespace factory
