#include "pipelines/stream/stream_instance.hpp"

#include <algorithm>
#include <utility>

#include "pipelines/model/coding.hpp"
#include "pipelines/model/same_bits.hpp"
#include "pipelines/model/time.hpp"
#include "pipelines/stream/limits.hpp"

namespace factory {

namespace {

constexpr std::uint8_t encoding_version = 3, version_without_past = 2, version_without_events = 1;

void put_results(std::string& out, const std::vector<stream_result>& results) {
  put_varint(out, results.size());
  for (const auto& each : results) each.encode(out);
}
bool get_results(std::string_view& in, std::vector<stream_result>& results) {
  std::uint64_t count = 0;
  if (!get_varint(in, count) || count > in.size()) return false;
  results.resize(count);
  return std::ranges::all_of(results, [&](stream_result& each) { return each.decode(in); });
}

auto find_subject(std::vector<stream_result>& in, const stream_result& wanted) {
  return std::ranges::find_if(
      in, [&](const stream_result& each) { return !stream_result::order(each, wanted) && !stream_result::order(wanted, each); });
}

}  // namespace

stream_instance::stream_instance(std::shared_ptr<const stream_plan> plan, const stream_times& times,
                                 const stream_subject& subject)
    : plan_(std::move(plan)),
      times_(times),
      judged_(stream_judge(plan_)),
      watermarks_us_(plan_->source_count, INT64_MIN),
      events_(plan_, subject) {}

void stream_instance::apply(std::int64_t received_at_us, std::span<const source_rows> rows, stream_told& told) {
  received_us_ = std::max(received_us_, received_at_us);
  passed_us_ = released_us_ = INT64_MIN;
  const auto sorted = sort(received_at_us, rows);
  if (sorted.places.empty() && sorted.gone.empty()) return;
  std::vector<change> made;
  take_in(sorted, received_at_us, made);
  const auto newest =
      !judged_.rows().empty() ? judged_.rows().newest_us() : (sorted.places.empty() ? sorted.gone : sorted.places).back();
  const auto until_us = source_place::at(newest, plan_->source_count).time_us + 1;
  tell_early(until_us, made);
  settle();
  tell(made, received_at_us, told);
  events_.settle(floor_us());
  if (plan_->may_withdraw) release(floor_us(), told.results);
}

/// By place, each place once, without what is left out.
stream_instance::sorted_rows stream_instance::sort(std::int64_t received_at_us, std::span<const source_rows> rows) {
  struct row {
    std::int64_t place;
    double value;
    bool gone;
  };
  std::vector<row> all;
  const auto count = plan_->source_count;
  const auto latest_us = std::min(received_at_us + times_.future_skew_us, source_place::most_us);
  for (const auto& each : rows)
    for (std::size_t i = 0; i < each.values.size(); ++i) {
      const auto time_us = each.times_us[i];
      ++counts_.in;
      if (time_us > latest_us || time_us < -source_place::most_us) {
        ++counts_.future;
        continue;
      }
      begin_us_ = std::min(begin_us_, time_us);
      const bool gone = !each.flags.empty() && is_left_out(each.flags[i]);
      auto& watermark_us = watermarks_us_[each.source];
      if (!gone) watermark_us = std::max(watermark_us, std::min(time_us, received_at_us));
      const auto place = source_place::of(time_us, each.source, count);
      if (place < judged_.floor_us()) {
        ++counts_.late;
        again_.add(time_us);
      } else {
        all.push_back({place, each.values[i], gone});
      }
    }
  const auto by_place = [](const row& a, const row& b) { return a.place < b.place; };
  if (!std::ranges::is_sorted(all, by_place)) std::ranges::stable_sort(all, by_place);
  sorted_rows sorted;
  sorted.places.reserve(all.size());
  sorted.values.reserve(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i + 1 < all.size() && all[i + 1].place == all[i].place) {  // the later write wins
      ++(same_bits(all[i].value, all[i + 1].value) && all[i].gone == all[i + 1].gone ? counts_.duplicate : counts_.corrected);
      continue;
    }
    if (all[i].gone) {
      sorted.gone.push_back(all[i].place);
      continue;
    }
    sorted.places.push_back(all[i].place);
    sorted.values.push_back(all[i].value);
  }
  return sorted;
}

