#include "integration/support/plant.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <ostream>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace factory::test {

namespace {

answer must(answer got, unsigned status, std::string_view what) {
  if (got.status != status) throw std::runtime_error(fmt::format("{} was answered {} {}", what, got.status, got.body));
  return got;
}

/// Calls `take` with every page of a collection that gives next_cursor.
void each_page(http_client& api, const std::string& target, const std::function<void(rapidjson::Document&)>& take) {
  for (std::string cursor;;) {
    auto page = get_json(api, cursor.empty() ? target : target + "&cursor=" + cursor);
    take(page);
    if (page["next_cursor"].IsNull()) return;
    cursor = page["next_cursor"].GetString();
  }
}

}  // namespace

std::string text_of(const rapidjson::Value& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  value.Accept(writer);
  return buffer.GetString();
}

void PrintTo(const reading& r, std::ostream* out) {
  *out << "sensor " << r.sensor << " at " << r.time_us << " = " << fmt::format("{}", r.value);
}

rapidjson::Document get_json(http_client& api, std::string_view target) { return must(api.get(target), 200, target).json(); }

std::vector<std::uint32_t> add_sensors(http_client& api, std::size_t count, std::string_view members) {
  const auto place = get_json(api, "/api/factories").Size() + 1;
  const auto factory =
      must(api.post("/api/factories", fmt::format(R"({{"name":"plant {}","location":"Ulm"}})", place)), 201, "a factory")
          .json()["id"]
          .GetUint();
  const auto machine =
      must(api.post("/api/machines", fmt::format(R"({{"factory_id":{},"name":"mill","type":"CNC"}})", factory)), 201, "a machine")
          .json()["id"]
          .GetUint();
  std::string body;
  for (std::size_t i = 0; i < count; ++i)
    fmt::format_to(std::back_inserter(body), R"({}{{"machine_id":{},"name":"s{}","unit":"C"{}{}}})", i ? "," : "", machine, i,
                   members.empty() ? "" : ",", members);
  const auto created = must(api.post("/api/sensors", "[" + body + "]"), 201, "sensors").json();
  std::vector<std::uint32_t> ids;
  for (const auto& sensor : created.GetArray()) ids.push_back(sensor["id"].GetUint());
  return ids;
}

std::string rows_json(const std::vector<reading>& readings) {
  std::string body;
  for (const reading& r : readings)
    fmt::format_to(std::back_inserter(body), R"({}{{"sensor_id":{},"value":{},"timestamp":{}}})", body.empty() ? "" : ",",
                   r.sensor, r.value, r.time_us);
  return "[" + body + "]";
}

void store(http_client& api, const std::vector<reading>& readings, std::size_t batch) {
  for (std::size_t at = 0; at < readings.size(); at += batch) {
    const std::size_t end = std::min(readings.size(), at + batch);
    const auto got = must(api.post("/api/readings/bulk?precision=us", rows_json({readings.begin() + at, readings.begin() + end})),
                          201, "a body");
    if (got.json()["inserted"].GetUint64() != end - at) throw std::runtime_error("not all acknowledged: " + got.body);
  }
}

std::vector<reading> readings_of(http_client& api, std::uint32_t sensor) {
  std::vector<reading> out;
  each_page(api, fmt::format("/api/sensors/{}/readings?limit=10000", sensor), [&](rapidjson::Document& page) {
    for (const auto& row : page["readings"].GetArray())
      out.push_back({row["sensor_id"].GetUint(), row["id"].GetInt64(), row["value"].GetDouble()});
  });
  return out;
}

std::vector<std::string> findings(http_client& api) {
  std::vector<std::string> out;
  each_page(api, "/api/events?limit=1000", [&](rapidjson::Document& page) {
    for (auto& event : page["events"].GetArray()) {
      event.RemoveMember("sequence");
      event.RemoveMember("recorded_at");
      out.push_back(text_of(event));
    }
  });
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::string> findings_at_once(http_client& api) {
  auto out = findings(api);
  std::erase_if(out, [](const std::string& event) {
    return event.find(R"("historical":true)") != std::string::npos || event.find("backlog_judged") != std::string::npos;
  });
  return out;
}

std::vector<std::string> alerts(http_client& api) {
  std::vector<std::string> out;
  each_page(api, "/api/alerts?limit=1000", [&](rapidjson::Document& page) {
    for (const auto& alert : page["alerts"].GetArray()) out.push_back(text_of(alert));
  });
  std::sort(out.begin(), out.end());
  return out;
}

std::uint64_t metric(http_client& api, std::string_view name) {
  const std::string page = "\n" + must(api.get("/metrics"), 200, "/metrics").body;
  const std::string line = fmt::format("\n{} ", name);
  const std::size_t at = page.find(line);
  if (at == std::string::npos) throw std::runtime_error(fmt::format("no metric {}", name));
  return static_cast<std::uint64_t>(std::stod(page.substr(at + line.size(), 40)));
}

void await_processed(http_client& api) {
  await([&] { return metric(api, "factory_processed_readings_total") == metric(api, "factory_committed_readings_total"); },
        "readings to be processed");
  await([&] { return metric(api, "factory_past_waiting") == 0; }, "late readings to be judged");
}

std::vector<reading> signals(const std::vector<std::uint32_t>& sensors, std::uint64_t first_tick, std::uint64_t ticks) {
  constexpr std::int64_t first_us = 1'705'658'400'000'000;  // 2024-01-19T10:00:00Z
  std::vector<reading> out;
  out.reserve(sensors.size() * ticks);
  for (std::uint64_t tick = first_tick; tick < first_tick + ticks; ++tick)
    for (const std::uint32_t sensor : sensors) {
      std::uint64_t noise = (sensor * 0x9e3779b97f4a7c15ULL) ^ (tick * 0xbf58476d1ce4e5b9ULL);
      noise = (noise ^ (noise >> 31)) * 0x94d049bb133111ebULL;
      noise ^= noise >> 29;
      const double cycle = 5 * std::sin(static_cast<double>(tick) / 50 + sensor);
      const double value = noise % 250 == 0 ? 95 + static_cast<double>(noise >> 56) / 100
                                            : 40 + cycle + static_cast<double>(noise >> 40) * 0x1p-24;
      out.push_back({sensor, first_us + static_cast<std::int64_t>(tick) * 100'000, value});
    }
  return out;
}

}  // namespace factory::test
