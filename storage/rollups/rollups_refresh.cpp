#include "storage/rollups/rollup_run.hpp"

namespace factory {

expected<std::uint64_t> rollup_store::refresh(const time_series& series, const sensor_cut& cut) {
  if (cut.corrections) {
    auto stored = cut;
    stored.corrections.reset();
    return refresh(series, stored);
  }
  return refresh_rollups(db_.raw(), *this, cut, [&](const time_range& range) {
    return series.aggregate(cut, range, step_us(rollup_level::minute), asker::background);
  });
}

}  // namespace factory
