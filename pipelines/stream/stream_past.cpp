#include "pipelines/stream/stream_past.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "pipelines/model/recent_rows.hpp"
#include "pipelines/stream/limits.hpp"

namespace factory {

namespace {

constexpr std::int64_t least_run_up_us = 60'000'000;
constexpr std::int64_t longer_each_time = 4;

/// When a judge remembers nothing any more of the rows before an instant.
class oblivion {
 public:
  explicit oblivion(std::int64_t since_us) : since_us_(since_us) {}
  /// The judge has seen the rows before `bound_us`. Whether nothing before the instant has a part in what comes.
  bool is_complete(const stream_judge& judge, std::int64_t bound_us) {
    while (depth_ < judge.memory_depth() && judge.remembers_since(since_us_, bound_us)) {
      ++depth_;
      if (since_us_ == bound_us) continue;
      since_us_ = bound_us;
      break;
    }
    return depth_ >= judge.memory_depth();
  }

 private:
  std::int64_t since_us_;
  std::size_t depth_ = 0;
};

std::int64_t less(std::int64_t time_us, std::int64_t span_us) {
  return time_us < INT64_MIN + span_us ? INT64_MIN : time_us - span_us;
}

/// One way through the rows, from a time on.
class way {
 public:
  way(const std::shared_ptr<const stream_plan>& plan, const stream_subject& subject, std::int64_t floor_place)
      : plan_(plan),
        judge_(plan),
        said_(plan, subject),
        is_sink_known_(said_.sink_count()),
        is_sink_done_(said_.sink_count()),
        floor_place_(floor_place),
        floor_us_(floor_place == INT64_MIN ? INT64_MIN : source_place::at(floor_place, plan->source_count).time_us) {}

  enum class end : std::uint8_t { not_known_enough, settled, at_floor };
  /// `knows_all`: no row before the first one counts, so nothing has to be forgotten before what comes is known.
  expected<end> go(past_rows& rows, std::int64_t from_us, bool knows_all, std::int64_t begin_us, std::int64_t end_us) {
    before_.emplace(from_us);
    range_.emplace(end_us);
    begin_us_ = begin_us;
    end_us_ = end_us;
    if (knows_all) {
      is_known_ = true;
      is_sink_known_.assign(said_.sink_count(), true);
    }
    if (auto done = rows.seek(from_us); !done) return tl::unexpected(std::move(done.error()));
    for (;;) {
      auto read = rows.next();
      if (!read) return tl::unexpected(std::move(read.error()));
      if (read->places.empty()) return at_floor();
      read_count_ += read->places.size();
      if (read_count_ > limits::stream_rows_again)
        return fail(errc::too_large,
                    "more than " + std::to_string(limits::stream_rows_again) + " readings would be computed again");
      for (std::size_t i = 0; i < read->places.size(); ++i) {
        if (const auto ended = take(read->places[i], read->values[i])) return *ended;
        if (!is_behind_floor_) continue;
        behind_.places.assign(read->places.begin() + static_cast<std::ptrdiff_t>(i), read->places.end());
        behind_.values.assign(read->values.begin() + static_cast<std::ptrdiff_t>(i), read->values.end());
        if (auto all = take_rest(rows); !all) return tl::unexpected(std::move(all.error()));
        return at_floor();
      }
    }
  }

  std::uint64_t read_count() const { return read_count_; }
  computed_past take() { return std::move(out_); }
  stream_judge& judge() { return judge_; }
  result_events& said() { return said_; }
  const stream_instance::placed_rows& behind() const { return behind_; }

 private:
  /// One row more, unless it lies behind the floor.
  std::optional<end> take(std::int64_t place, double value) {
    const auto time_us = source_place::at(place, plan_->source_count).time_us;
    if (time_us != newest_us_) {
      if (const auto ended = pass(time_us)) return ended;
      newest_us_ = time_us;
    }
    if (place >= floor_place_) {
      is_behind_floor_ = true;
      return std::nullopt;
    }
    recent_rows row;
    row.append({&place, 1}, {&value, 1});
    std::vector<stream_result> made;
    judge_.observe(row, 0, 1, 0, made);
    for (const auto& each : made) note(each);
    return std::nullopt;
  }

  /// All rows before this time were seen.
  std::optional<end> pass(std::int64_t bound_us) {
    if (!is_in_range_ && bound_us >= begin_us_ && !enter()) return end::not_known_enough;
    if (!is_in_range_) {
      is_known_ = is_known_ || before_->is_complete(judge_, bound_us);
      return std::nullopt;
    }
    if (bound_us < end_us_) return std::nullopt;
    is_forgotten_ = is_forgotten_ || range_->is_complete(judge_, bound_us);
    if (!is_forgotten_) return std::nullopt;
    const auto until_us = judge_.results_from_us(bound_us);
    if (!settled_from_us_) settled_from_us_ = until_us;
    for (std::size_t sink = 0; sink < said_.sink_count(); ++sink)
      if (!is_sink_done_[sink] || said_.goes_on_since_us(sink)) return std::nullopt;
    finish(until_us);
    return end::settled;
  }

  /// Behind the last row before the range. False when too little is known of what was before.
  bool enter() {
    is_known_ = is_known_ || before_->is_complete(judge_, begin_us_);
    if (!is_known_ || std::ranges::find(is_sink_known_, false) != is_sink_known_.end()) return false;
    is_in_range_ = true;
    out_.from_us = judge_.results_from_us(begin_us_);
    return true;
  }

