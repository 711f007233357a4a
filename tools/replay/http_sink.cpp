#include <fmt/format.h>
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <charconv>
#include <utility>

#include "client/api_client.hpp"
#include "pipelines/model/reading_flags.hpp"
#include "replay/sink.hpp"

namespace factory::replay {

namespace {

using json_value = rapidjson::Value;

constexpr std::size_t page_readings = 10'000;

template <class Number>
void append_number(std::string& out, Number number) {
  char text[32];
  out.append(text, std::to_chars(text, text + sizeof text, number).ptr);
  out += ',';
}

template <class Column>
void append_column(std::string& out, std::string_view name, const Column& column) {
  out.append("\"").append(name).append("\":[");
  for (const auto number : column) append_number(out, number);
  if (!column.empty()) out.pop_back();
  out += ']';
}

tl::unexpected<error> unexpected_answer(std::string_view target) {
  return fail(errc::malformed, fmt::format("the answer to {} is not what the API promises; is it factoryd?", target));
}

expected<std::uint64_t> member_of(const json_value& object, const char* name) {
  if (object.IsObject()) {
    const auto found = object.FindMember(name);
    if (found != object.MemberEnd() && found->value.IsUint64()) return found->value.GetUint64();
  }
  return unexpected_answer(name);
}

std::string name_of(const json_value& object) {
  const auto found = object.FindMember("name");
  return found != object.MemberEnd() && found->value.IsString() ? found->value.GetString() : std::string();
}

class http_sink : public sink {
 public:
  explicit http_sink(api_client client) : client_(std::move(client)) {}

  expected<plant_names> read_plant() override {
    plant_names out;
    const auto list = [&](const char* target, const char* parent, auto add) -> expected<void> {
      rapidjson::Document body;
      if (auto got = read(client_.get(target), target, body); !got) return got;
      if (!body.IsArray()) return unexpected_answer(target);
      for (const json_value& thing : body.GetArray()) {
        const auto id = member_of(thing, "id");
        const auto of = parent == nullptr ? expected<std::uint64_t>(0U) : member_of(thing, parent);
        if (!id || !of) return unexpected_answer(target);
        add(static_cast<std::uint32_t>(*id), static_cast<std::uint32_t>(*of), name_of(thing));
      }
      return {};
    };
    auto done = list("/api/factories", nullptr, [&](auto id, auto, auto name) {
      out.factories.push_back({id, std::move(name)});
    });
    if (done)
      done = list("/api/machines", "factory_id", [&](auto id, auto of, auto name) {
        out.machines.push_back({id, of, std::move(name)});
      });
    if (done)
      done = list("/api/sensors", "machine_id", [&](auto id, auto of, auto name) {
        out.sensors.push_back({id, of, std::move(name)});
      });
    if (!done) return tl::unexpected(std::move(done.error()));
    return out;
  }

  expected<factory_id> make_factory(const std::string& name) override {
    return make_one("/api/factories", [&](auto& out) { text(out, "name", name), text(out, "location", ""); });
  }

  expected<machine_id> make_machine(factory_id of, const std::string& name) override {
    return make_one("/api/machines", [&](auto& out) {
      out.Key("factory_id"), out.Uint(of);
      text(out, "name", name), text(out, "type", "replayed");
    });
  }

  expected<std::vector<sensor_id>> make_sensors(machine_id of, const std::vector<std::string>& names) override {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer out(buffer);
    out.StartArray();
    for (const std::string& name : names) {
      out.StartObject();
      out.Key("machine_id"), out.Uint(of);
      text(out, "name", name), text(out, "unit", "");
      out.EndObject();
    }
    out.EndArray();
    rapidjson::Document body;
    auto made = read(client_.post("/api/sensors", {buffer.GetString(), buffer.GetSize()}), "/api/sensors", body);
    if (!made) return tl::unexpected(std::move(made.error()));
    std::vector<sensor_id> ids;
    for (rapidjson::SizeType i = 0; body.IsArray() && i < body.Size(); ++i) {
      if (const auto id = member_of(body[i], "id")) ids.push_back(static_cast<sensor_id>(*id));
    }
    if (ids.size() != names.size()) return unexpected_answer("/api/sensors");
    return ids;
  }

  expected<std::optional<std::int64_t>> newest_us(sensor_id sensor) override {
    reading_run newest;
    const auto target = fmt::format("/api/sensors/{}/readings?limit=1&order=desc", sensor);
    return read_page(target, newest).map([&](const auto&) {
      return newest.empty() ? std::nullopt : std::optional(newest.event_time_us.front());
    });
  }

