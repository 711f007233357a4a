#include <algorithm>
#include <utility>

#include "actors/engine/engine_impl.hpp"
#include "actors/engine/limits.hpp"

namespace factory {

namespace {

tl::unexpected<error> is_stopping_now() {
  return fail(errc::stopping, "the engine is stopping; send it again after its restart");
}

/// Why an order cannot be carried out as things stand; nullopt when it can.
std::optional<error> refuse(const finding& alert, const limit_order& order, const shelf_book& shelves) {
  using enum limit_order::action;
  const event_key& key = alert.stated->key;
  if (order.what == unshelve && !shelves.find(key.sensor, key.source, key.rule, false))
    return error{errc::conflict, "The alert is not shelved"};
  if (order.what == reset && !alert.latched())
    return error{errc::conflict, "The alert is not latched: there is nothing to reset"};
  if (order.what == reset && !alert.acknowledged) return error{errc::conflict, "Acknowledge the alert before it is reset"};
  return std::nullopt;
}

}  // namespace

expected<finding> engine::order(const event_key& raised, limit_order what) {
  if (impl_->stopping) return is_stopping_now();
  const auto found = impl_->find_alert(raised);
  if (!found) return found;
  if (auto refused = refuse(*found, what, impl_->shelves)) return tl::unexpected(std::move(*refused));
  const event& told = *found->stated;
  what.alert = told.key;
  what.value = told.value;
  what.limit = told.limit();
  what.level = told.level;
  if (auto done = impl_->order(std::move(what)); !done) return tl::unexpected(std::move(done.error()));
  return impl_->find_alert(raised);
}

expected<void> engine::order_rule(const alert_rule& rule, std::optional<sensor_id> on, limit_order what) {
  if (impl_->stopping) return is_stopping_now();
  std::vector<sensor_id> sensors{rule.sensor};
  if (rule.as_template) {
    sensors.clear();
    for (const sensor_entry& each : impl_->entities->select(rule.as_template->sensors)) sensors.push_back(each.id);
  }
  if (on && std::ranges::find(sensors, *on) == sensors.end())
    return fail(errc::invalid, "sensor_id: the rule is not for this sensor", "sensor_id");
  if (on) sensors = {*on};
  if (what.what == limit_order::action::put_back)
    std::erase_if(sensors, [&](sensor_id each) { return !impl_->shelves.find(each, event_source::alert_rule, rule.id, true); });
  if (sensors.empty()) return fail(errc::conflict, "The rule is not out of service");
  what.alert = {0, 0, event_source::alert_rule, rule.id, event_kind::alert_raised};
  what.level = rule.level;
  return impl_->order_on(sensors, what);
}

/// One command a sensor. Only the last is waited for with fsync: it carries those before it to the disk.
expected<void> engine::impl::order_on(const std::vector<sensor_id>& on, const limit_order& what) {
  for (const sensor_id sensor : on) {
    auto given = std::make_shared<operator_command>();
    order_limit order{what};
    order.order.alert.sensor = given->sensor = sensor;
    given->who = std::exchange(order.order.who, {});
    given->what = std::move(order);
    journal_entry entry;
    entry.received_at_us = wall_clock_us();
    entry.command = std::move(given);
    auto sequence = entries->append(std::move(entry), sensor == on.back() ? durability::fsync : durability::buffered);
    if (!sequence) return tl::unexpected(std::move(sequence.error()));
  }
  for (const sensor_id sensor : on)
    if (auto done = sensors->settle(sensor, limits::query_deadline_ms); !done) return done;
  return {};
}

expected<void> engine::impl::order(limit_order what) {
  const auto sensor = what.alert.sensor;
  return order_on({sensor}, what);
}

std::vector<shelf_book::entry> engine::shelves() const { return impl_->shelves.all(); }

std::optional<shelf> engine::find_shelf(const event_key& alert, bool out_of_service) const {
  return impl_->shelves.find(alert.sensor, alert.source, alert.rule, out_of_service);
}

}  // namespace factory
