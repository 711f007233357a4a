#include "storage/mirror/mirror.hpp"

#include "storage/mirror/mirror_file.hpp"

#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>

namespace factory {

namespace {

using steady = std::chrono::steady_clock;
constexpr std::size_t events_per_transaction = 2'000;
constexpr std::chrono::milliseconds between_turns{50};  // changes within this time share a commit
constexpr std::chrono::seconds between_tries{1};
constexpr std::chrono::seconds catching_up_at_stop{5};  // the next start does the rest

std::uint64_t missing(std::uint64_t newest, std::uint64_t copied) { return newest > copied ? newest - copied : 0; }

}  // namespace

/// The thread owns `file`; `guard` protects the rest.
struct mirror::impl {
  impl(std::filesystem::path path, const catalog& c, const event_log& e)
      : entities(c), events(e), file(std::move(path), c.store_id()), feed(e.subscribe(0, [this] { move_on(); })) {}
  const catalog& entities;
  const event_log& events;
  mirror_file file;
  std::thread thread;

  std::mutex guard;
  std::condition_variable wake, turned;
  bool stopping = false, dirty = true;
  std::uint64_t requested = 0, completed = 0;  // flushes
  std::vector<series_row> series;              // newest row of each sensor, by id, for a rebuild; id 0: none
  std::set<sensor_id> series_due;              // not yet in the file
  std::optional<std::int64_t> drop_before_us;  // findings that were over by then are still to be deleted
  steady::time_point deadline = steady::time_point::max();
  std::string last_complaint;  // so that the same error is logged once
  std::atomic<std::uint64_t> catalog_version{0}, event_sequence{0}, rebuilds{0};
  std::unique_ptr<event_subscription> feed;  // last: it goes before what it wakes

