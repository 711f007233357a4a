#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/judge/revisable.hpp"
#include "pipelines/judge/revision_book.hpp"
#include "pipelines/model/event.hpp"
#include "pipelines/spec/pipeline_id.hpp"
#include "pipelines/stream/stream_plan.hpp"
#include "pipelines/stream/stream_result.hpp"

namespace factory {

/// What the event sinks of an instance say of its results. A finding begins with the first result for which the condition holds and ends with
/// the first one behind it for which it does not.
///
/// Invariant: findings, with all corrections applied, are a function of the set of results.
class result_events {
 public:
  using change = difference<stream_result>;

  result_events(std::shared_ptr<const stream_plan> plan, const stream_subject& subject);

  /// What became of the results. Appends what is to be told.
  void apply(std::span<const change> made, std::int64_t received_at_us, std::vector<event>& told);
  /// Results that rows before this instant decide do not change any more.
  void settle(std::int64_t until_us);

  // Of results that do not change any more, one behind the other, as when the past is computed again.

  std::size_t sink_count() const { return sinks_.size(); }
  bool meets(std::size_t sink, const stream_result& result) const;
  /// The next result. Appends what the sink says of it.
  void pass(std::size_t sink, const stream_result& result, std::deque<event>& found) {
    observe(sink, sinks_[sink].settled, result, 0, found);
    sinks_[sink].now = sinks_[sink].settled;
  }
  /// Where the finding begins that goes on behind the newest result passed; nothing when none does.
  std::optional<std::int64_t> goes_on_since_us(std::size_t sink) const {
    const auto& state = sinks_[sink].settled;
    return state.count == 0 ? std::nullopt : std::optional(state.begin_us);
  }
  /// The numbers of events that were told go on behind those of `other`.
  void number_behind(const result_events& other);
  /// The log has an event of this sink that may be found again.
  void has_gone(const event_key& key, std::int64_t at_us, bool is_awaited);

  void encode(std::string& out) const;  ///< appended
  bool decode(std::string_view& in);

 private:
  /// Results in a row for which the condition holds.
  struct run {
    std::int64_t begin_us = 0;
    std::uint64_t count = 0;  ///< 0: it does not hold
  };
  struct sink_state {
    run settled;              ///< behind the results that are forgotten
    run now;                  ///< behind the newest result
    std::deque<event> found;  ///< at results_
    revision_book book;
  };

  void observe(std::size_t sink, run& state, const stream_result& result, std::int64_t received_at_us,
               std::deque<event>& found) const;
  void judge_again(std::size_t sink, std::int64_t received_at_us, std::vector<event>& told);
  bool put(const change& each);

  std::shared_ptr<const stream_plan> plan_;
  stream_subject subject_;
  std::deque<stream_result> results_;  ///< that may still change, by time
  std::vector<sink_state> sinks_;      ///< as in the plan
};

}  // namespace factory
