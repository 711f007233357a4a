#include "integration/support/ledger.hpp"

#include <algorithm>
#include <iterator>
#include <ostream>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "integration/support/daemon.hpp"
#include "pipelines/model/same_bits.hpp"

namespace factory::test {

namespace {

constexpr const char* limits = R"("min_threshold":36,"max_threshold":90)";
constexpr std::uint64_t correction_every = 8;

struct shape {
  std::size_t sensors, ticks_per_body;
};
constexpr shape shapes[] = {{2, 100}, {8, 20}, {15, 6}, {1, 1}};
constexpr std::size_t all_sensors = 2 + 8 + 15 + 1;

/// Compares the rows of one sensor with the rows that must exist and those that may.
class row_check {
 public:
  row_check(const std::map<std::int64_t, double>& surely, const std::map<std::int64_t, double>& perhaps)
      : surely_(surely), perhaps_(perhaps) {}

  void stored(const reading& row, comparison& found) {
    if (row.time_us == last_us_) ++found.doubled;
    last_us_ = row.time_us;
    const auto must = surely_.find(row.time_us), may = perhaps_.find(row.time_us);
    if (must != surely_.end()) ++seen_;
    if (must == surely_.end() && may == perhaps_.end()) {
      ++found.never_sent;
    } else if (may != perhaps_.end() && same_bits(row.value, may->second)) {
      ++of_unknown_;
    } else if (must == surely_.end() || !same_bits(row.value, must->second)) {
      ++found.changed;
    }
  }
  void end(comparison& found) const {
    found.acknowledged += surely_.size();
    found.lost += surely_.size() - std::min(seen_, surely_.size());
  }
  std::size_t of_unknown() const { return of_unknown_; }

 private:
  const std::map<std::int64_t, double>&surely_, &perhaps_;
  std::int64_t last_us_ = INT64_MIN;
  std::size_t seen_ = 0, of_unknown_ = 0;
};

void add(outcome& out, http_client& api, const std::string& target, std::initializer_list<const char*> members) {
  const auto got = get_json(api, target);
  std::string text = target;
  for (const char* member : members) text += fmt::format(" {}={}", member, text_of(got[member]));
  out.push_back(std::move(text));
}

}  // namespace

comparison& comparison::operator+=(const comparison& more) {
  acknowledged += more.acknowledged;
  lost += more.lost;
  doubled += more.doubled;
  changed += more.changed;
  never_sent += more.never_sent;
  torn += more.torn;
  return *this;
}

void PrintTo(const comparison& found, std::ostream* out) {
  *out << fmt::format("{} acknowledged readings: {} lost, {} doubled, {} changed, {} never sent, {} torn bodies",
                      found.acknowledged, found.lost, found.doubled, found.changed, found.never_sent, found.torn);
}

std::vector<reading> collector::body(std::uint64_t index) const {
  const std::uint64_t fresh = index - index / correction_every;
  if (index % correction_every != correction_every - 1) return signals(sensors_, (fresh ^ 1U) * ticks_per_body_, ticks_per_body_);
  auto corrected = signals(sensors_, fresh / 2 * ticks_per_body_, ticks_per_body_);
  for (reading& r : corrected) r.value += 0.5;
  return corrected;
}

void collector::run(std::uint16_t port, std::uint64_t last, const std::function<void(const collector&)>& on_acknowledged,
                    const std::function<bool()>& on_refusal) {
  http_client api(port);
  try {
    while (acknowledged_ < last) {
      const auto rows = body(acknowledged_);
      const std::string json = rows_json(rows);
      unknown_ = true;
      const auto got = rows.size() == 1 ? api.post("/api/readings?precision=us", json.substr(1, json.size() - 2))
                                        : api.post("/api/readings/bulk?precision=us", json);
      if (got.status == 503 || got.status == 507) {
        if (on_refusal()) continue;
        return;
      }
      ASSERT_EQ(got.status, 201) << got.body;
      ASSERT_EQ(got.json()["inserted"].GetUint64(), rows.size());
      unknown_ = false;
      ++acknowledged_;
      on_acknowledged(*this);
    }
  } catch (const connection_lost&) {
  }
}

void collector::forget_after(std::uint64_t bodies) {
  acknowledged_ = bodies;
  unknown_ = true;
}

void collector::enter(std::uint64_t index, values& into) const {
  for (const reading& r : body(index)) into[r.sensor][r.time_us] = r.value;
}

comparison collector::compare(http_client& api, std::uint64_t bodies, bool one_more) const {
  values surely, perhaps;
  for (std::uint64_t index = 0; index < bodies; ++index) enter(index, surely);
  if (one_more) enter(bodies, perhaps);
  std::size_t unknown_rows = 0, unknown_stored = 0;
  comparison found;
  for (const auto sensor : sensors_) {
    row_check check(surely[sensor], perhaps[sensor]);
    for (const reading& row : readings_of(api, sensor)) check.stored(row, found);
    check.end(found);
    unknown_rows += perhaps[sensor].size();
    unknown_stored += check.of_unknown();
  }
  if (unknown_stored != 0 && unknown_stored != unknown_rows) ++found.torn;
  return found;
}

collectors::collectors(http_client& api) {
  const auto all = add_sensors(api, all_sensors, limits);
  auto next = all.begin();
  for (const shape& s : shapes) {
    each_.emplace_back(std::vector<std::uint32_t>(next, next + s.sensors), s.ticks_per_body);
    next += s.sensors;
  }
}

void collectors::run(std::uint16_t port, std::uint64_t last, const std::function<void()>& meanwhile) {
  std::vector<std::jthread> senders;
  for (collector& c : each_) senders.emplace_back([&, last, port] { c.run(port, last, on_acknowledged, on_refusal); });
  if (meanwhile) meanwhile();
}

comparison collectors::compare(http_client& api) const {
  comparison found;
  for (const collector& c : each_) found += c.compare(api);
  return found;
}

std::uint64_t collectors::most_bodies() const {
  std::uint64_t most = 0;
  for (const collector& c : each_) most = std::max(most, c.bodies());
  return most;
}

outcome outcome_of(http_client& api, const collectors& from) {
  await_processed(api);
  outcome out = findings_at_once(api);
  auto raised = alerts(api);
  std::move(raised.begin(), raised.end(), std::back_inserter(out));
  for (const collector& c : from.each())
    for (const auto sensor : c.sensors()) {
      add(out, api, fmt::format("/api/sensors/{}/status", sensor), {"watermark", "count_window", "time_window"});
      add(out, api, fmt::format("/api/sensors/{}/stats", sensor), {"count", "min", "max", "first", "last"});
      add(out, api, fmt::format("/api/sensors/{}/aggregate?step=1m&fn=count,min,max,first,last", sensor), {"series"});
      add(out, api, fmt::format("/api/sensors/{}/latest", sensor), {"id", "value"});
    }
  std::sort(out.begin(), out.end());
  return out;
}

outcome undisturbed_outcome(const collectors& from, std::uint64_t bodies) {
  fresh_daemon calm;
  {
    http_client api(calm->api_port());
    const collectors same(api);
    for (const collector& c : same.each())
      for (std::uint64_t index = 0; index < bodies; ++index) store(api, c.body(index));
  }
  calm->restart();
  http_client api(calm->api_port());
  return outcome_of(api, from);
}

std::size_t difference(const outcome& a, const outcome& b) {
  outcome only;
  std::set_symmetric_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(only));
  return only.size();
}

}  // namespace factory::test
