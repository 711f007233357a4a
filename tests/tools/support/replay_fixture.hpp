#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "process/child_process.hpp"
#include "replay/replay.hpp"

namespace factory {

/// Takes readings and keeps them. Its plant has the given entities and those created in it.
class memory_sink : public replay::sink {
 public:
  struct row {
    sensor_id sensor;
    std::int64_t time_us;
    double value;
    auto operator<=>(const row&) const = default;
  };

  expected<plant_names> read_plant() override { return entities; }
  expected<factory_id> make_factory(const std::string& name) override {
    entities.factories.push_back({next_id++, name});
    return entities.factories.back().id;
  }
  expected<machine_id> make_machine(factory_id of, const std::string& name) override {
    entities.machines.push_back({next_id++, of, name});
    return entities.machines.back().id;
  }
  expected<std::vector<sensor_id>> make_sensors(machine_id of, const std::vector<std::string>& names) override {
    std::vector<sensor_id> ids;
    for (const std::string& name : names) {
      ids.push_back(next_id++);
      entities.sensors.push_back({ids.back(), of, name});
    }
    return ids;
  }
  expected<std::optional<std::int64_t>> newest_us(sensor_id sensor) override {
    const auto of = kept.find(sensor);
    return of == kept.end() ? std::nullopt : std::optional(of->second.rbegin()->first);
  }
  expected<reading_run> stored(sensor_id sensor, std::int64_t begin_us, std::int64_t end_us) override {
    ++reads;
    reading_run run;
    for (const auto& [time_us, value] : kept[sensor]) {
      if (time_us >= begin_us && time_us < end_us) run.push_back(time_us, value, flag_none);
    }
    return run;
  }
  expected<void> send(batch_builder& rows) override {
    if (batches == fail_at) return fail(errc::unavailable, "the daemon is gone");
    ++batches;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      got.push_back({rows.sensors()[i], rows.times_us()[i], rows.values()[i]});
      kept[rows.sensors()[i]][rows.times_us()[i]] = rows.values()[i];
    }
    rows.clear();
    if (after_batch) after_batch();
    return {};
  }
  expected<std::uint64_t> not_judged(sensor_id sensor) override { return unjudged[sensor]; }
  expected<void> finish() override { return {}; }

  /// A factory F with a machine M and a sensor of each name; ids from 3 up in their order.
  void add_plant(const std::vector<std::string>& sensors) {
    (void)make_factory("F");
    (void)make_machine(entities.factories.back().id, "M");
    (void)make_sensors(entities.machines.back().id, sensors);
  }

  plant_names entities;
  std::map<sensor_id, std::uint64_t> unjudged;
  std::uint32_t next_id = 1;
  std::vector<row> got;
  std::map<sensor_id, std::map<std::int64_t, double>> kept;
  std::size_t reads = 0;
  std::size_t batches = 0, fail_at = SIZE_MAX;
  std::function<void()> after_batch;
};

/// Files in a folder of their own, replayed into a memory_sink.
class replay_run : public testing::Test {
 protected:
  std::string file(const std::string& name, std::string_view text) {
    const auto path = folder_.path() / name;
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }
  expected<replay::outcome> run(replay::command_line typed) {
    const auto how = replay::understand(typed);
    if (!how) return tl::unexpected(how.error());
    done = {};
    stop = false;
    return replay::run(*how, to, stop, done);
  }

  temp_directory folder_{"replay"};
  memory_sink to;
  std::atomic<bool> stop{false};
  replay::summary_figures done;
};

}  // namespace factory
