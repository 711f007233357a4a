#include "actors/analysis/analysis.hpp"

namespace factory {

namespace {

class anomaly_stage final : public stage {
 public:
  explicit anomaly_stage(persistence store) : store_(std::move(store)) {}
  void record(const found_events& part) override { store_.write_events(part.events); }

 private:
  persistence store_;
};

}  // namespace

std::unique_ptr<stage> make_anomaly_stage(const stage_parts& parts) { return std::make_unique<anomaly_stage>(parts.store); }

}  // namespace factory
