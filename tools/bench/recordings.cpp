#include "bench/recordings.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <rapidjson/document.h>

#include "pipelines/model/time.hpp"

namespace factory::bench {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t adversarial_start_us = 1'600'000'000'000'000, cnc_start_us = 1'514'764'800'000'000;
constexpr std::int64_t cnc_row_us = 100'000;

using cells = std::vector<std::string_view>;

cells split(std::string_view line) {
  cells out;
  for (;;) {
    const std::size_t comma = line.find(',');
    out.push_back(line.substr(0, comma));
    if (comma == std::string_view::npos) return out;
    line.remove_prefix(comma + 1);
  }
}

/// Lines end in LF, CR LF, or (one file of the CNC mill) CR alone.
std::vector<std::string> lines_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  std::replace(text.begin(), text.end(), '\r', '\n');
  std::vector<std::string> out;
  std::istringstream all(text);
  for (std::string line; std::getline(all, line);)
    if (!line.empty()) out.push_back(std::move(line));
  if (out.empty()) throw std::runtime_error(file.string() + " is empty or cannot be read");
  return out;
}

std::optional<double> number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
  return wrong == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::vector<fs::path> csv_files(const fs::path& folder, std::string_view start) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().extension() == ".csv" && entry.path().filename().string().starts_with(start)) out.push_back(entry.path());
  if (out.empty()) throw std::runtime_error("there is no CSV file below " + folder.string());
  std::sort(out.begin(), out.end());
  return out;
}

/// Times and values of a file of NAB, as they are written.
std::vector<std::pair<std::int64_t, double>> rows_of_nab(const fs::path& file) {
  std::vector<std::pair<std::int64_t, double>> out;
  const auto lines = lines_of(file);
  for (std::size_t row = 1; row < lines.size(); ++row) {
    const cells found = split(lines[row]);
    const auto time = parse_time_us(found.at(0));
    const auto value = number(found.at(1));
    if (!time || !value) throw std::runtime_error(fmt::format("{}: row {} is no reading", file.string(), row));
    out.emplace_back(*time, *value);
  }
  return out;
}

}  // namespace

std::uint64_t recording::readings() const {
  std::uint64_t sum = 0;
  for (const auto& one : all) sum += one.value.size();
  return sum;
}

recording read_cnc_mill(const fs::path& folder) {
  std::map<std::string, recorded_series, std::less<>> columns;
  std::int64_t time_us = cnc_start_us;
  for (const fs::path& file : csv_files(folder, "experiment_")) {
    const auto lines = lines_of(file);
    const cells names = split(lines.front());
    for (std::size_t row = 1; row < lines.size(); ++row, time_us += cnc_row_us) {
      const cells found = split(lines[row]);
      for (std::size_t i = 0; i < std::min(names.size(), found.size()); ++i) {
        const auto value = number(found[i]);
        if (!value) continue;
        auto& into = columns[std::string(names[i])];
        into.time_us.push_back(time_us);
        into.value.push_back(*value);
      }
    }
  }
  recording out{"cnc", {}};
  for (auto& [name, series] : columns) out.all.push_back({name, std::move(series.time_us), std::move(series.value)});
  return out;
}

recording read_nab(const fs::path& folder) {
  recording out{"nab", {}};
  for (const fs::path& file : csv_files(folder / "data", "")) {
    std::map<std::int64_t, double> rows;
    for (const auto& [time, value] : rows_of_nab(file)) rows[time] = value;
    recorded_series series{file.stem().string(), {}, {}};
    for (const auto& [time, value] : rows) {
      series.time_us.push_back(time);
      series.value.push_back(value);
    }
    out.all.push_back(std::move(series));
  }
  return out;
}

std::vector<labelled_series> read_labelled_nab(const fs::path& folder) {
  rapidjson::Document labels;
  const fs::path file_of_labels = folder / "labels" / "combined_windows.json";
  std::ifstream in(file_of_labels, std::ios::binary);
  labels.Parse(std::string{std::istreambuf_iterator<char>(in), {}}.c_str());
  if (!labels.IsObject())
    throw std::runtime_error(file_of_labels.string() + " cannot be read, or is no object of windows by file");
  std::map<std::string, std::vector<std::pair<std::int64_t, std::int64_t>>> windows;
  for (const auto& [name, list] : labels.GetObject()) {
    auto& of_file = windows[name.GetString()];
    for (const auto& each : list.GetArray()) {
      const auto begin = parse_time_us(each[0].GetString()), end = parse_time_us(each[1].GetString());
      if (!begin || !end)
        throw std::runtime_error(fmt::format("{}: {} has a window without times", file_of_labels.string(), name.GetString()));
      of_file.emplace_back(*begin, *end);
    }
  }
  std::vector<labelled_series> out;
  for (const auto& [name, of_file] : windows) {
    std::vector<std::int64_t> time_us;
    std::vector<double> values;
    for (const auto& [time, value] : rows_of_nab(folder / "data" / name)) {
      time_us.push_back(time);
      values.push_back(value);
    }
    for (const auto& [begin, end] : of_file)
      for (const auto edge : {begin, end})
        if (std::find(time_us.begin(), time_us.end(), edge) == time_us.end())
          throw std::runtime_error(fmt::format("{}: {} is no time of {}", file_of_labels.string(), format_time(edge), name));
    nab_windows worth(time_us, of_file);
    out.push_back({name, std::move(time_us), std::move(values), std::move(worth)});
  }
  return out;
}

recording make_adversarial() {
  constexpr std::size_t sensors = 10, readings = 10'000;
  std::mt19937_64 random(1);
  recording out{"adversarial", {}};
  for (std::size_t s = 0; s < sensors; ++s) {
    recorded_series series{fmt::format("random_{}", s), {}, {}};
    std::int64_t time_us = adversarial_start_us;
    while (series.value.size() < readings) {
      time_us += 1 + static_cast<std::int64_t>(random() % 2'000'000);
      const double value = std::bit_cast<double>(random());
      if (!std::isfinite(value)) continue;
      series.time_us.push_back(time_us);
      series.value.push_back(value);
    }
    out.all.push_back(std::move(series));
  }
  return out;
}

std::string line_protocol(const recording& what, const recorded_series& of) {
  std::string out;
  for (std::size_t i = 0; i < of.value.size(); ++i)
    fmt::format_to(std::back_inserter(out), "reading,factory=bench,machine={},sensor={} value={} {}000\n", what.name, of.sensor,
                   of.value[i], of.time_us[i]);
  return out;
}

}  // namespace factory::bench
