#include <chrono>
#include <thread>
#include <utility>

#include "actors/engine/engine.hpp"
#include "replay/sink.hpp"

namespace factory::replay {

namespace {

constexpr std::int64_t settle_deadline_ms = 600'000;
constexpr auto pause_without_credit = std::chrono::milliseconds(2);

class engine_sink : public sink {
 public:
  explicit engine_sink(std::unique_ptr<engine> opened) : engine_(std::move(opened)) {}

  expected<plant> read_plant() override {
    plant out;
    for (auto& f : engine_->entities().factories()) out.factories.push_back({f.id, std::move(f.name)});
    for (auto& m : engine_->entities().machines()) out.machines.push_back({m.id, m.factory, std::move(m.name)});
    for (auto& s : engine_->entities().sensors()) out.sensors.push_back({s.id, s.machine, std::move(s.name)});
    return out;
  }

  expected<factory_id> make_factory(const std::string& name) override {
    factory_entry entry;
    entry.name = name;
    return engine_->create(std::vector{entry}).map([](const auto& made) { return made.front().id; });
  }

  expected<machine_id> make_machine(factory_id of, const std::string& name) override {
    machine_entry entry;
    entry.factory = of;
    entry.name = name;
    entry.type = "replayed";
    return engine_->create(std::vector{entry}).map([](const auto& made) { return made.front().id; });
  }

  expected<std::vector<sensor_id>> make_sensors(machine_id of, const std::vector<std::string>& names) override {
    std::vector<sensor_entry> entries(names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
      entries[i].machine = of;
      entries[i].name = names[i];
    }
    return engine_->create(std::move(entries)).map([](const auto& made) {
      std::vector<sensor_id> ids;
      for (const sensor_entry& entry : made) ids.push_back(entry.id);
      return ids;
    });
  }

  expected<std::optional<std::int64_t>> newest_us(sensor_id sensor) override {
    return engine_->readings(sensor, {}, 1, true).map([](const reading_run& run) {
      return run.empty() ? std::nullopt : std::optional(run.event_time_us.front());
    });
  }

  expected<reading_run> stored(sensor_id sensor, std::int64_t begin_us, std::int64_t end_us) override {
    return engine_->readings(sensor, {begin_us, end_us}, static_cast<std::size_t>(-1), false);
  }

  expected<void> send(batch_builder& rows) override {
    const reading_batch batch = rows.finish();
    for (;;) {
      // Nothing is lost by waiting: the file is patient, unlike a collector on
      // a socket.
      auto receipt = engine_->ingest(batch, durability::fsync);
      if (receipt) return {};
      if (receipt.error().code != errc::overloaded) return tl::unexpected(std::move(receipt.error()));
      std::this_thread::sleep_for(pause_without_credit);
    }
  }

  expected<void> finish() override { return engine_->settle(settle_deadline_ms); }

 private:
  std::unique_ptr<engine> engine_;
};

}  // namespace

expected<std::unique_ptr<sink>> open_engine_sink(const std::string& data_dir) {
  engine_config config;
  config.data_dir = data_dir;
  auto opened = engine::open(std::move(config));
  if (!opened) return tl::unexpected(std::move(opened.error()));
  return std::make_unique<engine_sink>(std::move(*opened));
}

}  // namespace factory::replay
