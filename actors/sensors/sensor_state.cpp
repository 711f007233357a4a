#include "actors/sensors/sensor_state.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "actors/engine/limits.hpp"
#include "pipelines/model/coding.hpp"
#include "pipelines/model/limits.hpp"
#include "pipelines/model/row_range.hpp"
#include "storage/base/limits.hpp"

namespace factory {

namespace {

constexpr std::uint8_t encoding_version = 1;

bool same_bits(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }

window_view view_of(const rolling_window& window) {
  window_view view;
  view.count = window.size();
  if (view.count == 0) return view;
  const auto stats = window.stats();
  view.mean = stats.mean;
  view.std_dev = stats.std_dev;
  view.min = window.min();
  view.max = window.max();
  view.oldest_us = window.oldest_us();
  view.newest_us = window.newest_us();
  view.covers_us = window.covers_us();
  return view;
}

}  // namespace

sensor_state::sensor_state(sensor_id sensor, const stream_rules& rules)
    : sensor_(sensor),
      rules_(rules),
      count_window_(limits::window_readings, 0),
      time_window_(limits::time_window_readings, rules.time_window_us) {}

sensor_state::findings sensor_state::apply(std::int64_t received_at_us, const reading_batch& readings, const slice& rows) {
  findings found;
  const auto future_from_us = received_at_us + rules_.future_skew_us;
  accepted_ += rows.size();
  for (auto rest = rows; rest.begin < rest.end;) {
    const slice run{rows.sensor, rest.begin, run_in_order(readings, rest, future_from_us)};
    if (run.size() > 0) {
      for (auto row = run.begin; row < run.end; ++row) {
        judge(row, readings.value[row], found);
        count_window_.push(readings.event_time_us[row], readings.value[row]);
      }
      in_order(readings.times(run), readings.values(run));
      rest.begin = run.end;
      continue;
    }
    const slice gap{rows.sensor, rest.begin, run_in_gap(readings, rest, future_from_us)};
    if (gap.size() > 1) {
      in_gap(readings.times(gap), readings.values(gap));
      rest.begin = gap.end;
      continue;
    }
    const auto time_us = readings.event_time_us[rest.begin];
    const auto value = readings.value[rest.begin];
    oldest_us_ = std::min(oldest_us_, time_us);
    time_us > future_from_us ? ahead(time_us, value) : behind(time_us, value);
    ++rest.begin;
  }
  return found;
}

/// Where the rows end that move the watermark one after the other.
std::uint32_t sensor_state::run_in_order(const reading_batch& readings, const slice& rows, std::int64_t future_from_us) const {
  bool seen = seen_;
  auto watermark_us = watermark_us_;
  auto end = rows.begin;
  for (; end < rows.end; ++end) {
    const auto time_us = readings.event_time_us[end];
    if (time_us > future_from_us || (seen && time_us <= watermark_us)) break;
    seen = true;
    watermark_us = time_us;
  }
  return end;
}

/// Where the rows end that are out of order, but in order among themselves, not late, and all between the same neighbours in head and
/// windows: a body that was overtaken by another. Those need neither be looked up nor make room for themselves one by one.
std::uint32_t sensor_state::run_in_gap(const reading_batch& readings, const slice& rows, std::int64_t future_from_us) const {
  const auto first_us = readings.event_time_us[rows.begin];
  if (rows.size() < 2 || first_us > future_from_us || first_us < watermark_us_ - rules_.allowed_lateness_us) return rows.begin;
  const auto until_us = std::min(
      {head_.next_time_us(first_us), count_window_.next_time_us(first_us), time_window_.next_time_us(first_us), watermark_us_});
  auto end = rows.begin;
  for (auto before_us = INT64_MIN; end < rows.end; ++end) {
    const auto time_us = readings.event_time_us[end];
    if (time_us <= before_us || time_us >= until_us) break;
    before_us = time_us;
  }
  return end;
}

void sensor_state::watch(const calm_band& calm) {
  calm_ = calm;
  was_calm_ = false;  // an alert may be active
}

void sensor_state::judge(std::uint32_t row, double value, findings& found) {
  const bool calm = calm_.contains(value);
  if (!calm || !was_calm_) found.alarm_rows.push_back(row);
  was_calm_ = calm;
  if (count_window_.size() < rules_.z_min_readings || !count_window_.may_exceed(value, rules_.z_threshold)) return;
  const auto stats = count_window_.stats();
  if (stats.std_dev > 0) found.suspects.push_back({row, stats.mean, stats.std_dev});
}

/// All of it but the count window, which has to stand still at each reading while that is judged.
void sensor_state::in_order(std::span<const std::int64_t> times_us, std::span<const double> values) {
  if (head_.size() == 0 || times_us.front() > head_.rows().event_time_us.back()) {
    head_.append_run(times_us, values);
  } else {  // readings that came from the future before stand there already
    for (std::size_t i = 0; i < values.size(); ++i)
      if (head_.put(times_us[i], values[i], flag_none) == head::effect::replaced) ++corrected_;
  }
  time_window_.push_run(times_us, values);
  oldest_us_ = std::min(oldest_us_, times_us.front());
  seen_ = true;
  watermark_us_ = times_us.back();
  watermark_value_ = values.back();
}

void sensor_state::behind(std::int64_t time_us, double value) {
  auto known = head_.at(time_us);
  if (!known) known = count_window_.at(time_us);
  if (known && same_bits(*known, value)) {
    ++duplicate_;
    return;
  }
  const bool late = time_us < watermark_us_ - rules_.allowed_lateness_us;
  if (known)
    ++corrected_;
  else
    ++(late ? late_ : out_of_order_);
  head_.put(time_us, value, late ? flag_late : flag_none);
  if (late) return;
  count_window_.revise(time_us, value);
  time_window_.revise(time_us, value);
  if (time_us == watermark_us_) watermark_value_ = value;
}

/// The same as behind() for each of them.
void sensor_state::in_gap(std::span<const std::int64_t> times_us, std::span<const double> values) {
  out_of_order_ += values.size();
  oldest_us_ = std::min(oldest_us_, times_us.front());
  head_.insert_run(times_us, values);
  count_window_.revise_run(times_us, values);
  time_window_.revise_run(times_us, values);
}

void sensor_state::ahead(std::int64_t time_us, double value) {
  switch (head_.put(time_us, value, flag_future)) {
    case head::effect::identical: ++duplicate_; return;
    case head::effect::replaced: ++corrected_; break;
    default: ++future_;
  }
  if (future_seen_ && time_us < newest_future_us_) return;
  future_seen_ = true;
  newest_future_us_ = time_us;
  newest_future_value_ = value;
}

bool sensor_state::head_is_full() const {
  // Sensors that are read out together would all be full in the same moment, and an alert that comes then would wait for all of them.
  const std::size_t earlier = (sensor_ * 37U + next_block_ * 101U) % limits::head_readings_spread;
  return head_.size() >= limits::head_readings - earlier;
}

void sensor_state::seal_head() {
  reading_run regular = head_.take(), apart;
  const auto follows = [this](const reading_run& rows, std::size_t i) {
    return rows.flags[i] == flag_none && rows.event_time_us[i] > sealed_until_us_;
  };
  const bool flagged =
      std::any_of(regular.flags.begin(), regular.flags.end(), [](std::uint8_t flags) { return flags != flag_none; });
  if (flagged || (!regular.empty() && regular.event_time_us.front() <= sealed_until_us_)) {
    const auto rows = std::exchange(regular, {});
    for (std::size_t i = 0; i < rows.size(); ++i)
      (follows(rows, i) ? regular : apart).push_back(rows.event_time_us[i], rows.value[i], rows.flags[i]);
  }
  if (!regular.empty()) sealed_until_us_ = regular.event_time_us.back();

  const auto add = [&](const reading_run& run) {
    sealing_.push_back(std::make_shared<const block>(seal(sensor_, next_block_++, run)));
    ++unstored_;
    unstored_bytes_ += sealing_.back()->bytes.size();
  };
  const auto seal_in_pieces = [&](const reading_run& run) {
    if (!run.empty() && run.size() <= limits::block_readings) return add(run);
    for (std::size_t begin = 0; begin < run.size(); begin += limits::block_readings) {
      const auto from = static_cast<std::ptrdiff_t>(begin);
      const auto to = static_cast<std::ptrdiff_t>(std::min(run.size(), begin + limits::block_readings));
      const reading_run piece{{run.event_time_us.begin() + from, run.event_time_us.begin() + to},
                              {run.value.begin() + from, run.value.begin() + to},
                              {run.flags.begin() + from, run.flags.begin() + to}};
      add(piece);
    }
  };
  seal_in_pieces(regular);
  seal_in_pieces(apart);
}

std::vector<std::shared_ptr<const block>> sensor_state::take_unstored() {
  unstored_bytes_ = 0;
  return {sealing_.end() - static_cast<std::ptrdiff_t>(std::exchange(unstored_, 0)), sealing_.end()};
}

void sensor_state::written(std::uint32_t number) {
  for (const auto& each : sealing_)
    if (each->number <= number) on_disk_until_us_ = std::max(on_disk_until_us_, each->values.last_us);
  std::erase_if(sealing_, [number](const auto& each) { return each->number <= number; });
}

sensor_cut sensor_state::cut(const time_range& range) const {
  return {sensor_, next_block_, sealing_, cut_out(head_.rows(), range.begin_us, range.end_us), on_disk_until_us_};
}

std::optional<reading> sensor_state::latest() const {
  if (!seen_) return std::nullopt;
  return reading{sensor_, watermark_us_, watermark_value_};
}

sensor_status sensor_state::status() const {
  sensor_status status;
  status.accepted = accepted_;
  status.duplicate = duplicate_;
  status.corrected = corrected_;
  status.out_of_order = out_of_order_;
  status.late = late_;
  status.future = future_;
  status.oldest_us = oldest_us_;
  status.watermark_us = watermark_us_;
  status.count_window = view_of(count_window_);
  status.time_window = view_of(time_window_);
  return status;
}

void sensor_state::encode(std::string& out) const {
  put_byte(out, encoding_version);
  put_varint(out, next_block_);
  put_byte(out, static_cast<std::uint8_t>((seen_ ? 1 : 0) | (future_seen_ ? 2 : 0)));
  put_zigzag(out, watermark_us_);
  put_double(out, watermark_value_);
  put_zigzag(out, newest_future_us_);
  put_double(out, newest_future_value_);
  put_zigzag(out, sealed_until_us_);
  put_zigzag(out, oldest_us_);
  for (const auto count : {accepted_, duplicate_, corrected_, out_of_order_, late_, future_}) put_varint(out, count);
  count_window_.encode(out);
  time_window_.encode(out);
  head_.encode(out);
}

bool sensor_state::decode(std::string_view& in) {
  std::uint8_t version = 0, seen = 0;
  if (!get_byte(in, version) || version != encoding_version) return false;
  bool ok = get_varint_as(in, next_block_) && get_byte(in, seen) && get_zigzag(in, watermark_us_) &&
            get_double(in, watermark_value_) && get_zigzag(in, newest_future_us_) && get_double(in, newest_future_value_) &&
            get_zigzag(in, sealed_until_us_) && get_zigzag(in, oldest_us_);
  for (auto* count : {&accepted_, &duplicate_, &corrected_, &out_of_order_, &late_, &future_}) ok = ok && get_varint(in, *count);
  seen_ = (seen & 1U) != 0;
  future_seen_ = (seen & 2U) != 0;
  if (seen_) on_disk_until_us_ = watermark_us_;
  if (future_seen_) on_disk_until_us_ = std::max(on_disk_until_us_, newest_future_us_);
  return ok && count_window_.decode(in) && time_window_.decode(in) && head_.decode(in);
}

}  // namespace factory
