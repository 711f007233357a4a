#include <algorithm>
#include <cassert>
#include <iterator>
#include <map>
#include <utility>

#include "actors/engine/limits.hpp"
#include "actors/sensors/sensor_state.hpp"
#include "pipelines/model/coding.hpp"
#include "pipelines/model/limits.hpp"
#include "pipelines/model/row_range.hpp"
#include "storage/base/limits.hpp"

/// The head of a sensor's state, what is told of it, and how it is stored.
namespace factory {

namespace {

constexpr std::uint8_t encoding_version = 4;
constexpr std::uint8_t without_corrections = 3;  // written where none reach behind the floor
constexpr std::uint8_t without_quality = 2;
constexpr std::uint8_t with_windows = 1;  // two windows instead of rows that are judged again

window_view view_of(std::span<const std::int64_t> times_us, std::span<const double> values) {
  window_view view;
  view.count = values.size();
  if (view.count == 0) return view;
  const auto stats = describe(values);
  const auto [min, max] = std::ranges::minmax(values);
  view.mean = stats.mean;
  view.std_dev = stats.std_dev;
  view.min = min;
  view.max = max;
  view.oldest_us = times_us.front();
  view.newest_us = times_us.back();
  view.covers_us = view.newest_us - view.oldest_us;
  return view;
}

/// The newest rows, `count` at most.
window_view view_of_newest(const recent_rows& rows, std::size_t count) {
  const auto from = rows.size() - std::min(rows.size(), count);
  return view_of(rows.times_us().subspan(from), rows.values().subspan(from));
}

/// The readings of a window as version 1 stored it.
bool get_window(std::string_view& in, std::map<std::int64_t, double>& rows) {
  std::uint8_t version = 0;
  std::uint64_t most = 0, count = 0, ignored = 0;
  std::int64_t span_us = 0;
  double sum = 0;
  if (!get_byte(in, version) || version != 1 || !get_varint(in, most) || !get_zigzag(in, span_us) || !get_varint(in, count) ||
      count > most)
    return false;
  if (count == 0) return true;
  if (!get_varint(in, ignored) || !get_varint(in, ignored)) return false;
  for (int sums = 0; sums < 4; ++sums)
    if (!get_double(in, sum)) return false;
  recent_rows read;
  if (!get_rows(in, count, read)) return false;
  for (std::size_t row = 0; row < count; ++row) rows[read.times_us()[row]] = read.values()[row];
  return true;
}

}  // namespace

bool sensor_state::head_is_full() const {
  // Sensors that are read out together would all be full in the same moment, and an alert that comes then would wait for all of them.
  const std::size_t earlier = (sensor_ * 37U + next_block_ * 101U) % limits::head_readings_spread;
  return head_.size() >= limits::head_readings - earlier;
}

void sensor_state::seal_head() {
  constexpr unsigned out_of_line = flag_late | flag_future;
  reading_run regular = head_.take(), apart;
  const auto follows = [this](const reading_run& rows, std::size_t i) {
    return (rows.flags[i] & out_of_line) == 0 && rows.event_time_us[i] > sealed_until_us_;
  };
  const bool flagged =
      std::any_of(regular.flags.begin(), regular.flags.end(), [](std::uint8_t flags) { return (flags & out_of_line) != 0; });
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

sensor_status sensor_state::status() const {
  sensor_status status;
  status.accepted = accepted_;
  status.duplicate = duplicate_;
  status.corrected = corrected_;
  status.out_of_order = out_of_order_;
  status.late = late_;
  status.future = future_;
  status.left_out = left_out_;
  status.oldest_us = oldest_us_;
  status.watermark_us = seen() ? watermark_us_ : 0;
  status.count_window = view_of_newest(rows(), limits::window_readings);
  if (!seen()) return status;
  const auto in_span = rows().size() - rows().upper_bound(rows().newest_us() - rules().time_window_us);
  status.time_window = view_of_newest(rows(), std::min(in_span, limits::time_window_readings));
  if (in_span < limits::time_window_readings) status.time_window.covers_us = rules().time_window_us;
  return status;
}

detection_view sensor_state::detection() const {
  const auto& judge = judged_.now();
  const auto& detectors = judge.detectors();
  detection_view view;
  view.expected = detectors.expected();
  for (const auto& each : factory::detectors()) view.warm[static_cast<std::size_t>(each.id) - 1] = detectors.warm(each.id);
  view.open = detectors.episodes().open();
  view.broken = judge.control_chart().open();
  view.spc = judge.rules().spc;
  view.quiet_until_us = judge.quiet_until_us();
  if (seen()) view.newest_us = rows().newest_us();
  return view;
}

void sensor_state::encode(std::string& out) const {
  const auto& is = unusual_.read();
  put_byte(out, is_corrected() ? encoding_version : without_corrections);
  put_varint(out, next_block_);
  put_byte(out, static_cast<std::uint8_t>((next_matters_ ? 1 : 0) | (is.future_seen ? 2 : 0)));
  put_zigzag(out, watermark_us_);
  put_zigzag(out, is.newest_future_us);
  put_double(out, is.newest_future_value);
  put_zigzag(out, sealed_until_us_);
  put_zigzag(out, oldest_us_);
  put_zigzag(out, calm_from_us_);
  put_zigzag(out, received_us_);
  for (const auto count : {accepted_, duplicate_, corrected_, out_of_order_, late_, future_, is.late.count})
    put_varint(out, count);
  for (const auto us : {is.late.first_received_us, is.late.first_us, is.late.last_us}) put_zigzag(out, us);
  judged_.encode(out);
  is.book.encode(out);
  head_.encode(out);
  put_varint(out, left_out_);
  put_zigzag(out, newest_left_out_us_);
  put_zigzag(out, uncertain_until_us_);
  if (!is_corrected()) return;
  put_ranges(out, is.corrected_ranges);
  put_byte(out, is.latest_as_stored ? 1 : 0);
  if (!is.latest_as_stored) return;
  put_zigzag(out, is.latest_as_stored->event_time_us);
  put_double(out, is.latest_as_stored->value);
  put_byte(out, is.latest_as_stored->flags);
}

bool sensor_state::decode(std::string_view& in) {
  std::uint8_t version = 0, bits = 0;
  if (!get_byte(in, version)) return false;
  if (version == with_windows) return decode_version_1(in);
  unusual is;
  bool ok = version >= without_quality && version <= encoding_version && get_varint_as(in, next_block_) && get_byte(in, bits) &&
            get_zigzag(in, watermark_us_) && get_zigzag(in, is.newest_future_us) && get_double(in, is.newest_future_value) &&
            get_zigzag(in, sealed_until_us_) && get_zigzag(in, oldest_us_) && get_zigzag(in, calm_from_us_) &&
            get_zigzag(in, received_us_);
  for (auto* count : {&accepted_, &duplicate_, &corrected_, &out_of_order_, &late_, &future_, &is.late.count})
    ok = ok && get_varint(in, *count);
  for (auto* us : {&is.late.first_received_us, &is.late.first_us, &is.late.last_us}) ok = ok && get_zigzag(in, *us);
  next_matters_ = (bits & 1U) != 0;
  is.future_seen = (bits & 2U) != 0;
  if (!ok || !judged_.decode(in) || !is.book.decode(in) || !head_.decode(in)) return false;
  if (version >= without_corrections &&
      (!get_varint(in, left_out_) || !get_zigzag(in, newest_left_out_us_) || !get_zigzag(in, uncertain_until_us_)))
    return false;
  if (version == encoding_version && !decode_corrections(in, is)) return false;
  take_unusual(std::move(is));
  note_on_disk();
  return true;
}

void sensor_state::take_unusual(unusual is) {
  unusual_ = {};
  const bool is_any = is.future_seen || is.late.count > 0 || !is.book.is_fresh() || !is.corrected_ranges.empty();
  if (is_any || is.latest_as_stored) unusual_.change() = std::move(is);
}

bool sensor_state::decode_corrections(std::string_view& in, unusual& is) const {
  std::uint8_t is_there = 0;
  if (!get_ranges(in, is.corrected_ranges) || !get_byte(in, is_there) || is_there > 1) return false;
  if (is_there == 0) return true;
  auto& stored = is.latest_as_stored.emplace();
  stored.sensor = sensor_;
  return get_zigzag(in, stored.event_time_us) && get_double(in, stored.value) && get_byte(in, stored.flags);
}

/// What version 1 knew is taken for judged; readings that are not newer are judged from here on like all others.
bool sensor_state::decode_version_1(std::string_view& in) {
  std::uint8_t seen = 0;
  double watermark_value = 0;
  unusual is;
  bool ok = get_varint_as(in, next_block_) && get_byte(in, seen) && get_zigzag(in, watermark_us_) &&
            get_double(in, watermark_value) && get_zigzag(in, is.newest_future_us) && get_double(in, is.newest_future_value) &&
            get_zigzag(in, sealed_until_us_) && get_zigzag(in, oldest_us_);
  for (auto* count : {&accepted_, &duplicate_, &corrected_, &out_of_order_, &late_, &future_}) ok = ok && get_varint(in, *count);
  is.future_seen = (seen & 2U) != 0;
  take_unusual(std::move(is));
  std::map<std::int64_t, double> windows;
  if (!ok || !get_window(in, windows) || !get_window(in, windows) || !head_.decode(in)) return false;
  std::vector<std::int64_t> times_us;
  std::vector<double> values;
  for (const auto& [time_us, value] : windows) {
    times_us.push_back(time_us);
    values.push_back(value);
  }
  std::vector<event> told_before;
  if (!values.empty()) {
    judged_.append(times_us, values, 0, told_before);
    calm_from_us_ = times_us.back();
    settle(watermark_us_);
  }
  note_on_disk();
  return true;
}

void sensor_state::note_on_disk() {
  if (const auto newest = latest()) on_disk_until_us_ = newest->event_time_us;
  on_disk_until_us_ = std::max(on_disk_until_us_, newest_left_out_us_);
  if (unusual_.read().future_seen) on_disk_until_us_ = std::max(on_disk_until_us_, unusual_.read().newest_future_us);
}

}  // namespace factory
