#include "http/edge/router.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <exception>
#include <new>
#include <stdexcept>

#include "http/edge/limits.hpp"
#include "http/edge/problem.hpp"

namespace factory {

namespace {

bool parse_id(std::string_view text, std::uint32_t& id) {
  if (text.empty() || text.front() < '1' || text.front() > '9') return false;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), id);
  return failed == std::errc{} && end == text.data() + text.size();
}

bool takes(const route& r, std::string_view content_type) {
  if (r.media_types.empty() || content_type.empty()) return true;
  return std::ranges::count(r.media_types, media_type(content_type)) > 0;
}

http_response wrong_type(const route& r) {
  std::string list;
  for (const std::string& type : r.media_types) list += (list.empty() ? "" : ", ") + type;
  http_response answer = problem(415, "The Content-Type must be " + list);
  answer.headers.emplace_back("Accept", list);
  return answer;
}

/// "OPTIONS *" asks of the server as a whole (RFC 9110, 9.3.7).
http_response every_method() { return {204, "", "", {{"Allow", "GET, HEAD, POST, PATCH, DELETE, OPTIONS"}}}; }

http_response run(const route& r, const http_request& request, const path_argument& argument) {
  try {
    return r.handler(request, argument);
  } catch (const std::bad_alloc&) {
    spdlog::error("{} {}: out of memory", to_text(request.method), request.path);
    return problem(503, "Out of memory for this request; ask for less or try again");
  } catch (const std::exception& e) {
    spdlog::error("{} {}: {}", to_text(request.method), request.path, e.what());
    return problem(500, "Internal error; the log of the server says more");
  }
}

}  // namespace

std::string_view to_text(http_method method) {
  switch (method) {
    case http_method::get: return "GET";
    case http_method::head: return "HEAD";
    case http_method::post: return "POST";
    case http_method::patch: return "PATCH";
    case http_method::put: return "PUT";
    case http_method::delete_: return "DELETE";
    case http_method::options: return "OPTIONS";
    case http_method::other: break;
  }
  return "OTHER";
}

std::string media_type(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  while (!content_type.empty() && content_type.back() == ' ') content_type.remove_suffix(1);
  while (!content_type.empty() && content_type.front() == ' ') content_type.remove_prefix(1);
  std::string type(content_type);
  for (char& c : type) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return type;
}

router::router(std::vector<route> routes) : routes_(std::move(routes)) {
  for (std::size_t i = 0; i < routes_.size(); ++i) add(i);
  const auto fixed_bytes = [&](std::size_t r) { return resources_[r].prefix.size() + resources_[r].suffix.size(); };
  std::ranges::stable_sort(variable_, std::ranges::greater{}, fixed_bytes);
}

void router::add(std::size_t index) {
  const std::string& pattern = routes_[index].pattern;
  for (resource& known : resources_) {
    if (routes_[known.routes.front()].pattern != pattern) continue;
    if (route_of(known, routes_[index].method) != no_route) throw std::logic_error("route twice: " + pattern);
    known.routes.push_back(index);
    return;
  }
  resource added;
  added.routes.push_back(index);
  const std::size_t open = pattern.find('{'), close = pattern.find('}');
  if (open == std::string::npos) {
    added.prefix = pattern;
    fixed_.emplace(pattern, resources_.size());
  } else {
    added.kind = pattern.compare(open, close + 1 - open, "{id}") == 0 ? resource::variable::id : resource::variable::name;
    added.prefix = pattern.substr(0, open);
    added.suffix = pattern.substr(close + 1);
    variable_.push_back(resources_.size());
  }
  resources_.push_back(std::move(added));
}

const router::resource* router::find(std::string_view path, path_argument& argument) const {
  if (const auto fixed = fixed_.find(path); fixed != fixed_.end()) return &resources_[fixed->second];
  for (const std::size_t candidate : variable_) {
    const resource& r = resources_[candidate];
    if (path.size() <= r.prefix.size() + r.suffix.size()) continue;
    if (!path.starts_with(r.prefix) || !path.ends_with(r.suffix)) continue;
    argument.text = path.substr(r.prefix.size(), path.size() - r.prefix.size() - r.suffix.size());
    if (argument.text.find('/') != std::string_view::npos) continue;
    if (r.kind == resource::variable::name || parse_id(argument.text, argument.id)) return &r;
  }
  return nullptr;
}

std::size_t router::route_of(const resource& r, http_method method) const {
  if (method == http_method::head) method = http_method::get;
  for (const std::size_t index : r.routes) {
    if (routes_[index].method == method) return index;
  }
  return no_route;
}

std::string router::allowed_methods(const resource& r) const {
  std::string list;
  for (const std::size_t index : r.routes) {
    const http_method method = routes_[index].method;
    list += std::string(to_text(method)) + ", ";
    if (method == http_method::get) list += "HEAD, ";
  }
  return list + "OPTIONS";
}

router::answered router::answer(const http_request& request) const {
  path_argument argument;
  const resource* found = find(request.path, argument);
  if (request.path == "*" && request.method == http_method::options) return {every_method()};
  if (found == nullptr) return {problem(404, "No such route: " + request.path.substr(0, 200))};

  const std::size_t index = route_of(*found, request.method);
  if (index == no_route) {
    const bool asks = request.method == http_method::options;
    http_response refused = asks ? http_response{204, "", ""} : problem(405, "This route does not take that method; see Allow");
    refused.headers.emplace_back("Allow", allowed_methods(*found));
    return {std::move(refused)};
  }
  if (!takes(routes_[index], request.content_type)) return {wrong_type(routes_[index]), index};
  return {run(routes_[index], request, argument), index};
}

std::size_t router::route_of(http_method method, std::string_view path) const {
  path_argument argument;
  const resource* found = find(path, argument);
  return found == nullptr ? no_route : route_of(*found, method);
}

std::size_t router::body_bytes(http_method method, std::string_view path) const {
  const std::size_t index = route_of(method, path);
  return index == no_route ? limits::small_body_bytes : routes_[index].body_bytes;
}

}  // namespace factory