  mirror_place newest() const { return {entities.version(), events.last_sequence()}; }
  void move_on() {
    const std::lock_guard lock(guard);
    dirty = true;
    wake.notify_one();
  }
  void publish() {
    catalog_version = file.place().catalog_version;
    event_sequence = file.place().event_sequence;
    rebuilds = file.rebuild_count();
  }
  bool ready();
  bool follow();
  bool write_transaction(const std::vector<event>& page, const std::vector<series_row>& rows);
  bool drop_old();
  std::vector<series_row> take_series();
  void complain();
  void run();
};

/// Makes sure that the open file is still the one at its path. Otherwise opens or rebuilds it, and all series rows are due again.
bool mirror::impl::ready() {
  if (file.is_open() && !file.was_replaced() && !file.sql().damaged()) return true;
  const std::uint64_t before = file.rebuild_count();
  const bool opened =
      !file.is_open() ? file.open(newest()) : file.rebuild(file.sql().damaged() ? file.message() : "it was deleted or replaced");
  if (opened && file.rebuild_count() != before) {
    const std::lock_guard lock(guard);
    for (const series_row& row : series)
      if (row.sensor != 0) series_due.insert(row.sensor);
  }
  return opened;
}

std::vector<series_row> mirror::impl::take_series() {
  const auto known = entities.known_sensors();
  const std::lock_guard lock(guard);
  std::vector<series_row> rows;
  for (const sensor_id sensor : series_due) {
    if (known->contains(sensor)) {
      rows.push_back(series.at(sensor));
    } else {
      series[sensor] = {};
    }
  }
  series_due.clear();
  return rows;
}

bool mirror::impl::write_transaction(const std::vector<event>& page, const std::vector<series_row>& rows) {
  sqlite_file& sql = file.sql();
  mirror_place place = file.place();
  file.begin();
  if (place.catalog_version != entities.version()) {
    const catalog_delta delta = entities.changes_since(place.catalog_version);
    write_delta(sql, delta);
    place.catalog_version = delta.version;
  }
  for (const event& e : page) {
    place.event_sequence = e.sequence;
    if (e.key.kind == event_kind::anomaly && e.key.revision == 0) {  // nearly all: it says all that there is
      write_anomaly(sql, fold_finding({&e, 1}));
      continue;
    }
    if (!is_detector(e.key.source) && group_of(e.key.source) != source_group::limit) continue;
    if (!is_detector(e.key.source)) write_history(sql, e);
    const auto it = events.find(e.key);
    if (!it) {
      sql.rollback();
      return false;
    }
    if (!*it) continue;  // the clearing of an unknown alert has no row
    is_detector(e.key.source) ? write_anomaly(sql, **it) : write_alert(sql, **it);
  }
  for (const series_row& row : rows) write_series(sql, row);
  return file.commit(place);
}

bool mirror::impl::drop_old() {
  std::optional<std::int64_t> border_us;
  {
    const std::lock_guard lock(guard);
    border_us = std::exchange(drop_before_us, std::nullopt);
  }
  if (!border_us) return true;
  file.begin();
  drop_findings(file.sql(), *border_us);
  if (file.commit(file.place())) return true;
  const std::lock_guard lock(guard);
  if (!drop_before_us) drop_before_us = border_us;
  return false;
}

/// Brings the file up to the store's state at the call; false on an error, or when the time for a stop is over.
bool mirror::impl::follow() {
  if (!ready()) return false;
  const std::uint64_t target = events.last_sequence();
  std::vector<series_row> rows = take_series();
  bool first = true;
  while (first || file.place().event_sequence < target) {
    if (feed->cursor() != file.place().event_sequence) feed->seek(file.place().event_sequence);  // it was opened or made anew
    auto page = feed->next(events_per_transaction);
    if (!page || !write_transaction(*page, rows)) {
      const std::lock_guard lock(guard);
      for (const series_row& row : rows) series_due.insert(row.sensor);
      return false;
    }
    publish();
    rows.clear();
    first = false;
    if (page->empty()) break;
    const std::lock_guard lock(guard);
    dirty = true;  // the feed wakes only behind a page that came back empty: another turn asks for that one
    if (steady::now() > deadline) return false;
  }
  return drop_old();
}

void mirror::impl::complain() {
  if (file.message().empty() || file.message() == last_complaint) return;
  last_complaint = file.message();
  spdlog::warn("The SQLite mirror cannot be written ({}); tried again every second. The engine goes on without it.",
               last_complaint);
}

void mirror::impl::run() {
  if (file.is_open() && !file.check()) complain();
  publish();
  std::unique_lock lock(guard);
  while (true) {
    wake.wait(lock, [this] { return dirty || stopping; });
    const bool last = stopping;
    dirty = false;
    const std::uint64_t flushes = requested;
    lock.unlock();
    const bool done = follow();
    publish();
    done ? spdlog::debug("mirror: caught up") : complain();
    lock.lock();
    if (done) {
      last_complaint.clear();
      completed = flushes;
      turned.notify_all();
    }
    if (last) return;
    dirty = dirty || !done;
    wake.wait_for(lock, done ? between_turns : between_tries, [&] { return stopping || (done && requested > completed); });
  }
}

mirror::mirror(std::filesystem::path file, const catalog& entities, const event_log& events)
    : impl_(std::make_unique<impl>(std::move(file), entities, events)) {}
mirror::~mirror() { stop(); }

void mirror::start() {
  if (!impl_->file.open(impl_->newest())) impl_->complain();
  impl_->publish();
  impl_->thread = std::thread([this] { impl_->run(); });
}

void mirror::stop() {
  if (!impl_->thread.joinable()) return;
  {
    const std::lock_guard lock(impl_->guard);
    impl_->stopping = true;
    impl_->deadline = steady::now() + catching_up_at_stop;
  }
  impl_->wake.notify_all();
  impl_->thread.join();
  impl_->file.sql().close();
}

void mirror::notify() { impl_->move_on(); }

void mirror::put_series(const std::vector<series_row>& rows) {
  const std::lock_guard lock(impl_->guard);
  for (const series_row& row : rows) {
    if (row.sensor >= impl_->series.size()) impl_->series.resize(row.sensor + 1U);
    impl_->series[row.sensor] = row;
    impl_->series_due.insert(row.sensor);
  }
  impl_->dirty = true;
  impl_->wake.notify_one();
}

void mirror::drop_before(std::int64_t border_us) {
  {
    const std::lock_guard lock(impl_->guard);
    impl_->drop_before_us = border_us;
  }
  impl_->move_on();
}

bool mirror::flush(std::int64_t deadline_ms) {
  std::unique_lock lock(impl_->guard);
  const std::uint64_t mine = ++impl_->requested;
  impl_->dirty = true;
  impl_->wake.notify_one();
  return impl_->turned.wait_for(lock, std::chrono::milliseconds(deadline_ms), [&] { return impl_->completed >= mine; });
}

mirror::lag mirror::behind() const {
  return {missing(impl_->events.last_sequence(), impl_->event_sequence),
          missing(impl_->entities.version(), impl_->catalog_version)};
}

std::uint64_t mirror::rebuild_count() const { return impl_->rebuilds; }

}  // namespace factory