void stream_instance::take_in(const sorted_rows& rows, std::int64_t received_at_us, std::vector<change>& made) {
  for (const auto place : rows.gone) {
    if (!judged_.rows().at(place)) continue;
    ++counts_.corrected;
    judged_.take_out(place);
  }
  const auto newest = judged_.rows().empty() ? INT64_MIN : judged_.rows().newest_us();
  const auto in_order = static_cast<std::size_t>(std::ranges::upper_bound(rows.places, newest) - rows.places.begin());
  for (std::size_t i = 0; i < in_order; ++i) put_back(rows.places[i], rows.values[i]);
  judged_.revise(received_at_us, made);
  std::vector<stream_result> found;
  judged_.append(std::span(rows.places).subspan(in_order), std::span(rows.values).subspan(in_order), received_at_us, found);
  for (const auto& each : found) made.push_back({std::nullopt, each});
}

void stream_instance::put_back(std::int64_t place, double value) {
  if (const auto known = judged_.rows().at(place)) {
    if (same_bits(*known, value)) {
      ++counts_.duplicate;
      return;
    }
    ++counts_.corrected;
  }
  judged_.put({&place, 1}, {&value, 1});
}

/// What no row that may still come needs is forgotten.
void stream_instance::settle() {
  const auto [oldest, newest] = std::ranges::minmax(watermarks_us_);
  const auto lateness_us = times_.allowed_lateness_us;
  auto floor = before(std::max(oldest, before(newest, lateness_us)), lateness_us);
  floor = floor == INT64_MIN ? floor : source_place::of(std::max(floor, -source_place::most_us), 0, plan_->source_count);
  const auto& rows = judged_.rows();
  if (rows.size() > limits::stream_rows_revisable)
    floor = std::max(floor, rows.times_us()[rows.size() - limits::stream_rows_revisable]);
  judged_.settle(floor, INT64_MAX, limits::stream_rows_kept);
}

std::int64_t stream_instance::floor_us() const {
  const auto floor = judged_.floor_us();
  return floor == INT64_MIN ? floor : source_place::at(floor, plan_->source_count).time_us;
}

/// Joins to `made` what differs from what was told early before: what would be found if no row before `until_us` came any more.
void stream_instance::tell_early(std::int64_t until_us, std::vector<change>& made) {
  for (const auto& each : early_) until_us = std::max(until_us, each.until_us);  // what was told stays told
  if (early_.empty() && !judged_.now().would_finish(until_us)) return;
  std::vector<stream_result> now;
  auto ended = judged_.now();
  ended.finish(until_us, now);
  const auto told = std::exchange(early_, now);
  for (const auto& each : told) {
    const auto found = std::ranges::find_if(made, [&](const change& other) {
      return !other.before && !stream_result::order(*other.after, each) && !stream_result::order(each, *other.after);
    });
    if (found != made.end()) {  // the judge has ended it meanwhile
      if (stream_result::same(each, *found->after))
        made.erase(found);
      else
        found->before = each;
      continue;
    }
    const auto still = find_subject(now, each);
    if (still == now.end()) {
      made.push_back({each, std::nullopt});
      continue;
    }
    if (!stream_result::same(each, *still)) made.push_back({each, *still});
    now.erase(still);
  }
  for (const auto& each : now) made.push_back({std::nullopt, each});
}

/// Faults are counted, results are told or held, events are told.
void stream_instance::tell(std::vector<change>& made, std::int64_t received_at_us, stream_told& told) {
  for (auto& each : made) {
    for (auto* const side : {&each.before, &each.after})
      if (*side && (*side)->fault != 0) {
        counts_.faulty += side == &each.after ? 1 : std::uint64_t{0} - 1;
        if (side == &each.after) last_fault_ = stream_fault{(*side)->time_us, (*side)->fault};
        side->reset();
      }
  }
  std::erase_if(made, [](const change& each) { return !each.before && !each.after; });
  for (const auto& each : made) {
    if (!plan_->may_withdraw || !hold(each)) {
      count(each);
      told.results.push_back(each);
    }
  }
  events_.apply(made, received_at_us, told.events);
}

void stream_instance::count(const change& each) {
  if (!each.before) ++counts_.out;
  if (each.before) ++counts_.revised;
}

/// False for what was released before, when nothing came for so long: it is told again, or taken back, at once.
bool stream_instance::hold(const change& each) {
  const auto& about = each.before ? *each.before : *each.after;
  const auto at = std::ranges::lower_bound(held_, about, stream_result::order);
  const bool is_there = at != held_.end() && !stream_result::order(about, *at);
  if (each.before && !is_there) return false;
  if (is_there && each.after)
    *at = *each.after;
  else if (is_there)
    held_.erase(at);
  else
    held_.insert(at, *each.after);
  return true;
}

