#include "pipelines/machine/machine_watch.hpp"

#include <algorithm>

#include "pipelines/machine/limits.hpp"
#include "pipelines/model/coding.hpp"

namespace factory {
namespace {

constexpr std::uint8_t watch_version = 2, watch_without_past = 1;

}  // namespace

std::optional<std::int64_t> machine_watch::watermark_us() const {
  const auto oldest = std::ranges::min(watermarks_us_);
  return oldest == INT64_MIN ? std::nullopt : std::optional(oldest);
}

std::int64_t machine_watch::floor_us() const {
  return floor_cell_ == INT64_MIN ? INT64_MIN : machine_cell::begin_us(floor_cell_);
}

machine_view machine_watch::view() const {
  const auto& judge = judged_.now();
  const auto& detector = judge.detector();
  machine_view out;
  for (std::size_t i = 0; i < sensors_.size(); ++i) {
    const double spread = detector.spread_of(i);
    out.sensors.push_back({sensors_[i], spread > 0, spread > 0 ? detector.expected_of(i) : 0, spread});
  }
  out.is_ready = detector.warm();
  out.score = detector.newest_score();
  out.sensitivity = judge.sensitivity();
  out.learned_rows = detector.learned_rows();
  out.learning_since_us = detector.learning_since_us();
  out.open = detector.episodes().open();
  out.culprits = judge.culprits();
  return out;
}

void machine_watch::encode(std::string& out) const {
  put_byte(out, watch_version);
  judged_.encode(out);
  book_.encode(out);
  for (const auto each : watermarks_us_) put_zigzag(out, each);
  put_zigzag(out, floor_cell_);
  put_varint(out, cells_.size());
  for (const auto& each : cells_) {
    put_zigzag(out, each.cell);
    put_byte(out, each.is_judged ? 1 : 0);
  }
  for (const auto& each : slots_) {
    put_byte(out, each.time_us == INT64_MIN ? 0 : 1);
    if (each.time_us == INT64_MIN) continue;
    put_zigzag(out, each.time_us);
    put_double(out, each.value);
  }
  for (const auto each : {counts_.in, counts_.duplicate, counts_.corrected, counts_.late, counts_.future}) put_varint(out, each);
  put_byte(out, knows_its_begin_ ? 1 : 0);
  for (const auto each : {begin_us_, again_.first_us, again_.last_us, marked_at_}) put_zigzag(out, each);
  put_double(out, how_.sensitivity);
  put_varint(out, settings_.size());
  for (const auto& each : settings_) {
    put_zigzag(out, each.place);
    put_double(out, each.sensitivity);
  }
}

bool machine_watch::decode_past(std::string_view& in) {
  std::uint8_t knows = 0;
  std::uint64_t settings = 0;
  if (!get_byte(in, knows) || knows > 1) return false;
  knows_its_begin_ = knows == 1;
  for (auto* const each : {&begin_us_, &again_.first_us, &again_.last_us, &marked_at_})
    if (!get_zigzag(in, *each)) return false;
  if (!get_double(in, how_.sensitivity) || !get_varint(in, settings) || settings > limits::watch_settings_kept) return false;
  settings_.assign(settings, {});
  return std::ranges::all_of(settings_,
                             [&](setting& each) { return get_zigzag(in, each.place) && get_double(in, each.sensitivity); });
}

bool machine_watch::decode(std::string_view& in) {
  std::uint8_t version = 0;
  std::uint64_t cells = 0;
  if (!get_byte(in, version) || version < watch_without_past || version > watch_version || !judged_.decode(in) ||
      !book_.decode(in))
    return false;
  for (auto& each : watermarks_us_)
    if (!get_zigzag(in, each)) return false;
  if (!get_zigzag(in, floor_cell_) || !get_varint(in, cells) || cells > in.size()) return false;
  cells_.assign(cells, {});
  for (auto& each : cells_) {
    std::uint8_t is_judged = 0;
    if (!get_zigzag(in, each.cell) || !get_byte(in, is_judged) || is_judged > 1) return false;
    each.is_judged = is_judged == 1;
  }
  slots_.assign(cells * sensors_.size(), {});
  for (auto& each : slots_) {
    std::uint8_t is_there = 0;
    if (!get_byte(in, is_there) || is_there > 1) return false;
    if (is_there == 1 && (!get_zigzag(in, each.time_us) || !get_double(in, each.value))) return false;
  }
  for (auto* const each : {&counts_.in, &counts_.duplicate, &counts_.corrected, &counts_.late, &counts_.future})
    if (!get_varint(in, *each)) return false;
  again_ = {};
  knows_its_begin_ = false;
  return version == watch_without_past || decode_past(in);
}

}  // namespace factory
