#include "bench/works/bytes.hpp"

#include <atomic>
#include <bit>
#include <chrono>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

#include "inspect/commands.hpp"
#include "process/child_process.hpp"
#include "replay/replay.hpp"

namespace factory::bench {

namespace fs = std::filesystem;

namespace {

using namespace std::chrono_literals;
constexpr std::size_t lines_per_body = 10'000;

template <class T>
T must(expected<T> value) {
  if (!value) throw std::runtime_error(value.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*value);
}

figures figures_of(const recording& what, std::string server, std::uint64_t bytes, std::uint64_t readings, std::uint64_t disk) {
  figures out;
  out.work = "bytes-" + what.name;
  out.server = std::move(server);
  out.unit = "B/reading";
  out.less_is_better = true;
  out.result = static_cast<double>(bytes) / static_cast<double>(std::max<std::uint64_t>(readings, 1));
  out.readings = what.readings();
  out.used.disk_bytes = disk;
  return out;
}

void load(const recording& what, const fs::path& below) {
  const fs::path file = below / "recording.lp";
  std::ofstream text(file);
  for (const auto& series : what.all) text << line_protocol(what, series);
  text.close();
  replay::command_line typed;
  typed.files = {file.string()};
  typed.data_dir = (below / "data").string();
  typed.auto_register = "bench/" + what.name;
  const auto sink = must(replay::open_engine_sink(typed.data_dir));
  replay::summary_figures done;
  must(replay::run(must(replay::understand(typed)), *sink, std::atomic<bool>(false), done));
  must(sink->finish());
}

/// Throws unless the sensor has these readings and no others, bit for bit.
void compare(const data_directory& data, const sensor_cut& cut, const recorded_series& sent) {
  std::size_t at = 0;
  bool equal = true;
  must(data.series.scan(cut, {}, [&](const reading_run& rows) {
    for (std::size_t i = 0; i < rows.size() && equal; ++i, ++at)
      equal = at < sent.value.size() && rows.event_time_us[i] == sent.time_us[at] &&
              std::bit_cast<std::uint64_t>(rows.value[i]) == std::bit_cast<std::uint64_t>(sent.value[at]);
    return equal;
  }));
  if (!equal || at != sent.value.size())
    throw std::runtime_error(
        fmt::format("{}: reading {} of {} did not come back as it was sent", sent.sensor, at, sent.value.size()));
}

void compare_all(const data_directory& data, const recording& what) {
  std::map<std::string, sensor_cut> stored;
  for (auto& cut : must(data.cuts())) stored.emplace(data.name_of(cut.sensor), std::move(cut));
  for (const auto& series : what.all) {
    const auto found = stored.find(fmt::format("bench/{}/{}", what.name, series.sensor));
    if (found == stored.end()) throw std::runtime_error("there is no sensor " + series.sensor);
    compare(data, found->second, series);
  }
}

std::uint64_t tsm_bytes(const fs::path& below) {
  std::uint64_t sum = 0;
  for (const auto& entry : fs::recursive_directory_iterator(below))
    if (entry.path().extension() == ".tsm") sum += entry.file_size();
  return sum;
}

}  // namespace

figures factory_bytes(const recording& what) {
  const temp_directory here("factory-bench-bytes");
  load(what, here.path());
  time_series::totals blocks;
  {
    const auto data = must(data_directory::open(here.path() / "data", data_directory::access::change));
    std::ostringstream said;
    must(compact(*data, said));
    compare_all(*data, what);
    blocks = data->series.count();
  }
  return figures_of(what, "factoryd", blocks.bytes, blocks.readings, bytes_below(here.path() / "data"));
}

figures influxdb_bytes(const recording& what) {
  const auto server = make_influxdb_server(influxdb_use::storing);
  for (const auto& series : what.all) {
    const std::string text = line_protocol(what, series);
    std::size_t begin = 0, lines = 0;
    for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', end + 1)) {
      if (++lines % lines_per_body != 0 && end + 1 != text.size()) continue;
      const std::string_view body = std::string_view(text).substr(begin, end + 1 - begin);
      const auto got = ask_once(server->port(), request_text("POST", "/write?db=bench&precision=ns", "text/plain", body));
      if (got.status != 204) throw std::runtime_error(fmt::format("a write was answered {} {}", got.status, got.body));
      begin = end + 1;
    }
  }
  if (const auto stored = server->stored({}); stored != what.readings())
    throw std::runtime_error(fmt::format("influxdb has {} of {} readings", stored, what.readings()));
  // InfluxDB does not report the end of a compaction; files that no longer change count as compacted.
  constexpr int quiet_turns = 20;
  std::uint64_t bytes = 0;
  for (int quiet = 0, turns = 0; quiet < quiet_turns; ++turns) {
    if (turns > 240) throw std::runtime_error("influxdb does not come to rest");
    std::this_thread::sleep_for(500ms);
    const std::uint64_t now = tsm_bytes(server->directory());
    quiet = now != 0 && now == bytes ? quiet + 1 : 0;
    bytes = now;
  }
  return figures_of(what, server->name(), bytes, what.readings(), bytes_below(server->directory()));
}

}  // namespace factory::bench
