// Parts of the past computed again: after corrections, for readings that came too late, over restarts, against the slow reference.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "pipelines/correct/historical.hpp"
#include "pipelines/model/finding.hpp"
#include "pipelines/stream/stream_past.hpp"
#include "pipelines/support/random_pipeline.hpp"
#include "support/times.hpp"

namespace factory {
namespace {

using stream_reference::series;
/// Readings as they count, of all sources, in portions.
class kept_rows final : public past_rows {
 public:
  kept_rows(const std::vector<series>& sources, std::size_t portion) : portion_(portion) {
    for (std::size_t source = 0; source < sources.size(); ++source)
      for (const auto& [time_us, value] : sources[source]) all_[source_place::of(time_us, source, sources.size())] = value;
    count_ = static_cast<std::int64_t>(sources.size());
  }
  expected<void> seek(std::int64_t from_us) override {
    next_ = all_.lower_bound(from_us * count_);
    return {};
  }
  expected<stream_instance::placed_rows> next() override {
    stream_instance::placed_rows out;
    for (std::size_t i = 0; i < portion_ && next_ != all_.end(); ++i, ++next_, ++read) {
      out.places.push_back(next_->first);
      out.values.push_back(next_->second);
    }
    return out;
  }
  std::size_t read = 0;

 private:
  std::map<std::int64_t, double> all_;
  std::map<std::int64_t, double>::const_iterator next_;
  std::int64_t count_ = 0;
  std::size_t portion_;
};

struct came {
  std::int64_t received_at_us;
  std::size_t source;
  std::int64_t time_us;
  double value;
};

struct made_correction {
  std::size_t source;
  std::int64_t begin_us, end_us;
  int action;  ///< 0: excluded; 1: other value; 2: an offset
  double number;
  bool in_force = true;
};

/// An instance with its derived sensor, its event log, its stored state, and what is made of it after a crash.
class corrected_stream {
 public:
  corrected_stream(const pipeline_spec& spec, const stream_times& times, std::size_t portion)
      : spec_(spec),
        times_(times),
        plan_(stream_plan::of(spec)),
        portion_(portion),
        live_(stream_plan::of(spec), times),
        raw_(spec.sources.size()) {
    store();
  }

  void take(std::vector<came> body) {
    for (const auto& each : body) raw_[each.source][each.time_us] = each.value;
    journal_.push_back({body.back().received_at_us, std::move(body)});
    work(journal_.back());
  }
  void pass_time(std::int64_t now_us) {
    journal_.push_back({now_us, {}});
    work(journal_.back());
  }
  void correct(const made_correction& what) {
    corrections.push_back(what);
    again(what.begin_us, what.end_us);
  }
  void revert(std::size_t which) {
    corrections[which].in_force = false;
    again(corrections[which].begin_us, corrections[which].end_us);
  }
  /// What came too late is computed again.
  void judge_late() {
    const auto span = live_.again();
    if (!span.empty()) again(span.first_us, span.last_us + 1);
  }
  void store() {
    stored_.clear();
    live_.encode(stored_);
    journal_.clear();
  }
  void crash() {
    live_ = stream_instance(stream_plan::of(spec_), times_);
    std::string_view in = stored_;
    ASSERT_TRUE(live_.decode(in));
    ASSERT_TRUE(in.empty());
    is_again_ = true;
    for (const auto& each : journal_) work(each);
    is_again_ = false;
  }
  /// What is done of a correction before the state is stored is done once more after a crash.
  void crash_in(std::int64_t begin_us, std::int64_t end_us) {
    compute(begin_us, end_us);
    crash();
    again(begin_us, end_us);
  }

  std::vector<series> effective() const {
    auto out = raw_;
    for (const auto& each : corrections) {
      if (!each.in_force) continue;
      auto& of = out[each.source];
      for (auto at = of.lower_bound(each.begin_us); at != of.end() && at->first < each.end_us;) {
        if (each.action == 1) at->second = each.number;
        if (each.action == 2) at->second += each.number;
        at = each.action == 0 ? of.erase(at) : std::next(at);
      }
    }
    return out;
  }
  const series& results() const { return results_; }
  std::map<event_key, stream_reference::met> findings() const {
    std::map<event_key, stream_reference::met> out;
    for (const auto& [key, events] : log_) {
      const auto it = fold_finding(events);
      if (!it.holds()) continue;
      auto& said = out[key];
      said.value = it.stated->value;
      if (!it.ended) continue;
      said.end_us = it.ended->at_us;
      said.count = std::get<result_detail>(it.ended->detail).count;
    }
    return out;
  }
  std::string told_of(const event_key& key) const {
    std::string out = "; told of " + finding_id(key) + ":";
    for (const auto& each : log_.at(key))
      out += "\n  " + std::string(to_text(each.key.kind)) + " " + std::to_string(each.key.revision) + " at " +
             std::to_string(each.at_us) + ", value " + std::to_string(each.value);
    return out;
  }
  const stream_instance& live() const { return live_; }
  std::vector<made_correction> corrections;
  std::size_t rows_read = 0;

