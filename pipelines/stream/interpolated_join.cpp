#include "pipelines/stream/interpolated_join.hpp"

#include <algorithm>
#include <utility>

#include "pipelines/model/coding.hpp"
#include "pipelines/stream/limits.hpp"

namespace factory {

std::int64_t interpolated_join::ends_us(const row& it, std::size_t source) const {
  const auto before_us = newest_[source].time_us;
  return before_us == INT64_MIN ? it.time_us + 1 : std::max(it.time_us, before_us + tolerance_us_) + 1;
}

/// A reading of the source: what waits between it and the one before lies on the line between them. REQUIRES: give_up() has seen its time, so
/// both are within the tolerance.
void interpolated_join::fill(std::size_t source, const reading& next) {
  const auto before = newest_[source];
  for (auto& each : waiting_) {
    if (each.is != row::kind::waits || each.known[source] || each.time_us >= next.time_us) continue;
    const auto share = static_cast<double>(each.time_us - before.time_us) / static_cast<double>(next.time_us - before.time_us);
    each.values[source] = before.value + share * (next.value - before.value);
    each.known[source] = true;
    each.until_us = std::max(each.until_us, next.time_us + 1);
  }
}

/// What lacks a source whose next reading would come too late.
void interpolated_join::give_up(std::int64_t bound_us) {
  for (auto& each : waiting_) {
    if (each.is != row::kind::waits) continue;
    auto end_us = INT64_MAX;
    for (std::size_t source = 0; source < newest_.size(); ++source)
      if (!each.known[source]) end_us = std::min(end_us, ends_us(each, source));
    if (end_us > bound_us) continue;
    each.is = row::kind::without_a_source;
    each.until_us = end_us;
  }
}

void interpolated_join::release(std::int64_t newest_us, std::vector<row>& decided) {
  while (!waiting_.empty()) {
    auto& next = waiting_.front();
    if (next.is == row::kind::waits && std::ranges::count(next.known, false) == 0) next.is = row::kind::whole;
    if (next.is == row::kind::waits && waiting_.size() > limits::stream_rows_revisable) {
      next.is = row::kind::one_of_too_many;
      next.until_us = newest_us + 1;
    }
    if (next.is == row::kind::waits) return;
    decided.push_back(std::move(next));
    waiting_.pop_front();
  }
}

void interpolated_join::take(std::int64_t time_us, std::size_t source, double value, std::vector<row>& decided) {
  give_up(time_us);
  const reading next{time_us, value};
  fill(source, next);
  newest_[source] = next;
  if (waiting_.empty() || waiting_.back().time_us != time_us) {
    auto& made = waiting_.emplace_back();
    made.time_us = time_us;
    made.until_us = time_us + 1;
    made.values.resize(newest_.size());
    made.known.resize(newest_.size());
  }
  waiting_.back().values[source] = value;
  waiting_.back().known[source] = true;
  release(time_us, decided);
}

void interpolated_join::finish(std::int64_t until_us, std::vector<row>& decided) {
  give_up(until_us);
  release(until_us, decided);
}

std::int64_t interpolated_join::bound_us(std::int64_t bound_us) const {
  return waiting_.empty() ? bound_us : std::min(bound_us, waiting_.front().time_us);
}

std::optional<std::int64_t> interpolated_join::next_end_us(std::int64_t after_us) const {
  std::optional<std::int64_t> next;
  for (const auto& each : waiting_)
    for (std::size_t source = 0; source < newest_.size(); ++source) {
      if (each.known[source]) continue;
      const auto end_us = ends_us(each, source);
      if (end_us > after_us && (!next || end_us < *next)) next = end_us;
    }
  return next;
}

bool interpolated_join::remembers_since(std::int64_t time_us, std::int64_t bound_us) const {
  if (!waiting_.empty() && waiting_.front().time_us < time_us + tolerance_us_) return false;
  return bound_us - time_us >= tolerance_us_ ||
         std::ranges::all_of(newest_, [&](const reading& each) { return each.time_us >= time_us; });
}

void interpolated_join::encode(std::string& out) const {
  for (const auto& each : newest_) {
    put_zigzag(out, each.time_us);
    put_double(out, each.value);
  }
  put_varint(out, waiting_.size());
  for (const auto& each : waiting_) {
    put_zigzag(out, each.time_us);
    put_zigzag(out, each.until_us);
    put_byte(out, static_cast<std::uint8_t>(each.is));
    for (std::size_t source = 0; source < newest_.size(); ++source) {
      put_byte(out, each.known[source] ? 1 : 0);
      put_double(out, each.values[source]);
    }
  }
}

bool interpolated_join::decode(std::string_view& in) {
  std::uint64_t count = 0;
  for (auto& each : newest_)
    if (!get_zigzag(in, each.time_us) || !get_double(in, each.value)) return false;
  if (!get_varint(in, count) || count > in.size()) return false;
  waiting_.assign(count, {});
  for (auto& each : waiting_) {
    std::uint8_t kind = 0;
    if (!get_zigzag(in, each.time_us) || !get_zigzag(in, each.until_us) || !get_byte(in, kind) ||
        kind > static_cast<std::uint8_t>(row::kind::one_of_too_many))
      return false;
    each.is = static_cast<row::kind>(kind);
    each.values.resize(newest_.size());
    each.known.resize(newest_.size());
    for (std::size_t source = 0; source < newest_.size(); ++source) {
      std::uint8_t known = 0;
      if (!get_byte(in, known) || known > 1 || !get_double(in, each.values[source])) return false;
      each.known[source] = known == 1;
    }
  }
  return true;
}

}  // namespace factory
