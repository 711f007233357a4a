// Request targets and query strings: decoding, encoding and decoding again gives the same.
#include <cmath>
#include <string>

#include "fuzz/fuzz.hpp"
#include "http/edge/query.hpp"
#include "http/gate/gate_target.hpp"

namespace {

using namespace factory;
using parameters = std::vector<std::pair<std::string, std::string>>;

std::string escaped(std::string_view text) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out.append("%").append(1, digits[byte / 16]).append(1, digits[byte % 16]);
  }
  return out;
}

void read_as_every_type(const http_request& request) {
  for (const auto& [name, value] : request.query) {
    query_reader query(request);
    static_cast<void>(query.text(name));
    if (const auto number = query.integer(name, 1, 1000)) fuzz::require(*number >= 1 && *number <= 1000, "within its bounds");
    if (const auto id = query.id(name)) fuzz::require(*id >= 1, "ids are 1 up");
    if (const auto number = query.number(name, -10, 10)) fuzz::require(std::fabs(*number) <= 10, "within its bounds");
    static_cast<void>(query.boolean(name));
    static_cast<void>(query.time_us(name));
    static_cast<void>(query.duration_us(name));
    if (const auto word = query.word(name, {"asc", "desc"})) fuzz::require(*word < 2, "one of the words");
    if (const auto list = query.list(name)) fuzz::require(!list->empty(), "never an empty list");
  }
  static_cast<void>(check_query(request, {"from", "to", "limit"}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::exact text(fuzz::input(data, size).rest());
  if (text.view().find('\0') != std::string_view::npos) return 0;  // the gate refuses a head with one
  http_request request;
  if (!split_target(text.view(), request.path, request.query)) return 0;
  fuzz::require(request.path == "*" || request.path.starts_with("/"), "a path or the whole server");
  read_as_every_type(request);
  if (request.path == "*") return 0;

  std::string again = "/" + escaped(std::string_view(request.path).substr(1)) + "?";
  for (const auto& [name, value] : request.query) again.append(escaped(name)).append("=").append(escaped(value)).append("&");
  std::string path;
  parameters query;
  fuzz::require(split_target(again, path, query), "what was encoded can be decoded");
  fuzz::require(path == request.path && query == request.query, "decoding is exact");
  return 0;
}
