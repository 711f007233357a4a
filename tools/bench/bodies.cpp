#include "bench/bodies.hpp"

#include <cmath>
#include <cstring>
#include <iterator>

#include <fmt/format.h>

#include "bench/wire.hpp"

namespace factory::bench {

namespace {

constexpr std::size_t time_digits = 13;  // milliseconds since 1970, from 2001 to 2286

std::uint64_t mixed(std::uint64_t x) {  // splitmix64's finisher
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// A body that remembers where its times are.
struct draft {
  std::string text;
  std::vector<std::vector<std::uint32_t>> offsets;

  template <class... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text), format, std::forward<Args>(args)...);
  }
  void add_time(std::uint64_t tick) {
    offsets[tick].push_back(static_cast<std::uint32_t>(text.size()));
    text.append(time_digits, '0');
  }
};

struct shape_of_rows {
  std::string_view before, between, after;
};

void add_row(draft& out, body_shape shape, std::uint32_t sensor, int value, std::uint64_t tick) {
  if (shape == body_shape::line_protocol) {
    out.add("reading,sensor={} value={}.{:02} ", sensor, value / 100, value % 100);
    out.add_time(tick);
    return;
  }
  out.add(R"({{"sensor_id":{},"value":{}.{:02},"timestamp":)", sensor, value / 100, value % 100);
  out.add_time(tick);
  out.text += '}';
}

void add_columns(draft& out, const std::vector<std::uint32_t>& sensors, std::uint64_t ticks, std::uint64_t variant) {
  const auto column = [&](std::string_view name, auto&& add_item) {
    out.add(R"("{}":[)", name);
    for (std::size_t s = 0; s < sensors.size(); ++s)
      for (std::uint64_t tick = 0; tick < ticks; ++tick) {
        if (s + tick > 0) out.text += ',';
        add_item(sensors[s], tick);
      }
    out.text += ']';
  };
  out.text += '{';
  column("sensor_id", [&](std::uint32_t sensor, std::uint64_t) { out.add("{}", sensor); });
  out.text += ',';
  column("timestamp", [&](std::uint32_t, std::uint64_t tick) { out.add_time(tick); });
  out.text += ',';
  column("value", [&](std::uint32_t sensor, std::uint64_t tick) {
    const int value = measured_hundredths(sensor, variant * ticks + tick);
    out.add("{}.{:02}", value / 100, value % 100);
  });
  out.text += '}';
}

void add_rows(draft& out, body_shape shape, const std::vector<std::uint32_t>& sensors, std::uint64_t ticks,
              std::uint64_t variant) {
  const shape_of_rows frame = shape == body_shape::rows ? shape_of_rows{"[", ",", "]"} : shape_of_rows{"", "\n", "\n"};
  out.text += frame.before;
  for (std::uint64_t tick = 0; tick < ticks; ++tick)
    for (std::size_t s = 0; s < sensors.size(); ++s) {
      if (s + tick > 0) out.text += frame.between;
      add_row(out, shape, sensors[s], measured_hundredths(sensors[s], variant * ticks + tick), tick);
    }
  out.text += frame.after;
}

std::string_view content_type(body_shape shape) {
  switch (shape) {
    case body_shape::ndjson: return "application/x-ndjson";
    case body_shape::line_protocol: return "text/plain";
    default: return "application/json";
  }
}

}  // namespace

int measured_hundredths(std::uint64_t sensor, std::uint64_t tick) {
  const std::uint64_t noise = mixed(sensor * 0x9e3779b97f4a7c15ULL + tick);
  if (noise % 20'000 == 0) return 9'500 + static_cast<int>(noise >> 40 & 0xff);
  const double cycle = 500 * std::sin(static_cast<double>(tick) / 50 + static_cast<double>(sensor));
  return 4'000 + static_cast<int>(sensor % 20) * 100 + static_cast<int>(cycle) + static_cast<int>(noise >> 32 & 0x7f);
}

bulk_request::bulk_request(std::string_view target, body_shape shape, const std::vector<std::uint32_t>& sensors,
                           std::uint64_t ticks, std::uint64_t variant) {
  draft body;
  body.offsets.resize(ticks);
  if (shape == body_shape::columns)
    add_columns(body, sensors, ticks, variant);
  else
    add_rows(body, shape, sensors, ticks, variant);
  bytes_ = request_text("POST", target, content_type(shape), body.text);
  body_bytes_ = body.text.size();
  time_offsets_ = std::move(body.offsets);
  for (auto& offsets : time_offsets_)
    for (std::uint32_t& offset : offsets) offset += static_cast<std::uint32_t>(bytes_.size() - body_bytes_);
}

std::string_view bulk_request::at(const time_line& line, std::uint64_t first_tick) {
  for (std::uint64_t tick = 0; tick < time_offsets_.size(); ++tick) {
    const std::string digits = fmt::format("{:013}", line.at(first_tick + tick));
    for (const std::uint32_t offset : time_offsets_[tick]) std::memcpy(bytes_.data() + offset, digits.data(), time_digits);
  }
  return bytes_;
}

}  // namespace factory::bench
