#include "pipelines/stream/result_events.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "pipelines/judge/event_judge.hpp"
#include "pipelines/model/coding.hpp"

namespace factory {

namespace {

constexpr std::string_view reason = "a reading came late or was corrected";

/// "{value}" in a sink's message is the value; anything else stays.
std::string sentence_of(const stream_plan::event_condition& sink, const std::string& pipeline, double value, bool holds) {
  const auto number = fmt::format("{:.6g}", value);
  if (!holds || sink.message.empty())
    return fmt::format("{}: {} is {}, for value {}", pipeline, sink.text, holds ? "met" : "met no more", number);
  constexpr std::string_view place = "{value}";
  std::string out;
  std::string_view rest = sink.message;
  for (auto at = rest.find(place); at != std::string_view::npos; at = rest.find(place)) {
    out.append(rest.substr(0, at)).append(number);
    rest.remove_prefix(at + place.size());
  }
  return out.append(rest);
}

}  // namespace

result_events::result_events(std::shared_ptr<const stream_plan> plan, const stream_subject& subject)
    : plan_(std::move(plan)), subject_(subject), sinks_(plan_->events.size()) {}

bool result_events::meets(std::size_t sink, const stream_result& result) const {
  const double made = plan_->events[sink].when.of({&result.value, 1});
  return made != 0 && !std::isnan(made);
}

void result_events::number_behind(const result_events& other) {
  for (std::size_t sink = 0; sink < sinks_.size(); ++sink) sinks_[sink].book = other.sinks_[sink].book;
}

void result_events::has_gone(const event_key& key, std::int64_t at_us, bool is_awaited) {
  for (std::size_t sink = 0; sink < sinks_.size(); ++sink)
    if (plan_->events[sink].sink == sink_of(key.rule)) sinks_[sink].book.has_gone(key, at_us, is_awaited);
}

void result_events::observe(std::size_t sink, run& state, const stream_result& result, std::int64_t received_at_us,
                            std::deque<event>& found) const {
  const auto& condition = plan_->events[sink];
  const bool holds = meets(sink, result);
  if (!holds && state.count == 0) return;
  if (holds && state.count++ > 0) return;
  if (holds) state.begin_us = result.time_us;
  event it;
  it.key.sensor = subject_.sensor;
  it.key.event_time_us = state.begin_us;
  it.key.source = event_source::pipeline;
  it.key.rule = pipeline_rule(subject_.pipeline, condition.sink);
  it.key.kind = holds ? event_kind::pipeline_raised : event_kind::pipeline_cleared;
  it.key.revision = subject_.version - 1;  // a finding of the pipeline as it was before may begin at the same time
  it.at_us = result.time_us;
  it.value = result.value;
  it.level = condition.level;
  it.detail = result_detail{result.until_us, state.count};
  it.recorded_at_us = received_at_us;
  it.explanation = sentence_of(condition, plan_->name, result.value, holds);
  found.push_back(std::move(it));
  if (!holds) state = {};
}

/// Whether it is a result behind all others.
bool result_events::put(const change& each) {
  const auto& about = each.before ? *each.before : *each.after;
  const auto at = std::ranges::lower_bound(results_, about.time_us, {}, &stream_result::time_us);
  const bool is_known = at != results_.end() && at->time_us == about.time_us;
  const bool is_last = at == results_.end();
  if (is_known && each.after)
    *at = *each.after;
  else if (is_known)
    results_.erase(at);
  else if (each.after)
    results_.insert(at, *each.after);
  return is_last && each.after;
}

void result_events::apply(std::span<const change> made, std::int64_t received_at_us, std::vector<event>& told) {
  if (sinks_.empty() || made.empty()) return;
  const auto known = results_.size();
  bool in_order = true;
  for (const auto& each : made) in_order = put(each) && in_order;
  for (std::size_t sink = 0; sink < sinks_.size(); ++sink) {
    auto& state = sinks_[sink];
    if (!in_order) {
      judge_again(sink, received_at_us, told);
      continue;
    }
    const auto told_before = state.found.size();
    for (auto i = known; i < results_.size(); ++i) observe(sink, state.now, results_[i], received_at_us, state.found);
    std::vector<event> fresh(state.found.begin() + static_cast<std::ptrdiff_t>(told_before), state.found.end());
    state.book.tell(fresh);
    std::ranges::move(fresh, std::back_inserter(told));
  }
}

void result_events::judge_again(std::size_t sink, std::int64_t received_at_us, std::vector<event>& told) {
  auto& state = sinks_[sink];
  const auto before = std::exchange(state.found, {});
  state.now = state.settled;
  for (const auto& each : results_) observe(sink, state.now, each, received_at_us, state.found);
  const auto find = [](const std::deque<event>& in, const event& wanted) -> const event* {
    const auto at = std::ranges::find(in, wanted.key, &event::key);
    return at == in.end() ? nullptr : &*at;
  };
  std::vector<difference<event>> differences;
  for (const auto& each : before)
    if (find(state.found, each) == nullptr) differences.push_back({each, std::nullopt});
  for (const auto& each : state.found) {
    const auto* const old = find(before, each);
    if (old == nullptr)
      differences.push_back({std::nullopt, each});
    else if (!event_judge::same(*old, each))
      differences.push_back({*old, each});
  }
  state.book.tell(differences, reason, received_at_us, told);
}

void result_events::settle(std::int64_t until_us) {
  std::deque<event> none;
  while (!results_.empty() && results_.front().until_us <= until_us) {
    const auto settled = results_.front();
    results_.pop_front();
    for (std::size_t sink = 0; sink < sinks_.size(); ++sink) {
      auto& state = sinks_[sink];
      observe(sink, state.settled, settled, 0, none);
      while (!state.found.empty() && state.found.front().at_us <= settled.time_us) state.found.pop_front();
      state.book.settle(settled.time_us + 1);
    }
  }
}

void result_events::encode(std::string& out) const {
  put_varint(out, results_.size());
  for (const auto& each : results_) each.encode(out);
  for (const auto& each : sinks_) {
    put_zigzag(out, each.settled.begin_us);
    put_varint(out, each.settled.count);
    each.book.encode(out);
  }
}

bool result_events::decode(std::string_view& in) {
  std::uint64_t count = 0;
  if (!get_varint(in, count) || count > in.size()) return false;
  results_.resize(count);
  if (!std::ranges::all_of(results_, [&](stream_result& each) { return each.decode(in); })) return false;
  for (std::size_t sink = 0; sink < sinks_.size(); ++sink) {
    auto& state = sinks_[sink];
    state.found.clear();
    if (!get_zigzag(in, state.settled.begin_us) || !get_varint(in, state.settled.count) || !state.book.decode(in)) return false;
    state.now = state.settled;
    for (const auto& each : results_) observe(sink, state.now, each, 0, state.found);
  }
  return true;
}

}  // namespace factory
