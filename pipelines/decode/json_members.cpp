#include "pipelines/decode/json_members.hpp"

#include <algorithm>
#include <limits>
#include <vector>

namespace factory {

namespace {

tl::unexpected<error> must_be(std::string_view name, std::string_view what) {
  return fail(errc::invalid, std::string(name) + " must be " + std::string(what), std::string(name));
}

expected<void> each_of(simdjson::dom::object members, std::string_view within,
                       const std::function<expected<bool>(std::string_view, const std::string&, simdjson::dom::element)>& take) {
  std::vector<std::string_view> seen;
  for (const auto [name, value] : members) {
    std::string path(within);
    path.append(within.empty() ? "" : ".").append(name);
    if (std::ranges::count(seen, name) > 0) return fail(errc::invalid, path + " is there twice", path);
    seen.push_back(name);
    const expected<bool> taken = take(name, path, value);
    if (!taken) return tl::unexpected(taken.error());
    if (!*taken) return fail(errc::invalid, "Unknown member " + path, path);
  }
  return {};
}

}  // namespace

expected<void> for_each_member(simdjson::dom::element object,
                               const std::function<expected<bool>(std::string_view, simdjson::dom::element)>& take) {
  simdjson::dom::object members;
  if (object.get(members)) return fail(errc::invalid, "Each entry must be a JSON object");
  return each_of(members, {},
                 [&](std::string_view name, const std::string&, simdjson::dom::element value) { return take(name, value); });
}

expected<void> for_each_member(
    std::string_view within, simdjson::dom::element object,
    const std::function<expected<bool>(std::string_view, const std::string&, simdjson::dom::element)>& take) {
  simdjson::dom::object members;
  if (object.get(members)) return must_be(within, "a JSON object");
  return each_of(members, within, take);
}

expected<std::string> read_text(std::string_view name, simdjson::dom::element value) {
  std::string_view text;
  if (value.get(text)) return must_be(name, "a text");
  return std::string(text);
}

expected<std::uint32_t> read_id(std::string_view name, simdjson::dom::element value) {
  std::uint64_t id = 0;
  if (value.get(id) || id == 0 || id > std::numeric_limits<std::uint32_t>::max()) return must_be(name, "an integer of 1 up");
  return static_cast<std::uint32_t>(id);
}

expected<double> read_number(std::string_view name, simdjson::dom::element value) {
  double number = 0;
  if (value.get(number)) return must_be(name, "a number");
  return number;
}

expected<std::optional<double>> read_number_or_null(std::string_view name, simdjson::dom::element value) {
  if (value.is_null()) return std::optional<double>{};
  double number = 0;
  if (value.get(number)) return must_be(name, "a number or null");
  return std::optional<double>{number};
}

expected<bool> read_boolean(std::string_view name, simdjson::dom::element value) {
  bool flag = false;
  if (value.get(flag)) return must_be(name, "true or false");
  return flag;
}

}  // namespace factory
