#include "simulate/pipelines.hpp"

#include <array>
#include <set>
#include <string>
#include <string_view>

#include <rapidjson/document.h>

#include "simulate/sensors.hpp"

namespace factory {

namespace {

struct wanted_entry {
  std::string_view name, body;
};

/// Each machine of the type has an instance. Shifts begin at 06:00, 14:00 and 22:00; 400 V in three phases at a power factor of 0.85 give
/// 0.59 kW an ampere.
constexpr std::array pipelines{
    wanted_entry{
        "energy per shift",
        R"({"name":"energy per shift","per":"machine","sources":{"current":{"machine_type":"press","name":"motor_current"}},)"
        R"("steps":[{"compute":"current * 0.59"},{"window":{"tumbling_ms":28800000,"shift_ms":21600000},"aggregate":"integral"},)"
        R"({"compute":"value / 3600"}],"sinks":[{"sensor":{"name":"energy_per_shift","unit":"kWh"}}]})"},
    wanted_entry{"drive temperature difference", R"({"name":"drive temperature difference","per":"machine","sources":{)"
                                                 R"("motor":{"machine_type":"conveyor","name":"motor_temperature"},)"
                                                 R"("gearbox":{"machine_type":"conveyor","name":"gearbox_temperature"}},)"
                                                 R"("steps":[{"align":{"tolerance_ms":15000}},{"compute":"motor - gearbox"},)"
                                                 R"({"window":{"tumbling_ms":60000},"aggregate":"mean"}],)"
                                                 R"("sinks":[{"sensor":{"name":"drive_temperature_difference","unit":"K"}}]})"},
    wanted_entry{"availability",
                 R"({"name":"availability","per":"machine","sources":{"strokes":{"machine_type":"press","name":"stroke_rate"}},)"
                 R"("steps":[{"compute":"strokes > 8"},{"window":{"tumbling_ms":3600000},"aggregate":"integral"},)"
                 R"({"compute":"value / 3600"}],"sinks":[{"sensor":{"name":"availability"}}]})"},
    wanted_entry{"oee", R"({"name":"oee","per":"machine","sources":{"strokes":{"machine_type":"press","name":"stroke_rate"}},)"
                        R"("steps":[{"window":{"tumbling_ms":3600000},"aggregate":"mean"},{"compute":"value / 26"}],)"
                        R"("sinks":[{"sensor":{"name":"oee"}}]})"},
    wanted_entry{"cycle time",
                 R"({"name":"cycle time","per":"machine","sources":{"rate":{"machine_type":"robot","name":"cycle_rate"}},)"
                 R"json("steps":[{"compute":"60 / max(rate, 0.1)"},{"window":{"tumbling_ms":600000},"aggregate":"mean"}],)json"
                 R"("sinks":[{"sensor":{"name":"cycle_time","unit":"s"}}]})"},
    wanted_entry{"short cycling",
                 R"({"name":"short cycling","per":"machine",)"
                 R"("sources":{"pressure":{"machine_type":"compressor","name":"discharge_pressure"}},)"
                 R"("steps":[{"limit":{"above":7.1,"deadband":0.1}},{"window":{"tumbling_ms":3600000},"aggregate":"changes"},)"
                 R"({"compute":"value / 2"}],"sinks":[{"sensor":{"name":"starts_per_hour"}},)"
                 R"({"event":{"severity":"WARNING","when":"value > 18","message":"{value} starts in an hour"}}]})"},
    wanted_entry{"loaded hours", R"({"name":"loaded hours","per":"machine",)"
                                 R"("sources":{"pressure":{"machine_type":"compressor","name":"discharge_pressure"}},)"
                                 R"("steps":[{"limit":{"above":7.1,"deadband":0.1}},{"accumulate":{}},)"
                                 R"({"window":{"tumbling_ms":600000},"aggregate":"last"},{"compute":"value / 3600"}],)"
                                 R"("sinks":[{"sensor":{"name":"loaded_hours","unit":"h"}}]})"}};

constexpr std::array rules{wanted_entry{
    "drive temperatures apart",
    R"({"name":"drive temperatures apart","selector":{"name":"drive_temperature_difference"},"condition":"OUT_OF_RANGE",)"
    R"("low":-10,"high":20,"severity":"WARNING","message":"Motor and gearbox go apart: see both temperatures, then the bearing"})"}};

expected<std::set<std::string>> names_at(api_client& api, std::string_view target) {
  const auto answer = api.get(std::string(target));
  if (!answer) return tl::unexpected(answer.error());
  if (!answer->ok()) return tl::unexpected(refusal(*answer));
  rapidjson::Document read;
  read.Parse(answer->body.data(), answer->body.size());
  if (read.HasParseError() || !read.IsArray()) return fail(errc::malformed, "the answer is no array of JSON; is it factoryd?");
  std::set<std::string> names;
  for (const auto& each : read.GetArray())
    if (each.IsObject() && each.HasMember("name") && each["name"].IsString()) names.insert(each["name"].GetString());
  return names;
}

template <std::size_t Count>
expected<void> ensure(api_client& api, std::string_view target, const std::array<wanted_entry, Count>& all) {
  const auto there = names_at(api, target);
  if (!there) return tl::unexpected(there.error());
  std::string body;
  for (const auto& each : all)
    if (!there->contains(std::string(each.name))) body += (body.empty() ? "[" : ",") + std::string(each.body);
  if (body.empty()) return {};
  const auto answer = api.post(std::string(target), body + "]");
  if (!answer) return tl::unexpected(answer.error());
  if (!answer->ok()) return tl::unexpected(refusal(*answer));
  return {};
}

}  // namespace

expected<void> ensure_pipelines(api_client& api) {
  return ensure(api, "/api/pipelines", pipelines).and_then([&] { return ensure(api, "/api/rules", rules); });
}

}  // namespace factory
