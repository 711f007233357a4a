#include "actors/backtest/past_streams.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "actors/streams/derived_writer.hpp"
#include "actors/streams/machine_actor.hpp"
#include "actors/streams/stream_actor.hpp"
#include "actors/streams/watch_rows.hpp"

namespace factory {

namespace {

/// A watch gets its rows in steps of this length: it is made for the few cells that may still change, not for those of weeks.
constexpr std::int64_t watch_step_us = 256 * machine_cell::length_us;

/// The rows that an entry has of one source.
void add_rows(stream_entries& to, const journal_entry& entry, const slice& rows, std::uint32_t source) {
  const auto times = entry.readings->times(rows);
  const auto values = entry.readings->values(rows);
  const auto flags = entry.readings->flags_of(rows);
  const auto begin = static_cast<std::uint32_t>(to.values.size());
  to.times_us.insert(to.times_us.end(), times.begin(), times.end());
  to.values.insert(to.values.end(), values.begin(), values.end());
  if (!flags.empty()) {
    to.flags.resize(begin);
    to.flags.insert(to.flags.end(), flags.begin(), flags.end());
  }
  const auto end = static_cast<std::uint32_t>(to.values.size());
  to.parts.push_back(
      {.sequence = entry.sequence, .received_at_us = entry.received_at_us, .source = source, .begin = begin, .end = end});
}

}  // namespace

past_streams::past_streams(caf::actor_system& system, const std::vector<backtest_stream>& all, teller tell)
    : tell_(std::move(tell)),
      supervisor_(system.spawn(supervisor, [ends = ends_](const failed_actor&) { ends->failed = true; })) {
  all_.resize(all.size());
  std::vector<std::pair<sensor_id, std::size_t>> filled;  // by which level
  const auto level_of = [&](sensor_id sensor) {
    const auto at = std::ranges::find(filled, sensor, &std::pair<sensor_id, std::size_t>::first);
    return at == filled.end() ? std::size_t{0} : at->second + 1;
  };
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto& made = all_[i];
    std::vector<bool> lags;
    for (const auto sensor : all[i].sources) {
      const auto level = all[i].draft ? level_of(sensor) : 0;
      lags.push_back(level > 0);
      made.level = std::max(made.level, level);
    }
    if (made.level > 0 || all[i].is_watch()) made.merge = std::make_unique<source_merge>(std::move(lags));
    levels_ = std::max(levels_, made.level + 1);
    for (const auto sensor : all[i].sinks)
      if (all[i].draft && sensor != 0) filled.emplace_back(sensor, made.level);
    spawn(made, all[i], system);
    for (std::uint32_t source = 0; source < all[i].sources.size(); ++source) {
      const auto sensor = all[i].sources[source];
      if (sensor >= routes_.size()) routes_.resize(sensor + 1U);
      routes_[sensor].push_back({&made, source});
    }
  }
}

past_streams::~past_streams() {
  const auto shutdown = caf::exit_reason::user_shutdown;
  caf::anon_send_exit(supervisor_, shutdown);
  for (const auto& each : all_) caf::anon_send_exit(each.actor, shutdown);
}

void past_streams::spawn(instance& it, const backtest_stream& of, caf::actor_system& system) {
  it.live = std::make_shared<live_stream>();
  it.live->key = of.key;
  it.live->spec = of.spec;
  it.live->sources = of.sources;
  it.live->sensitivity = of.sensitivity;
  it.live->sinks = of.draft ? of.sinks : std::vector<sensor_id>();  // what is in force has filled its sensors live
  stream_ports ports;
  ports.put_derived = [ends = ends_](derived_readings made) {
    auto batch = joined({&made, 1});
    {
      const std::lock_guard lock(ends->mutex);
      ends->derived.push_back(std::move(batch));
    }
    made.by->written.store(made.number);
  };
  ports.save = [](const saved_stream&, const std::function<void()>& written) { written(); };
  ports.write_events = [tell = tell_, &of](std::vector<event> found) { tell(of, std::move(found)); };
  it.actor = it.live->is_watch() ? system.spawn(machine_actor, it.live, std::move(ports), stream_times())
                                 : system.spawn(stream, it.live, std::move(ports), stream_times());
  caf::anon_send(supervisor_, watch_order{watch_order::kind::sensor, 0, caf::actor_cast<caf::strong_actor_ptr>(it.actor)});
  caf::anon_send(it.actor, stream_restore{0, nullptr, hold(0)});
  caf::anon_send(it.actor, stream_caught_up{hold(0)});
}

