#include "pipelines/alarm/judged_alarms.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "pipelines/correct/taken_over.hpp"
#include "pipelines/model/coding.hpp"

namespace factory {

namespace {

// A board alone begins with its own version, which is below 0x80.
constexpr std::uint8_t without_orders = 0x81;
constexpr std::uint8_t with_orders = 0x82;
constexpr std::uint8_t with_notes = 0x83;
constexpr std::uint8_t with_past = 0x84;

enum class command_kind : std::uint8_t { instant, config_without_time, order, config };

std::optional<double> reading_at(const recent_rows& rows, std::int64_t time_us) {
  const auto value = rows.at(time_us);
  return value && std::isnan(*value) ? std::nullopt : value;
}

}  // namespace

void alarm_judge::observe(const recent_rows& rows, std::size_t begin, std::size_t end, std::int64_t received_at_us,
                          std::vector<event>& out) {
  const bool is_plain = notes_ == nullptr || notes_->empty();
  for (auto row = begin; row < end; ++row) {
    const auto time_us = rows.times_us()[row];
    const auto value = rows.values()[row];
    if (is_plain && !std::isnan(value)) {
      board_.observe(time_us, value, received_at_us, out);
      continue;
    }
    alarm_board::instant at{time_us};
    if (!std::isnan(value)) at.value = value;
    at.looks = !is_plain && notes_->anomalies.says_at(time_us);
    at.poor = !is_plain && notes_->poor.at(time_us) != row_quality::as_known;
    board_.observe(at, received_at_us, out);
  }
}

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

void put_alarms(std::string& out, const alarm_judge& alarms, const anomaly_notes& notes) {
  alarms.encode(out);
  notes.encode(out);
}

alarm_needs judged_alarms::needs() const {
  auto needs = needs_of(config());
  needs.anomalies = needs.anomalies || is_told_anomalies_;
  needs.quality = needs.quality || is_told_quality_;
  return needs;
}

/// Takes in what is noted, and adds the times at which that makes a difference. Where there is a reading, both are seen together.
judged_alarms::instants judged_alarms::with_changes(std::span<const alarm_row> rows, std::span<const anomaly_change> changes) {
  judged_.unsettled();  // after a restart it is made again, by what was noted when it was made
  instants all;
  note_quality(rows, all);
  note_anomalies(changes, all);
  std::ranges::sort(all.looks_us);
  const auto again = std::ranges::unique(all.looks_us);
  all.looks_us.erase(again.begin(), again.end());
  std::ranges::stable_sort(all.rows, {}, &alarm_row::time_us);
  const auto is_superseded = [&](const alarm_row& row) {
    const auto* const next = &row + 1;
    return next != all.rows.data() + all.rows.size() && next->time_us == row.time_us;
  };
  std::vector<alarm_row> newest_of_each;
  std::ranges::remove_copy_if(all.rows, std::back_inserter(newest_of_each), is_superseded);
  all.rows = std::move(newest_of_each);
  return all;
}

void judged_alarms::note_anomalies(std::span<const anomaly_change> changes, instants& all) {
  std::vector<std::int64_t> touched;
  for (const auto& each : changes) {
    const auto before_us = notes_->anomalies.time_of(each.note);
    if (!notes_->anomalies.take(each)) continue;
    if (before_us) touched.push_back(*before_us);
    if (!each.gone) touched.push_back(each.note.at_us);
  }
  for (const auto time_us : touched) {
    all.looks_us.push_back(time_us);
    const bool is_settled = time_us < judged_.floor_us();  // of before the rules about anomalies: nothing is judged there again
    if (is_settled || std::ranges::find(all.rows, time_us, &alarm_row::time_us) != all.rows.end()) continue;
    all.rows.push_back({time_us, reading_at(judged_.rows(), time_us).value_or(no_value)});
  }
}

/// A run of bad readings holds fewer than a rule's time apart: which of them come first behind a good one makes no difference then.
std::int64_t judged_alarms::reach_us() const {
  std::int64_t shortest_us = 1'000'000;
  bool any = false;
  for (const alert_rule& rule : config().rules) {
    if (rule.condition != rule_condition::stale_quality) continue;
    shortest_us = any ? std::min(shortest_us, rule.options.silence_us) : rule.options.silence_us;
    any = true;
  }
  return shortest_us / 2;
}

void judged_alarms::note_quality(std::span<const alarm_row> rows, instants& all) {
  auto& poor = notes_->poor;
  const auto& known = judged_.rows();
  auto newest_value_us = INT64_MIN;
  for (const alarm_row& row : rows) {
    const auto time_us = row.time_us;
    if (row.gone && row.quality == row_quality::bad) {
      auto behind = known.lower_bound(time_us);
      while (behind > 0 && std::isnan(known.values()[behind - 1])) --behind;
      if (behind > 0) newest_value_us = std::max(newest_value_us, known.times_us()[behind - 1]);
      const bool is_new = poor.at(time_us) == row_quality::as_known && !poor.join(time_us, reach_us(), newest_value_us);
      if ((is_new || poor.at(time_us) == row_quality::uncertain) && poor.put(time_us, row_quality::bad))
        all.looks_us.push_back(time_us);
    } else if (row.gone || row.quality != row_quality::as_known) {
      const bool was_uncertain = poor.at(time_us) == row_quality::uncertain;
      const auto cut = poor.cut(time_us);
      if (cut.to_put && poor.put(*cut.to_put, row_quality::bad)) {
        all.rows.push_back({*cut.to_put, no_value});
        all.looks_us.push_back(*cut.to_put);
      }
      const bool is_uncertain = row.quality == row_quality::uncertain && poor.put(time_us, row_quality::uncertain);
      if (is_uncertain ? !was_uncertain : cut.was_seen) all.looks_us.push_back(time_us);
    }
    if (!row.gone) newest_value_us = time_us;
    all.rows.push_back(row);
  }
}

bool judged_alarms::is_noted(std::int64_t time_us) const {
  return !notes_->empty() && (notes_->anomalies.says_at(time_us) || notes_->poor.at(time_us) == row_quality::bad);
}

/// Of a sensor whose readings are bad for long: the bound of what is kept behind the newest good one. Only a good reading that comes
/// later than all that is kept would need what goes.
void judged_alarms::forget_oldest_poor(std::int64_t received_at_us, std::vector<event>& out) {
  const auto& known = judged_.rows();
  auto behind = known.size();
  while (behind > 0 && std::isnan(known.values()[behind - 1])) --behind;
  std::vector<std::int64_t> forgotten;
  notes_->poor.thin(behind == 0 ? INT64_MIN : known.times_us()[behind - 1], limits::poor_readings_kept, forgotten);
  if (forgotten.empty()) return;
  for (const auto time_us : forgotten)
    if (known.at(time_us) && time_us >= judged_.floor_us() && !is_noted(time_us)) judged_.take_out(time_us);
  revisable<alarm_judge>::differences differences;
  judged_.revise(received_at_us, differences);
  tell(differences, "a reading came late", received_at_us, out);
}

/// One that does not stand behind all others. Whether it takes the place of another reading.
bool judged_alarms::put(const alarm_row& row, bool looks) {
  const auto before = judged_.rows().at(row.time_us);
  const bool was_reading = before && !std::isnan(*before);
  const auto value = row.gone ? no_value : row.value;
  if (std::isnan(value) && !is_noted(row.time_us)) {
    if (before) judged_.take_out(row.time_us);
    return was_reading;
  }
  const bool is_same = before && (*before == value || (std::isnan(*before) && std::isnan(value)));
  if (is_same && !looks) return false;
  judged_.put({&row.time_us, 1}, {&value, 1});
  return was_reading && !is_same;
}

void judged_alarms::observe(std::span<const alarm_row> rows, std::int64_t floor_us, std::int64_t received_at_us,
                            std::vector<event>& out, std::span<const anomaly_change> changes) {
  const bool is_plain = changes.empty() && !is_told_quality_;
  const auto changed = is_plain ? instants() : with_changes(rows, changes);
  const auto all = is_plain ? rows : std::span<const alarm_row>(changed.rows);
  std::size_t next = 0;
  bool corrected = false;
  const auto& known = judged_.rows();
  const auto newest_us = std::max(known.empty() ? INT64_MIN : known.newest_us(), judged_.newest_command_us());
  for (; next < all.size() && (all[next].gone || all[next].time_us <= newest_us); ++next) {
    const bool looks = std::ranges::binary_search(changed.looks_us, all[next].time_us);
    if (put(all[next], looks)) corrected = true;
  }
  revisable<alarm_judge>::differences differences;
  judged_.revise(received_at_us, differences);
  tell(differences, corrected ? "a reading was corrected" : "a reading came late", received_at_us, out);
  const auto told = out.size();
  for (; next < all.size(); ++next) {
    const auto& row = all[next];
    const auto value = row.gone ? no_value : row.value;
    if (!std::isnan(value) || is_noted(row.time_us)) judged_.append({&row.time_us, 1}, {&value, 1}, received_at_us, out);
  }
  if (!book_.is_fresh()) book_.change().tell(std::span(out).subspan(told));
  if (is_told_quality_) forget_oldest_poor(received_at_us, out);
  settle(floor_us);
}

void judged_alarms::settle(std::int64_t floor_us) {
  judged_.settle(floor_us);
  if (!book_.is_fresh()) book_.change().settle(floor_us);
  notes_->anomalies.settle(judged_.settled_us());
  notes_->poor.settle(judged_.settled_us());
}

void judged_alarms::configure(sensor_config config, std::int64_t at_us, std::int64_t floor_us, std::int64_t received_at_us,
                              std::vector<event>& out) {
  config.stream.reset();  // of no use here
  const auto needs = needs_of(config);
  is_told_anomalies_ = is_told_anomalies_ || needs.anomalies;
  is_told_quality_ = is_told_quality_ || needs.quality;
  const auto place_us = std::max(at_us, judged_.newest_command_us());
  const bool is_first = past_.is_fresh() && config_since_us_ == INT64_MIN && !this->config().thresholds.configured() &&
                        this->config().rules.empty();
  alarm_command what{std::move(config), std::nullopt, place_us, received_at_us};
  if (!is_first) remember(what);
  config_at_us_ = place_us;
  config_since_us_ = received_at_us;
  put_in_place(std::move(what), at_us, "limits were changed", floor_us, received_at_us, out);
}

/// Of nothing but one config, nothing is kept.
void judged_alarms::remember(const alarm_command& what) {
  auto& past = past_.change();
  if (past.empty()) past.push_back({config(), std::nullopt, config_at_us_, config_since_us_});
  past.push_back(what);
  if (past.size() <= alarm_past::most) return;
  const auto next = std::ranges::find_if(past.begin() + 1, past.end(), [](const auto& each) { return each.config.has_value(); });
  past.erase(next == past.begin() + 1 ? past.begin() : past.begin() + 1);
}

alarm_past judged_alarms::past() const {
  if (!past_.is_fresh()) return {past_.read()};
  return {{{config(), std::nullopt, config_at_us_, config_since_us_}}};
}

void judged_alarms::take_over(const hand_over& past, bool is_due, std::span<const alarm_row> rows,
                              std::span<const anomaly_change> changes, std::int64_t floor_us, std::int64_t received_at_us,
                              std::vector<event>& out) {
  std::vector<event> settled;
  std::ranges::copy_if(past.events, std::back_inserter(settled), [](const event& each) { return is_of_alarms(each.key); });
  if (!is_due || !judged_.is_held() || judged_.settled_us() != past.edge_us) {
    judged_.let_go();
    observe({}, floor_us, received_at_us, settled, changes);
    out.insert(out.end(), settled.begin(), settled.end());
    return;
  }
  judged_.unsettled();
  alarm_judge alarms(notes_.get());
  anomaly_notes notes;
  std::string_view in = past.alarms;
  if (!in.empty() && alarms.decode(in) && notes.decode(in)) {
    alarms.look_up(notes_.get());
    notes_->anomalies.take_over(notes, past.edge_us);
  } else {
    alarms = judged_.settled();
  }
  for (const auto& each : with_changes(rows, changes).rows) put(each, true);
  revisable<alarm_judge>::differences differences;
  judged_.take_over(std::move(alarms), {}, received_at_us, differences);
  auto told = taken_over(past, std::move(settled), differences, judged_.made(), received_at_us, book_.change());
  out.insert(out.end(), told.begin(), told.end());
  settle(floor_us);
}

void judged_alarms::obey(limit_order order, std::int64_t at_us, std::int64_t floor_us, std::int64_t received_at_us,
                         std::vector<event>& out) {
  const auto place_us = std::max(at_us, judged_.newest_command_us());
  order.at_us = place_us == INT64_MIN ? received_at_us : place_us;
  order.number = orders_++;
  remember({std::nullopt, order, place_us, 0});
  put_in_place({std::nullopt, std::move(order), 0, 0}, at_us, "an operator gave an order", floor_us, received_at_us, out);
}

void judged_alarms::put_in_place(alarm_command what, std::int64_t at_us, std::string_view reason, std::int64_t floor_us,
                                 std::int64_t received_at_us, std::vector<event>& out) {
  revisable<alarm_judge>::differences differences;
  judged_.apply(std::move(what), std::max(at_us, judged_.newest_command_us()), received_at_us, differences);
  tell(differences, reason, received_at_us, out);
  settle(floor_us);
}

/// A delay decides at the instant at which it ends, whenever the tick comes: readings up to there stand before it.
void judged_alarms::advance(std::int64_t time_us, std::int64_t received_at_us, std::vector<event>& out) {
  revisable<alarm_judge>::differences differences;
  for (auto due = due_us(), before = INT64_MIN; due <= time_us && due > before; before = due, due = due_us())
    judged_.apply({std::nullopt, std::nullopt, due, 0}, std::max(due, judged_.newest_command_us()), received_at_us, differences);
  tell(differences, "time went by", received_at_us, out);
}

void judged_alarms::encode(std::string& out) const {
  put_byte(out, with_past);
  judged_.encode(out);
  book_.read().encode(out);
  put_varint(out, orders_);
  put_byte(out, static_cast<std::uint8_t>((is_told_anomalies_ ? 1U : 0U) | (is_told_quality_ ? 2U : 0U)));
  notes_->anomalies.encode(out);
  notes_->poor.encode(out);
  put_zigzag(out, config_at_us_);
  put_zigzag(out, config_since_us_);
  put_varint(out, past_.read().size());
  for (const auto& each : past_.read()) alarm_judge::put_command(out, each);
}

bool judged_alarms::decode(std::string_view& in) {
  orders_ = 0;
  is_told_anomalies_ = is_told_quality_ = false;
  *notes_ = {};
  past_ = {};
  config_at_us_ = config_since_us_ = INT64_MIN;
  if (!in.empty() && static_cast<std::uint8_t>(in.front()) < 0x80U) {
    alarm_judge alone(notes_.get());
    if (!alone.decode(in)) return false;
    judged_ = revisable<alarm_judge>(std::move(alone));
    book_ = {};
    return true;
  }
  std::uint8_t version = 0, is_told = 0;
  revision_book book;
  if (!get_byte(in, version) || version < without_orders || version > with_past || !judged_.decode(in) || !book.decode(in))
    return false;
  book_ = {};
  if (!book.is_fresh()) book_.change() = std::move(book);
  if (version >= with_orders && !get_varint_as(in, orders_)) return false;
  if (version < with_notes) return true;
  if (!get_byte(in, is_told) || is_told > 3) return false;
  is_told_anomalies_ = (is_told & 1U) != 0;
  is_told_quality_ = (is_told & 2U) != 0;
  if (!notes_->anomalies.decode(in) || !notes_->poor.decode(in)) return false;
  return version < with_past || decode_past(in);
}

bool judged_alarms::decode_past(std::string_view& in) {
  std::uint64_t count = 0;
  if (!get_zigzag(in, config_at_us_) || !get_zigzag(in, config_since_us_) || !get_varint(in, count) || count > alarm_past::most)
    return false;
  if (count == 0) return true;
  past_.change().resize(count);
  return std::ranges::all_of(past_.change(), [&](alarm_command& each) { return alarm_judge::get_command(in, each); });
}

}  // namespace factory