  expected<reading_run> stored(sensor_id sensor, std::int64_t begin_us, std::int64_t end_us) override {
    reading_run out;
    const auto target = fmt::format("/api/sensors/{}/readings?from={}&to={}&limit={}", sensor, format_time(begin_us),
                                    format_time(end_us), page_readings);
    for (std::string cursor;;) {
      auto next = read_page(cursor.empty() ? target : target + "&cursor=" + cursor, out);
      if (!next) return tl::unexpected(std::move(next.error()));
      if (next->empty()) return out;
      cursor = std::move(*next);
    }
  }

  expected<void> send(batch_builder& rows) override {
    write_columns(rows, body_);
    rows.clear();
    rapidjson::Document answer;
    auto sent = read(client_.post("/api/readings/bulk?precision=us", body_), "/api/readings/bulk", answer);
    if (!sent) return tl::unexpected(std::move(sent.error()));
    return member_of(answer, "inserted").map([](auto) {});
  }

  expected<std::uint64_t> not_judged(sensor_id sensor) override {
    rapidjson::Document body;
    const auto target = fmt::format("/api/sensors/{}/status", sensor);
    if (auto got = read(client_.get(target), target, body); !got) return tl::unexpected(std::move(got.error()));
    return member_of(body, "not_judged");
  }

  expected<void> finish() override { return {}; }

 private:
  /// Appends the page's readings; the cursor of the next page, empty when there is none.
  expected<std::string> read_page(const std::string& target, reading_run& out) {
    rapidjson::Document body;
    if (auto got = read(client_.get(target), target, body); !got) return tl::unexpected(std::move(got.error()));
    const auto rows = body.IsObject() ? body.FindMember("readings") : json_value::ConstMemberIterator();
    if (!body.IsObject() || rows == body.MemberEnd() || !rows->value.IsArray()) return unexpected_answer(target);
    for (const json_value& row : rows->value.GetArray()) {
      const bool whole =
          row.IsObject() && row.HasMember("id") && row["id"].IsInt64() && row.HasMember("value") && row["value"].IsNumber();
      if (!whole) return unexpected_answer(target);
      out.push_back(row["id"].GetInt64(), row["value"].GetDouble(), flag_none);
    }
    const auto cursor = body.FindMember("next_cursor");
    return cursor != body.MemberEnd() && cursor->value.IsString() ? cursor->value.GetString() : std::string();
  }

  template <class Writer>
  static void text(Writer& out, const char* name, const std::string& value) {
    out.Key(name), out.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
  }

  static expected<void> read(expected<http_answer> answer, std::string_view target, rapidjson::Document& out) {
    if (!answer) return tl::unexpected(std::move(answer.error()));
    if (!answer->ok()) return tl::unexpected(refusal(*answer));
    out.Parse<rapidjson::kParseFullPrecisionFlag>(answer->body.data(), answer->body.size());
    if (out.HasParseError()) return unexpected_answer(target);
    return {};
  }

  template <class Members>
  expected<std::uint32_t> make_one(const char* target, Members members) {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer out(buffer);
    out.StartObject();
    members(out);
    out.EndObject();
    rapidjson::Document body;
    auto made = read(client_.post(target, {buffer.GetString(), buffer.GetSize()}), target, body);
    if (!made) return tl::unexpected(std::move(made.error()));
    return member_of(body, "id").map([](std::uint64_t id) { return static_cast<std::uint32_t>(id); });
  }

  api_client client_;
  std::string body_;
};

}  // namespace

void write_columns(const batch_builder& rows, std::string& out) {
  out.assign("{");
  append_column(out, "sensor_id", rows.sensors());
  out += ',';
  append_column(out, "timestamp", rows.times_us());
  out += ',';
  append_column(out, "value", rows.values());
  if (rows.has_flags()) {
    out.append(",\"quality\":[");
    for (std::size_t i = 0; i < rows.size(); ++i) out.append(1, '"').append(quality_text(rows.flags_at(i))).append("\",");
    out.back() = ']';
  }
  out += '}';
}

expected<std::unique_ptr<sink>> open_http_sink(const std::string& url, const std::string& token) {
  auto client = api_client::open({.url = url, .token = token});
  if (!client) return tl::unexpected(std::move(client.error()));
  return std::make_unique<http_sink>(std::move(*client));
}

}  // namespace factory::replay