  /// Behind the last result that is as it was: what goes on there may end otherwise.
  void begin_findings() {
    if (std::exchange(has_begun_findings_, true)) return;
    out_.findings_from_us = out_.from_us;
    for (std::size_t sink = 0; sink < said_.sink_count(); ++sink)
      if (const auto since_us = said_.goes_on_since_us(sink)) out_.findings_from_us = std::min(out_.findings_from_us, *since_us);
  }

  void note(const stream_result& result) {
    if (!is_known_ || result.fault != 0) return;
    if (is_in_range_ && result.time_us >= out_.from_us) begin_findings();
    for (std::size_t sink = 0; sink < said_.sink_count(); ++sink) {
      is_sink_known_[sink] = is_sink_known_[sink] || !said_.meets(sink, result);
      if (is_sink_known_[sink]) said_.pass(sink, result, found_);
      // Behind a result that is as it was and does not meet the condition, findings are as they were.
      if (settled_from_us_ && result.time_us >= *settled_from_us_ && !said_.meets(sink, result)) is_sink_done_[sink] = true;
    }
    out_.results.push_back(result);
  }

  expected<void> take_rest(past_rows& rows) {
    for (;;) {
      auto read = rows.next();
      if (!read) return tl::unexpected(std::move(read.error()));
      if (read->places.empty()) return {};
      read_count_ += read->places.size();
      behind_.places.insert(behind_.places.end(), read->places.begin(), read->places.end());
      behind_.values.insert(behind_.values.end(), read->values.begin(), read->values.end());
    }
  }

  end at_floor() {
    if (!is_in_range_ && !enter()) return end::not_known_enough;
    finish(INT64_MAX);
    out_.reaches_live = true;
    out_.settled_until_us = floor_us_ == INT64_MIN ? INT64_MIN : judge_.results_from_us(floor_us_);
    return end::at_floor;
  }

  void finish(std::int64_t until_us) {
    begin_findings();
    out_.until_us = out_.settled_until_us = until_us;
    std::erase_if(out_.results,
                  [&](const stream_result& each) { return each.time_us < out_.from_us || each.time_us >= until_us; });
    for (const auto& each : found_)
      if (each.key.event_time_us >= out_.findings_from_us && each.key.event_time_us < until_us) out_.events.push_back(each);
  }

  std::shared_ptr<const stream_plan> plan_;
  stream_judge judge_;
  result_events said_;
  std::vector<bool> is_sink_known_;  ///< whether a finding goes on
  std::vector<bool> is_sink_done_;   ///< its findings are as they were from here on
  std::int64_t floor_place_, floor_us_;
  std::int64_t begin_us_ = 0, end_us_ = 0, newest_us_ = INT64_MIN;
  std::optional<oblivion> before_, range_;
  bool is_known_ = false;  ///< the judge stands as if it had seen all rows
  bool has_begun_findings_ = false;
  bool is_in_range_ = false, is_forgotten_ = false, is_behind_floor_ = false;
  std::optional<std::int64_t> settled_from_us_;  ///< results from here on are as they were
  std::deque<event> found_;
  stream_instance::placed_rows behind_;
  std::uint64_t read_count_ = 0;
  computed_past out_;
};

}  // namespace

expected<computed_past> compute_again(const std::shared_ptr<const stream_plan>& plan, const stream_subject& subject,
                                      std::int64_t begin_us, std::int64_t end_us, past_rows& rows, stream_instance& live) {
  const auto first_us = live.begin_us();
  if (first_us == INT64_MAX || end_us <= first_us) return computed_past{};
  begin_us = std::max(begin_us, first_us);
  const auto floor = live.floor_place();
  const auto before_us = floor == INT64_MIN ? first_us : std::min(begin_us, live.floor_us());
  auto run_up_us = plan->forgets ? least_run_up_us + 5 * plan->span_us : INT64_MAX;
  for (;;) {
    const auto from_us = std::max(first_us, plan->forgets ? less(before_us, run_up_us) : first_us);
    const bool is_whole = from_us == first_us;
    way taken(plan, subject, floor);
    const auto ended = taken.go(rows, from_us, is_whole && live.knows_its_begin(), before_us, end_us);
    if (!ended) return tl::unexpected(ended.error());
    if (*ended == way::end::not_known_enough) {
      if (is_whole) return fail(errc::unavailable, "the pipeline does not know how it stood before");
      run_up_us = run_up_us > INT64_MAX / longer_each_time ? INT64_MAX : run_up_us * longer_each_time;
      continue;
    }
    auto out = taken.take();
    if (*ended == way::end::settled) return out;
    std::vector<event> found;
    const auto told = live.stand_at(std::move(taken.judge()), std::move(taken.said()), taken.behind(), found);
    std::ranges::copy_if(told, std::back_inserter(out.results),
                         [&](const stream_result& each) { return each.time_us >= out.from_us; });
    std::ranges::sort(out.results, {}, &stream_result::time_us);
    std::ranges::copy_if(found, std::back_inserter(out.events),
                         [&](const event& each) { return each.key.event_time_us >= out.findings_from_us; });
    return out;
  }
}

}  // namespace factory