/// Tells what is held and decided by the rows before `until_us`.
void stream_instance::release(std::int64_t until_us, std::vector<change>& told) {
  std::erase_if(held_, [&](const stream_result& each) {
    if (each.until_us > until_us) return false;
    told.push_back({std::nullopt, each});
    count(told.back());
    return true;
  });
}

void stream_instance::pass_time(std::int64_t now_us, stream_told& told) {
  const auto quiet_us = now_us - received_us_;
  if (received_us_ == INT64_MIN || quiet_us < grace_us) return;
  passed_us_ = std::max(passed_us_, now_us - grace_us);
  std::vector<change> made;
  tell_early(passed_us_, made);
  tell(made, now_us, told);
  if (!plan_->may_withdraw || quiet_us < times_.allowed_lateness_us + grace_us) return;
  released_us_ = std::max(released_us_, now_us - times_.allowed_lateness_us - grace_us);
  release(released_us_, told.results);
}

std::optional<std::int64_t> stream_instance::due_us() const {
  if (received_us_ == INT64_MIN) return std::nullopt;
  std::optional<std::int64_t> due;
  if (const auto end_us = judged_.now().next_end_us(passed_us_)) due = std::max(*end_us, received_us_) + grace_us;
  for (const auto& each : held_) {
    const auto at_us = std::max(each.until_us, received_us_) + times_.allowed_lateness_us + grace_us;
    if (!due || at_us < *due) due = at_us;
  }
  return due;
}

std::optional<std::int64_t> stream_instance::watermark_us() const {
  const auto oldest = std::ranges::min(watermarks_us_);
  return oldest == INT64_MIN ? std::nullopt : std::optional(oldest);
}

void stream_instance::encode(std::string& out) const {
  put_byte(out, encoding_version);
  judged_.encode(out);
  for (const auto each : watermarks_us_) put_zigzag(out, each);
  for (const auto each : {received_us_, passed_us_, released_us_}) put_zigzag(out, each);
  put_results(out, early_);
  put_results(out, held_);
  for (const auto each : {counts_.in, counts_.duplicate, counts_.corrected, counts_.late, counts_.future, counts_.out,
                          counts_.revised, counts_.faulty})
    put_varint(out, each);
  put_byte(out, last_fault_ ? 1 : 0);
  if (last_fault_) put_zigzag(out, last_fault_->time_us);
  if (last_fault_) put_byte(out, last_fault_->step);
  events_.encode(out);
  put_byte(out, knows_its_begin_ ? 1 : 0);
  for (const auto each : {begin_us_, again_.first_us, again_.last_us}) put_zigzag(out, each);
}

bool stream_instance::decode(std::string_view& in) {
  std::uint8_t version = 0, has_fault = 0;
  if (!get_byte(in, version) || version < version_without_events || version > encoding_version || !judged_.decode(in))
    return false;
  for (auto& each : watermarks_us_)
    if (!get_zigzag(in, each)) return false;
  for (auto* const each : {&received_us_, &passed_us_, &released_us_})
    if (!get_zigzag(in, *each)) return false;
  if (!get_results(in, early_) || !get_results(in, held_)) return false;
  for (auto* const each : {&counts_.in, &counts_.duplicate, &counts_.corrected, &counts_.late, &counts_.future, &counts_.out,
                           &counts_.revised, &counts_.faulty})
    if (!get_varint(in, *each)) return false;
  if (!get_byte(in, has_fault) || has_fault > 1) return false;
  last_fault_.reset();
  if (has_fault != 0) {
    last_fault_.emplace();
    if (!get_zigzag(in, last_fault_->time_us) || !get_byte(in, last_fault_->step)) return false;
  }
  if (version != version_without_events && !events_.decode(in)) return false;
  return decode_past(version, in);
}

/// A state of before that was kept knows nothing of its begin: what it still remembers is taken for it.
bool stream_instance::decode_past(std::uint8_t version, std::string_view& in) {
  std::uint8_t knows = 0;
  knows_its_begin_ = false;
  begin_us_ = floor_us() == INT64_MIN ? INT64_MAX : floor_us();
  again_ = {};
  if (version <= version_without_past) return true;
  if (!get_byte(in, knows) || knows > 1) return false;
  knows_its_begin_ = knows == 1;
  return get_zigzag(in, begin_us_) && get_zigzag(in, again_.first_us) && get_zigzag(in, again_.last_us);
}

}  // namespace factory
