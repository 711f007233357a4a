#include <utility>

#include "actors/engine/engine.hpp"
#include "actors/intake/intake.hpp"
#include "actors/intake/registry.hpp"
#include "replay/sink.hpp"

namespace factory::replay {

namespace {

constexpr std::int64_t settle_deadline_ms = 600'000;

class engine_sink : public sink {
 public:
  explicit engine_sink(std::unique_ptr<engine> opened) : engine_(std::move(opened)), registry_(*engine_), intake_(*engine_) {}

  expected<plant_names> read_plant() override { return registry_.read_plant(); }
  expected<factory_id> make_factory(const std::string& name) override { return registry_.make_factory(name); }
  expected<machine_id> make_machine(factory_id of, const std::string& name) override { return registry_.make_machine(of, name); }
  expected<std::vector<sensor_id>> make_sensors(machine_id of, const std::vector<std::string>& names) override {
    return registry_.make_sensors(of, names);
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
    return intake_.take_patiently(rows).map([](const ingest_receipt&) {});
  }

  expected<std::uint64_t> not_judged(sensor_id sensor) override {
    return engine_->status(sensor).map([](const sensor_status& at) { return at.late + at.future + at.left_out; });
  }

  expected<void> finish() override { return engine_->settle(settle_deadline_ms); }

 private:
  std::unique_ptr<engine> engine_;
  engine_registry registry_;
  intake intake_;
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