void past_streams::give_to(const route& to, const journal_entry& entry, const slice& rows) {
  auto& [it, source] = to;
  if (it->live->is_watch()) {
    stream_entries newest;
    const auto rests = rests_.find(rows.sensor);
    add_newest_of_cells(newest, entry.readings->times(rows), entry.readings->values(rows), entry.readings->flags_of(rows),
                        rests == rests_.end() ? nullptr : &rests->second);
    if (!newest.flags.empty()) newest.flags.resize(newest.values.size());
    it->merge->put(source, newest.times_us, newest.values, newest.flags);
    return;
  }
  if (it->merge) {
    it->merge->put(source, entry.readings->times(rows), entry.readings->values(rows), entry.readings->flags_of(rows));
    return;
  }
  if (!it->next) it->next = std::make_shared<stream_entries>();
  add_rows(*it->next, entry, rows, source);
}

void past_streams::give(const journal_entry& entry, std::int64_t until_us) {
  newest_us_ = std::max(newest_us_, std::min(entry.received_at_us, until_us));
  for (auto& each : all_)
    if (each.merge) each.merge->pass_time(until_us);
  give_derived(entry);
}

/// As if they had come when the newest reading was made.
void past_streams::give_derived(const journal_entry& entry) {
  auto own = entry;
  own.sequence = ++sequence_;
  own.received_at_us = newest_us_;
  for (const auto& rows : own.readings->slices) {
    if (rows.sensor >= routes_.size()) break;  // sorted by sensor
    for (const auto& to : routes_[rows.sensor]) give_to(to, own, rows);
  }
  for (auto& each : all_) {
    if (each.live->is_watch()) {
      send_in_steps(each);
      continue;
    }
    if (each.merge) {
      each.next = std::make_shared<stream_entries>();
      if (!each.merge->take(own.sequence, own.received_at_us, *each.next)) each.next.reset();
    }
    send(each);
  }
}

std::vector<reading_batch> past_streams::take_derived() {
  const std::lock_guard lock(ends_->mutex);
  return std::exchange(ends_->derived, {});
}

void past_streams::flush(std::size_t level) {
  ++sequence_;
  for (auto& each : all_) {
    if (!each.merge || each.level != level) continue;
    each.next = std::make_shared<stream_entries>();
    if (!each.merge->take_all(sequence_, newest_us_, *each.next)) each.next.reset();
    send(each);
  }
}

void past_streams::pass_time(std::size_t level, std::int64_t now_us) {
  ++sequence_;
  for (auto& each : all_) {
    if (each.live->is_watch() || each.level != level) continue;
    each.next = std::make_shared<stream_entries>();
    each.next->parts.push_back(
        {.sequence = sequence_, .received_at_us = now_us, .source = stream_entries::tick, .begin = 0, .end = 0});
    send(each);
  }
}

void past_streams::send_in_steps(instance& to) {
  for (auto from_us = to.merge->oldest_us(); from_us; from_us = to.merge->oldest_us()) {
    to.next = std::make_shared<stream_entries>();
    to.merge->take_until(*from_us + watch_step_us, ++sequence_, newest_us_, *to.next);
    send(to);
  }
}

/// So many readings are under way as long as the pointer lives.
std::shared_ptr<void> past_streams::hold(std::uint64_t readings) const {
  ends_->counts.dispatched(readings);
  return {static_cast<void*>(ends_.get()), [ends = ends_, readings](void*) { ends->counts.processed(readings); }};
}

void past_streams::send(instance& to) {
  const auto next = std::exchange(to.next, nullptr);
  if (!next) return;
  next->credit = hold(next->values.size());
  caf::anon_send(to.actor, std::move(*next));
}

}  // namespace factory