 private:
  struct entry {
    std::int64_t received_at_us;
    std::vector<came> body;  ///< empty: a tick
  };

  void work(const entry& what) {
    stream_told told;
    if (what.body.empty()) {
      live_.pass_time(what.received_at_us, told);
    } else {
      std::vector<std::vector<std::int64_t>> times_us(raw_.size());
      std::vector<std::vector<double>> values(raw_.size());
      for (const auto& each : what.body) {
        times_us[each.source].push_back(each.time_us);
        values[each.source].push_back(each.value);
        for (const auto& known : corrections)
          if (known.in_force && known.source == each.source && known.begin_us <= each.time_us && each.time_us < known.end_us)
            live_.must_again(each.time_us);
      }
      std::vector<source_rows> rows;
      for (std::size_t i = 0; i < times_us.size(); ++i)
        if (!values[i].empty()) rows.push_back({i, times_us[i], values[i]});
      live_.apply(what.received_at_us, rows, told);
    }
    for (const auto& [before, after] : told.results) {
      if (after)
        results_[after->time_us] = after->value;
      else
        results_.erase(before->time_us);
    }
    for (const auto& each : told.events) log(each, !is_again_);
  }
  void log(const event& e, bool must_be_new) {
    const bool is_new = keys_.insert(e.key).second;
    EXPECT_TRUE(is_new || !must_be_new) << to_text(e.key.kind) << " was told before: " << finding_id(e.key);
    if (is_new) log_[with_kind(e.key, {})].push_back(e);
  }
  void again(std::int64_t begin_us, std::int64_t end_us) {
    compute(begin_us, end_us);
    store();
  }
  void compute(std::int64_t begin_us, std::int64_t end_us) {
    if (const auto span = live_.again(); !span.empty()) {
      begin_us = std::min(begin_us, span.first_us);
      end_us = std::max(end_us, span.last_us + 1);
    }
    kept_rows rows(effective(), portion_);
    const auto made = compute_again(plan_, {}, begin_us, end_us, rows, live_);
    ASSERT_TRUE(made) << made.error().message;
    rows_read = rows.read;
    live_.again_is_done();
    results_.erase(results_.lower_bound(made->from_us), results_.lower_bound(made->until_us));
    for (const auto& each : made->results) results_[each.time_us] = each.value;
    std::map<event_key, std::vector<event>> wanted;
    for (const auto& each : made->events) wanted[with_kind(each.key, {})].push_back(each);
    for (const auto& [key, events] : log_)
      if (key.event_time_us >= made->findings_from_us && key.event_time_us < made->until_us) wanted.try_emplace(key);
    for (const auto& [key, events] : wanted) {
      const auto stored = log_[key];
      for (const auto& each : told_again(stored, events, "readings were corrected", 0)) log(each, true);
      if (!made->reaches_live) continue;
      const auto stands = fold_finding(log_[key]);
      for (const auto& each : stored)
        if (!is_historical(each.key)) live_.events().has_gone(each.key, each.at_us, stands.open());
    }
  }

