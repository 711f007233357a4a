#include "simulate/sensors.hpp"

#include <map>
#include <utility>

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace factory {

namespace {

using json_writer = rapidjson::Writer<rapidjson::StringBuffer>;

/// Existing entities: (id of the parent, name) to id. Factories have the parent 0.
using names = std::map<std::pair<std::uint32_t, std::string>, std::uint32_t>;

void member(json_writer& out, std::string_view name, std::string_view value) {
  out.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
  out.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}

void member(json_writer& out, std::string_view name, std::optional<double> value) {
  out.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
  if (value) {
    out.Double(*value);
  } else {
    out.Null();
  }
}

expected<rapidjson::Document> read_array(const expected<http_answer>& answer) {
  if (!answer) return tl::unexpected(answer.error());
  if (!answer->ok()) return tl::unexpected(refusal(*answer));
  rapidjson::Document read;
  read.Parse(answer->body.data(), answer->body.size());
  if (read.HasParseError() || !read.IsArray()) return fail(errc::malformed, "the answer is no array of JSON; is it factoryd?");
  return read;
}

/// Adds what the array holds to `found`; `parent` is the member that names the parent, empty when there is none. Rules of many sensors have
/// none, and are passed over.
expected<void> collect(const rapidjson::Document& array, const char* parent, names& found) {
  for (const auto& entry : array.GetArray()) {
    const bool object =
        entry.IsObject() && entry.HasMember("id") && entry["id"].IsUint() && entry.HasMember("name") && entry["name"].IsString();
    if (object && entry.HasMember(parent) && entry[parent].IsNull()) continue;
    const bool has_parent = *parent == 0 || (object && entry.HasMember(parent) && entry[parent].IsUint());
    if (!object || !has_parent) return fail(errc::malformed, "an entry of the answer has no id and name; is it factoryd?");
    found[{*parent == 0 ? 0 : entry[parent].GetUint(), entry["name"].GetString()}] = entry["id"].GetUint();
  }
  return {};
}

/// One kind of entity: knows the existing ones, collects the missing ones, creates them with one request.
class entities {
 public:
  entities(api_client& api, std::string target, const char* parent) : api_(api), target_(std::move(target)), parent_(parent) {}

  expected<void> load() {
    const auto array = read_array(api_.get(target_));
    return array ? collect(*array, parent_, found_) : tl::unexpected(array.error());
  }
  /// `write` adds the members beside name and parent.
  template <class Write>
  void want(std::uint32_t parent, const std::string& name, Write write) {
    if (found_.contains({parent, name})) return;
    if (missing_count_++ == 0) out_.StartArray();
    out_.StartObject();
    member(out_, "name", name);
    if (*parent_ != 0) {
      out_.Key(parent_);
      out_.Uint(parent);
    }
    write(out_);
    out_.EndObject();
  }
  expected<void> create_missing() {
    if (missing_count_ == 0) return {};
    out_.EndArray();
    const auto array = read_array(api_.post(target_, {text_.GetString(), text_.GetSize()}));
    return array ? collect(*array, parent_, found_) : tl::unexpected(array.error());
  }
  std::uint32_t id(std::uint32_t parent, const std::string& name) const { return found_.at({parent, name}); }

 private:
  api_client& api_;
  std::string target_;
  const char* parent_;
  names found_;
  rapidjson::StringBuffer text_;
  json_writer out_{text_};
  std::size_t missing_count_ = 0;
};

void write_rule(json_writer& out, const alert_rule& rule) {
  member(out, "condition", to_text(rule.condition));
  if (rule.condition != rule_condition::greater_than) member(out, "low", rule.low);
  if (rule.condition != rule_condition::less_than) member(out, "high", rule.high);
  member(out, "severity", to_text(rule.level));
}

}  // namespace

expected<std::vector<simulated_sensor>> ensure_plant(api_client& api, std::span<const planned_factory> plan) {
  entities factories(api, "/api/factories", ""), machines(api, "/api/machines", "factory_id"),
      sensors(api, "/api/sensors", "machine_id"), rules(api, "/api/rules", "sensor_id");
  for (entities* const kind : {&factories, &machines, &sensors, &rules})
    if (auto loaded = kind->load(); !loaded) return tl::unexpected(loaded.error());

  for (const auto& factory : plan) factories.want(0, factory.name, [&](auto& out) { member(out, "location", factory.location); });
  if (auto created = factories.create_missing(); !created) return tl::unexpected(created.error());

  for (const auto& factory : plan)
    for (const auto& machine : factory.machines)
      machines.want(factories.id(0, factory.name), machine.name, [&](auto& out) {
        member(out, "type", machine.type);
        member(out, "status", "OPERATIONAL");
      });
  if (auto created = machines.create_missing(); !created) return tl::unexpected(created.error());

  std::vector<simulated_sensor> found;
  const auto for_each_sensor = [&](auto visit) {
    for (const auto& factory : plan)
      for (const auto& machine : factory.machines)
        for (const auto& sensor : machine.sensors)
          visit(machines.id(factories.id(0, factory.name), machine.name), sensor, factory.name + " / " + machine.name);
  };
  for_each_sensor([&](std::uint32_t machine, const planned_sensor& sensor, const std::string&) {
    sensors.want(machine, sensor.name, [&](auto& out) {
      member(out, "unit", sensor.unit);
      member(out, "min_threshold", sensor.thresholds.min);
      member(out, "max_threshold", sensor.thresholds.max);
    });
  });
  if (auto created = sensors.create_missing(); !created) return tl::unexpected(created.error());

  for_each_sensor([&](std::uint32_t machine, const planned_sensor& sensor, const std::string& path) {
    found.push_back({sensors.id(machine, sensor.name), path + " / " + sensor.name, &sensor});
    for (const auto& rule : sensor.rules) rules.want(found.back().id, rule.name, [&](auto& out) { write_rule(out, rule); });
  });
  if (auto created = rules.create_missing(); !created) return tl::unexpected(created.error());
  return found;
}

}  // namespace factory
