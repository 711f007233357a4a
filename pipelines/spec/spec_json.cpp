#include "pipelines/spec/spec_json.hpp"

#include <algorithm>

namespace factory::spec_json {

expected<void> for_each_member(const std::string& path, element value, const taker& take) {
  simdjson::dom::object object;
  if (value.get(object)) return refuse(path.empty() ? "body" : path, "must be an object");
  std::vector<std::string_view> seen;
  for (const auto& [name, content] : object) {
    const auto own = within(path, name);
    if (std::ranges::find(seen, name) != seen.end()) return refuse(own, "is given twice");
    seen.push_back(name);
    auto taken = take(name, own, content);
    if (!taken) return tl::unexpected(std::move(taken.error()));
    if (!*taken) return refuse(own, "is no member of this object");
  }
  return {};
}

expected<void> for_each_entry(const std::string& path, element value, std::size_t most,
                              const std::function<expected<void>(const std::string& path, element value)>& take) {
  simdjson::dom::array array;
  if (value.get(array)) return refuse(path, "must be an array");
  std::size_t index = 0;
  for (const auto& each : array) {
    if (index == most) return refuse(path, "has more than " + std::to_string(most) + " entries");
    if (auto taken = take(within(path, index++), each); !taken) return taken;
  }
  return {};
}

expected<std::string> text(const std::string& path, element value, std::size_t most_bytes) {
  std::string_view found;
  if (value.get(found)) return refuse(path, "must be a text");
  if (found.empty()) return refuse(path, "must not be empty");
  if (found.size() > most_bytes) return refuse(path, "is longer than " + std::to_string(most_bytes) + " bytes");
  if (std::ranges::any_of(found, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
    return refuse(path, "holds a control character");
  return std::string(found);
}

expected<bool> flag(const std::string& path, element value) {
  bool found = false;
  if (value.get(found)) return refuse(path, "must be true or false");
  return found;
}

expected<std::uint32_t> id(const std::string& path, element value) {
  std::uint64_t found = 0;
  if (value.get(found) || found == 0 || found > UINT32_MAX) return refuse(path, "must be an id: a whole number from 1 up");
  return static_cast<std::uint32_t>(found);
}

expected<std::uint64_t> whole_number(const std::string& path, element value, std::uint64_t least, std::uint64_t most) {
  std::uint64_t found = 0;
  if (value.get(found) || found < least || found > most)
    return refuse(path, "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return found;
}

expected<std::int64_t> span_us(const std::string& path, element value, std::int64_t least_ms, std::int64_t most_ms) {
  std::int64_t found = 0;
  if (value.get(found) || found < least_ms || found > most_ms)
    return refuse(path,
                  "must be a whole number of milliseconds from " + std::to_string(least_ms) + " to " + std::to_string(most_ms));
  return found * 1'000;
}

}  // namespace factory::spec_json