  pipeline_spec spec_;
  stream_times times_;
  std::shared_ptr<const stream_plan> plan_;
  std::size_t portion_;
  stream_instance live_;
  std::vector<series> raw_;
  series results_;
  std::map<event_key, std::vector<event>> log_;
  std::set<event_key> keys_;
  std::vector<entry> journal_;
  std::string stored_;
  bool is_again_ = false;
};

pipeline_spec spec_of(const std::string& json) {
  auto spec = parse_pipeline(json);
  EXPECT_TRUE(spec) << (spec ? "" : spec.error().message);
  return spec ? *spec : pipeline_spec{};
}

std::string over_one_source(const std::string& steps) {
  return R"({"name":"x","sources":{"a":{"sensor_id":1}},"steps":[)" + steps +
         R"(],"sinks":[{"sensor":{"name":"y"}},{"event":{"when":"value > 100"}}]})";
}

/// Readings of value 1, one a second.
void feed(corrected_stream& into, std::int64_t from_s, std::int64_t until_s) {
  for (auto at = from_s; at < until_s; at += 50) {
    std::vector<came> body;
    for (auto i = at; i < std::min(at + 50, until_s); ++i) body.push_back({i * second_us, 0, i * second_us, 1.0});
    into.take(body);
  }
}

TEST(stream_past, a_correction_costs_its_range_and_the_windows_around_it) {
  corrected_stream stream(spec_of(over_one_source(R"({"window":{"tumbling_ms":60000},"aggregate":"integral"})")), {}, 100);
  feed(stream, 0, 50'000);
  stream.correct({0, 30'010 * second_us, 30'020 * second_us, 2, 9.0});
  EXPECT_LT(stream.rows_read, 1'000U);
  EXPECT_EQ(stream.results().at(30'000 * second_us), 150.0);
  EXPECT_EQ(stream.results().at(30'060 * second_us), 60.0);
  EXPECT_EQ(stream.findings().size(), 1U);
  stream.revert(0);
  EXPECT_EQ(stream.results().at(30'000 * second_us), 60.0);
}

TEST(stream_past, an_excluded_window_has_no_result_and_one_that_comes_back_has) {
  corrected_stream stream(spec_of(over_one_source(R"({"window":{"tumbling_ms":10000},"aggregate":"sum"})")), {}, 7);
  feed(stream, 0, 500);
  stream.correct({0, 100 * second_us, 110 * second_us, 0, 0});
  EXPECT_FALSE(stream.results().contains(100 * second_us));
  EXPECT_EQ(stream.results().size(), 48U);
  stream.revert(0);
  EXPECT_EQ(stream.results().at(100 * second_us), 10.0);
}

TEST(stream_past, a_window_that_is_still_open_ends_with_what_counts_now) {
  corrected_stream stream(spec_of(over_one_source(R"({"window":{"tumbling_ms":3600000},"aggregate":"sum"})")), {}, 500);
  feed(stream, 0, 3'000);
  stream.correct({0, 100 * second_us, 200 * second_us, 1, 3.0});
  EXPECT_TRUE(stream.results().empty());
  feed(stream, 3'000, 3'700);
  EXPECT_EQ(stream.results().at(0), 3'800.0);
}

TEST(stream_past, results_are_those_of_the_sorted_corrected_set_whatever_came_late_was_corrected_or_was_cut_short) {
  std::size_t settled = 0, all = 0;
  for (unsigned seed = 0; seed < 400; ++seed) {
    std::mt19937 random(seed);
    const auto json = stream_reference::random_spec(random);
    const auto spec = spec_of(json);
    const stream_times times{.allowed_lateness_us = static_cast<std::int64_t>(random() % 20 + 1) * second_us,
                             .future_skew_us = second_us};
    corrected_stream stream(spec, times, 1 + random() % 40);
    std::vector<came> arrivals;
    for (std::size_t source = 0; source < spec.sources.size(); ++source)
      for (std::int64_t at = 0; at < 200 * second_us; at += static_cast<std::int64_t>(random() % 4 * 500'000 + 500'000)) {
        const auto late_us = random() % 20 == 0 ? static_cast<std::int64_t>(random() % 100) * second_us
                                                : static_cast<std::int64_t>(random() % 3'000'000);
        arrivals.push_back({at + late_us, source, at, static_cast<double>(random() % 6)});
      }
    std::ranges::stable_sort(arrivals, {}, &came::received_at_us);
    for (std::size_t next = 0; next < arrivals.size();) {
      const auto end = std::min(arrivals.size(), next + 1 + random() % 12);
      stream.take({arrivals.begin() + static_cast<std::ptrdiff_t>(next), arrivals.begin() + static_cast<std::ptrdiff_t>(end)});
      next = end;
      const auto now_us = arrivals[end - 1].received_at_us;
      if (random() % 6 == 0)
        stream.pass_time(std::min(now_us + static_cast<std::int64_t>(random() % 30) * second_us,
                                  next < arrivals.size() ? arrivals[next].received_at_us : INT64_MAX));
      if (random() % 10 == 0) stream.store();
      if (random() % 10 == 0) stream.crash();
      if (random() % 6 == 0) stream.judge_late();
      if (random() % 8 == 0) {
        const auto begin_us = static_cast<std::int64_t>(random() % 200) * second_us;
        const auto last_us =
            std::min(now_us - times.allowed_lateness_us, begin_us + static_cast<std::int64_t>(random() % 30 + 1) * second_us);
        const made_correction what{random() % spec.sources.size(), begin_us, last_us, static_cast<int>(random() % 3),
                                   static_cast<double>(random() % 6)};
        if (begin_us < last_us && random() % 3 == 0) {
          stream.corrections.push_back(what);
          stream.crash_in(begin_us, last_us);
        } else if (begin_us < last_us) {
          stream.correct(what);
        }
      }
      if (random() % 12 == 0 && !stream.corrections.empty()) stream.revert(random() % stream.corrections.size());
      if (HasFatalFailure()) return;
    }
    stream.judge_late();
    stream.pass_time(1'000 * second_us);
    ASSERT_TRUE(stream.live().again().empty());
    const auto expected = stream_reference::run(spec, stream.effective());
    ASSERT_EQ(stream.results(), expected) << "seed " << seed << ": " << json
                                          << " differ: " << stream_reference::differences(stream.results(), expected);
    const auto wanted = stream_reference::findings(spec, expected);
    for (const auto& [key, met] : stream.findings())
      ASSERT_TRUE(wanted.contains(key) && wanted.at(key) == met)
          << "seed " << seed << ": " << json << stream.told_of(key) << "\n  wanted "
          << (wanted.contains(key) ? wanted.at(key).end_us.value_or(0) : -1);
    ASSERT_EQ(stream.findings().size(), wanted.size()) << "seed " << seed << ": " << json;
    all += stream.corrections.size();
    settled += stream.live().counts().late;
  }
  EXPECT_GT(all, 500U);
  EXPECT_GT(settled, 1'000U);
}

}  // namespace
}  // namespace factory
