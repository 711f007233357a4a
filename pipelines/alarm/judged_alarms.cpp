#include "pipelines/alarm/judged_alarms.hpp"

#include <algorithm>

#include "pipelines/model/coding.hpp"

namespace factory {

namespace {

// A board alone begins with its own version, which is below 0x80.
constexpr std::uint8_t without_orders = 0x81;
constexpr std::uint8_t with_orders = 0x82;

enum class command_kind : std::uint8_t { instant, config_without_time, order, config };

}  // namespace

void alarm_judge::put_command(std::string& out, const alarm_command& what) {
  const auto kind = what.config ? command_kind::config : what.order ? command_kind::order : command_kind::instant;
  put_byte(out, static_cast<std::uint8_t>(kind));
  put_zigzag(out, what.at_us);
  if (what.config) {
    put_zigzag(out, what.since_us);
    put_config(out, *what.config);
  }
  if (what.order) what.order->encode(out);
}

bool alarm_judge::get_command(std::string_view& in, alarm_command& what) {
  std::uint8_t kind = 0;
  what.at_us = INT64_MIN;
  what.since_us = 0;
  if (!get_byte(in, kind) || kind > static_cast<std::uint8_t>(command_kind::config)) return false;
  if (kind == static_cast<std::uint8_t>(command_kind::config_without_time)) return get_config(in, what.config.emplace());
  if (!get_zigzag(in, what.at_us)) return false;
  if (kind == static_cast<std::uint8_t>(command_kind::config))
    return get_zigzag(in, what.since_us) && get_config(in, what.config.emplace());
  return kind == static_cast<std::uint8_t>(command_kind::instant) || what.order.emplace().decode(in);
}

void judged_alarms::observe(std::span<const alarm_row> rows, std::int64_t floor_us, std::int64_t received_at_us,
                            std::vector<event>& out) {
  std::size_t next = 0;
  bool corrected = false;
  const auto& known = judged_.rows();
  const auto newest_us = std::max(known.empty() ? INT64_MIN : known.newest_us(), judged_.newest_command_us());
  for (; next < rows.size() && (rows[next].gone || rows[next].time_us <= newest_us); ++next) {
    const auto before = known.at(rows[next].time_us);
    if (rows[next].gone) {
      corrected = corrected || before;
      if (before) judged_.take_out(rows[next].time_us);
      continue;
    }
    if (before && *before == rows[next].value) continue;
    corrected = corrected || before;
    judged_.put({&rows[next].time_us, 1}, {&rows[next].value, 1});
  }
  revisable<alarm_judge>::differences differences;
  judged_.revise(received_at_us, differences);
  book_.tell(differences, corrected ? "a reading was corrected" : "a reading came late", received_at_us, out);
  const auto told = out.size();
  for (; next < rows.size(); ++next)
    if (!rows[next].gone) judged_.append({&rows[next].time_us, 1}, {&rows[next].value, 1}, received_at_us, out);
  book_.tell(std::span(out).subspan(told));
  judged_.settle(floor_us);
  book_.settle(floor_us);
}

void judged_alarms::configure(sensor_config config, std::int64_t at_us, std::int64_t floor_us, std::int64_t received_at_us,
                              std::vector<event>& out) {
  config.stream.reset();  // of no use here
  const auto place_us = std::max(at_us, judged_.newest_command_us());
  put_in_place({std::move(config), std::nullopt, place_us, received_at_us}, at_us, "limits were changed", floor_us,
               received_at_us, out);
}

void judged_alarms::obey(limit_order order, std::int64_t at_us, std::int64_t floor_us, std::int64_t received_at_us,
                         std::vector<event>& out) {
  const auto place_us = std::max(at_us, judged_.newest_command_us());
  order.at_us = place_us == INT64_MIN ? received_at_us : place_us;
  order.number = orders_++;
  put_in_place({std::nullopt, std::move(order), 0, 0}, at_us, "an operator gave an order", floor_us, received_at_us, out);
}

void judged_alarms::put_in_place(alarm_command what, std::int64_t at_us, std::string_view reason, std::int64_t floor_us,
                                 std::int64_t received_at_us, std::vector<event>& out) {
  revisable<alarm_judge>::differences differences;
  judged_.apply(std::move(what), std::max(at_us, judged_.newest_command_us()), received_at_us, differences);
  book_.tell(differences, reason, received_at_us, out);
  judged_.settle(floor_us);
  book_.settle(floor_us);
}

/// A delay decides at the instant at which it ends, whenever the tick comes: readings up to there stand before it.
void judged_alarms::advance(std::int64_t time_us, std::int64_t received_at_us, std::vector<event>& out) {
  revisable<alarm_judge>::differences differences;
  for (auto due = due_us(), before = INT64_MIN; due <= time_us && due > before; before = due, due = due_us())
    judged_.apply({std::nullopt, std::nullopt, due, 0}, std::max(due, judged_.newest_command_us()), received_at_us, differences);
  book_.tell(differences, "time went by", received_at_us, out);
}

void judged_alarms::encode(std::string& out) const {
  put_byte(out, with_orders);
  judged_.encode(out);
  book_.encode(out);
  put_varint(out, orders_);
}

bool judged_alarms::decode(std::string_view& in) {
  if (!in.empty() && static_cast<std::uint8_t>(in.front()) < 0x80U) {
    alarm_judge alone;
    if (!alone.decode(in)) return false;
    judged_ = revisable<alarm_judge>(std::move(alone));
    book_ = {};
    orders_ = 0;
    return true;
  }
  std::uint8_t version = 0;
  orders_ = 0;
  return get_byte(in, version) && version >= without_orders && version <= with_orders && judged_.decode(in) && book_.decode(in) &&
         (version == without_orders || get_varint_as(in, orders_));
}

}  // namespace factory
