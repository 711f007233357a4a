#include <gtest/gtest.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "pipelines/model/time.hpp"
#include "storage/base/limits.hpp"
#include "storage/block/block.hpp"
#include "support/paths.hpp"

namespace factory {
namespace {

namespace fs = std::filesystem;
using series = std::map<std::int64_t, double>;

std::vector<std::string> fields(const std::string& line) {
  std::vector<std::string> found;
  std::stringstream in(line);
  for (std::string field; std::getline(in, field, ',');) found.push_back(field);
  return found;
}

bool parse(const std::string& text, double& value) {
  return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc();
}

/// Bytes per reading of the series in blocks of `rows`, each opened again and compared.
double bytes_per_reading(const std::map<std::string, series>& all, std::size_t rows, effort how) {
  std::size_t bytes = 0, readings = 0;
  for (const auto& [name, readings_by_time] : all) {
    reading_run run;
    const auto seal_run = [&] {
      const block sealed = seal(1, 1, run, how);
      const auto opened = open_block(sealed.bytes);
      EXPECT_TRUE(opened && opened->value == run.value && opened->event_time_us == run.event_time_us) << name;
      bytes += sealed.bytes.size();
      readings += run.size();
      run = {};
    };
    for (const auto& [time, value] : readings_by_time) {
      run.push_back(time, value, flag_none);
      if (run.size() == rows) seal_run();
    }
    if (!run.empty()) seal_run();
  }
  return static_cast<double>(bytes) / static_cast<double>(readings);
}

void record(const std::string& name, double bytes) { testing::Test::RecordProperty(name, std::to_string(bytes)); }

TEST(compression, a_milling_machine_takes_less_than_a_byte_a_reading) {
  const fs::path folder = test::shared_data("cnc_mill");
  if (!fs::exists(folder)) GTEST_SKIP() << "the milling machine's files are not at " << folder;
  std::map<std::string, series> channels;
  std::int64_t time = 1'500'000'000'000'000;
  for (int run = 1; run <= 18; ++run) {
    std::ifstream file(folder / ("experiment_" + std::string(run < 10 ? "0" : "") + std::to_string(run) + ".csv"));
    std::string line;
    ASSERT_TRUE(std::getline(file, line));
    const auto names = fields(line);
    for (; std::getline(file, line); time += 100'000) {
      const auto row = fields(line);
      for (std::size_t i = 0; i < row.size(); ++i)
        if (double value = 0; parse(row[i], value)) channels[names[i]][time] = value;
    }
  }
  const double rewritten = bytes_per_reading(channels, limits::block_readings, effort::thorough);
  record("sealed", bytes_per_reading(channels, limits::head_readings, effort::quick));
  record("rewritten", rewritten);
  EXPECT_LT(rewritten, 0.7);
}

TEST(compression, the_real_series_of_nab_come_back_and_take_less_than_two_bytes_a_reading) {
  const fs::path folder = test::shared_data("nab/data");
  if (!fs::exists(folder)) GTEST_SKIP() << "the NAB files are not at " << folder;
  std::map<std::string, series> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".csv") continue;
    std::ifstream file(entry.path());
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
      const auto row = fields(line);
      const auto time = parse_time_us(row.at(0));
      double value = 0;
      if (time && parse(row.at(1), value)) files[entry.path().stem()][*time] = value;
    }
  }
  const double rewritten = bytes_per_reading(files, limits::block_readings, effort::thorough);
  record("sealed", bytes_per_reading(files, limits::head_readings, effort::quick));
  record("rewritten", rewritten);
  EXPECT_LT(rewritten, 2.0);
}

}  // namespace
}  // namespace factory
