#include <algorithm>
#include <string>
#include <utility>

#include "actors/engine/engine_impl.hpp"
#include "pipelines/model/time.hpp"
#include "storage/base/limits.hpp"

namespace factory {

namespace {

tl::unexpected<error> takes_no_corrections_now() {
  return fail(errc::stopping, "the engine is stopping; send it again after its restart");
}

/// Up to here nothing that still comes is judged together with what is there: the greatest lateness of the sensors behind `now_us`.
expected<std::int64_t> settled_until_us(const engine::impl& parts, const std::vector<sensor_id>& sensors, std::int64_t now_us) {
  std::int64_t lateness_us = 0;
  for (const auto id : sensors) {
    const auto sensor = parts.entities->find_sensor(id);
    if (!sensor) return tl::unexpected(sensor.error());
    lateness_us = std::max(lateness_us, sensor->stream.value_or(stream_rules_of(parts.config)).allowed_lateness_us);
  }
  return now_us - lateness_us;
}

expected<void> check(const engine::impl& parts, const correction& wanted, std::int64_t now_us) {
  if (wanted.sensors.empty()) return fail(errc::invalid, "selector matches no sensor", "selector");
  if (wanted.sensors.size() > limits::sensors_a_correction)
    return fail(errc::too_large,
                "selector matches " + std::to_string(wanted.sensors.size()) + " sensors, more than " +
                    std::to_string(limits::sensors_a_correction),
                "selector");
  if (wanted.begin_us >= wanted.end_us) return fail(errc::invalid, "to must be later than from", "to");
  const auto settled_us = settled_until_us(parts, wanted.sensors, now_us);
  if (!settled_us) return tl::unexpected(settled_us.error());
  if (wanted.end_us > *settled_us)
    return fail(errc::invalid,
                "to must be no later than " + format_time(*settled_us) +
                    ": what is newer is still being judged and can be corrected when the allowed lateness has passed",
                "to");
  for (const auto sensor : wanted.sensors)
    if (parts.corrections->count_in_force(sensor) >= limits::corrections_in_force)
      return fail(errc::conflict, "sensor " + std::to_string(sensor) + " has " + std::to_string(limits::corrections_in_force) +
                                      " corrections in force; revert one that is not needed");
  return {};
}

/// One that is in force and asks for the same.
std::optional<correction> find_same(const correction_store& in, const correction& wanted) {
  auto found = in.newest(0, 1, [&](const correction& each) { return each.in_force() && each.asks_the_same(wanted); });
  return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

}  // namespace

const correction_store& engine::corrections() const { return *impl_->corrections; }

expected<correction> engine::correct(correction wanted) {
  if (impl_->stopping) return takes_no_corrections_now();
  const std::lock_guard one(impl_->changes);
  auto& known = *impl_->corrections;
  if (auto same = find_same(known, wanted)) return *same;
  wanted.made_at_us = wall_clock_us();
  if (auto good = check(*impl_, wanted, wanted.made_at_us); !good) return tl::unexpected(std::move(good.error()));
  wanted.id = known.next_id();
  wanted.step = known.next_step();
  auto done = impl_->commit(std::nullopt, correction_store::writes_of(wanted), [&known, wanted] { known.put(wanted); });
  if (!done) return tl::unexpected(std::move(done.error()));
  return wanted;
}

expected<correction> engine::revert_correction(correction_id id, std::string by, std::string reason) {
  if (impl_->stopping) return takes_no_corrections_now();
  const std::lock_guard one(impl_->changes);
  auto& known = *impl_->corrections;
  auto wanted = known.find(id);
  if (!wanted || !wanted->in_force()) return wanted;
  wanted->reverted = correction::reversion{wall_clock_us(), std::move(by), std::move(reason), known.next_step()};
  auto done = impl_->commit(std::nullopt, correction_store::writes_of(*wanted), [&known, entry = *wanted] { known.put(entry); });
  if (!done) return tl::unexpected(std::move(done.error()));
  return wanted;
}

}  // namespace factory
