#include "pipelines/select/selector_json.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "pipelines/decode/json_members.hpp"
#include "pipelines/model/limits.hpp"
#include "pipelines/select/glob.hpp"

namespace factory {
namespace {

using simdjson::dom::element;

tl::unexpected<error> wrong(const std::string& path, const std::string& reason) {
  return fail(errc::invalid, path + " " + reason, path);
}

expected<bool> take_id(std::uint32_t& member, const std::string& path, element value) {
  auto id = read_id(path, value);
  if (!id) return tl::unexpected(std::move(id.error()));
  member = *id;
  return true;
}

expected<bool> take_text(std::optional<std::string>& member, const std::string& path, element value) {
  auto text = read_text(path, value);
  if (!text) return tl::unexpected(std::move(text.error()));
  if (text->size() > limits::selector_text_bytes)
    return wrong(path, "is longer than " + std::to_string(limits::selector_text_bytes) + " bytes");
  member = std::move(*text);
  return true;
}

expected<bool> take_name(std::optional<std::string>& member, const std::string& path, element value) {
  auto taken = take_text(member, path, value);
  if (!taken) return taken;
  if (member->empty()) return wrong(path, "must not be empty");
  if (!is_pattern(*member)) return wrong(path, "ends in a lone backslash; a backslash is written as two");
  return true;
}

expected<bool> take_sensors(std::vector<sensor_id>& member, const std::string& path, element value) {
  simdjson::dom::array ids;
  if (value.get(ids) || ids.size() == 0 || ids.size() > limits::selector_sensors)
    return wrong(path, "must be an array of 1 to " + std::to_string(limits::selector_sensors) + " ids of sensors");
  for (const element each : ids) {
    const auto id = read_id(path, each);
    if (!id) return wrong(path, "must hold integers of 1 up");
    member.push_back(*id);
  }
  std::sort(member.begin(), member.end());
  member.erase(std::unique(member.begin(), member.end()), member.end());
  return true;
}

}  // namespace

expected<selector> read_selector(std::string_view name, element value) {
  selector which;
  const auto take = [&](std::string_view member, const std::string& path, element given) -> expected<bool> {
    if (member == "factory_id") return take_id(which.factory, path, given);
    if (member == "machine_id") return take_id(which.machine, path, given);
    if (member == "machine_type") return take_text(which.machine_type, path, given);
    if (member == "name") return take_name(which.name, path, given);
    if (member == "unit") return take_text(which.unit, path, given);
    if (member == "sensor_ids") return take_sensors(which.sensors, path, given);
    if (member != "labels") return false;
    if (auto merged = merge_labels(which.labels, path, given); !merged) return tl::unexpected(std::move(merged.error()));
    return true;
  };
  if (auto taken = for_each_member(name, value, take); !taken) return tl::unexpected(std::move(taken.error()));
  if (which.empty())
    return wrong(
        std::string(name),
        "must hold one of factory_id, machine_id, machine_type, name, unit, labels and sensor_ids; the name * stands for all");
  return which;
}

expected<void> merge_labels(label_set& labels, std::string_view name, element value) {
  if (value.is_null()) {
    labels.clear();
    return {};
  }
  const auto take = [&](std::string_view key, const std::string& path, element given) -> expected<bool> {
    if (given.is_null()) {
      labels.erase(key);
      return true;
    }
    auto text = read_text(path, given);
    if (!text) return wrong(path, "must be a text, or null to take the label away");
    label one{std::string(key), std::move(*text)};
    if (const auto fault = fault_of(one)) return wrong(path, *fault);
    labels.put(std::move(one));
    return true;
  };
  if (auto taken = for_each_member(name, value, take); !taken) return taken;
  if (labels.size() > limits::labels_per_entity)
    return wrong(std::string(name), "must be at most " + std::to_string(limits::labels_per_entity));
  return {};
}

}  // namespace factory
