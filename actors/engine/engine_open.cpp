#include <spdlog/spdlog.h>

#include <algorithm>
#include <deque>
#include <thread>
#include <utility>
#include <vector>

#include "actors/engine/engine_impl.hpp"
#include "actors/engine/limits.hpp"
#include "actors/engine/spare_heap.hpp"
#include "actors/jobs/job_runner.hpp"

namespace factory {

namespace {

constexpr std::int64_t drain_deadline_ms = 60'000;
constexpr std::int64_t stream_drain_deadline_ms = 5'000;
constexpr auto housekeeping_turn = std::chrono::seconds(1);
constexpr int turns_per_series = 30;

std::size_t worker_threads_of(const engine_config& config) {
  return config.worker_threads != 0 ? config.worker_threads : std::max(1U, std::thread::hardware_concurrency());
}

/// Recovery must not outrun the actors: it waits for credits where a gateway would answer 503.
std::shared_ptr<void> wait_for_credit(credit_pool& credits, const progress& flows, std::uint64_t readings) {
  for (;;) {
    if (auto hold = credits.take(readings, 0)) return hold;
    if (flows.idle()) return credits.take_anyway(readings, 0);
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

}  // namespace

engine::engine(std::unique_ptr<impl> opened) : impl_(std::move(opened)) {}
engine::~engine() {
  if (impl_) stop();
}

expected<std::unique_ptr<engine>> engine::open(engine_config config) {
  auto parts = std::make_unique<impl>(std::move(config));
  if (auto opened = parts->open(); !opened) {
    parts->close();
    return tl::unexpected(opened.error());
  }
  return std::unique_ptr<engine>(new engine(std::move(parts)));
}

expected<void> engine::impl::open() {
  auto opened = database::open(config.data_dir, {});
  if (!opened) return tl::unexpected(opened.error());
  db = std::move(*opened);
  entities = std::make_unique<catalog>(*db, usual_detection{stream_rules_of(config), config.machine_detector});
  if (auto loaded = entities->load(); !loaded) return loaded;
  tokens = std::make_unique<token_store>(*db);
  if (auto loaded = tokens->load(); !loaded) return loaded;
  audit = std::make_unique<audit_log>(*db);
  if (auto loaded = audit->load(); !loaded) return loaded;
  events = std::make_unique<event_log>(*db);
  notifications = std::make_unique<notify_store>(*db);
  series = std::make_unique<time_series>(*db);
  aggregates = std::make_unique<range_aggregates>(*db, *series);
  corrections = std::make_unique<correction_store>(*db);
  if (auto loaded = corrections->load(); !loaded) return loaded;
  annotations = std::make_unique<annotation_store>(*db);
  if (auto loaded = annotations->load(); !loaded) return loaded;
  control_limits = std::make_unique<spc_limit_store>(*db);
  if (auto loaded = control_limits->load(); !loaded) return loaded;
  for (const auto& [sensor, frozen] : control_limits->all_in_force()) entities->hold_control_limits(sensor, basis_of(frozen));
  states = std::make_unique<state_store>(*db);
  entries = std::make_unique<journal>(*db);
  writer = std::make_unique<store_writer>(*db, *events);
  writer->start();
  sql_mirror = std::make_unique<mirror>(db->directory() / "mirror.sqlite", *entities, *events);
  sql_mirror->start();
  credits = std::make_shared<credit_pool>(config.in_flight_readings != 0 ? config.in_flight_readings : limits::in_flight_readings,
                                          limits::in_flight_bytes);
  credits->start_clock();
  runtime = std::make_unique<actor_runtime>(worker_threads_of(config));

  population_config population;
  population.rules = stream_rules_of(config);
  population.shards = config.analysis_actors != 0 ? config.analysis_actors : worker_threads_of(config);
  behind_sensors = std::make_unique<journal_source>(
      *states, *entries, [this](std::function<void()> reached) { writer->barrier(std::move(reached)); });
  sensors = std::make_unique<sensor_population>(runtime->system(), counts, population, hand_over(), *behind_sensors);
  if (auto recovered = recover(); !recovered) return recovered;
  if (auto opened_streams = open_streams(); !opened_streams) return opened_streams;

  entries->start([this](std::span<const journal_entry* const> group) {
    sensors->dispatch(group, entities->known_sensors().get());
    streams->dispatch(group);
  });
  if (auto started = start_streams(); !started) return started;
  if (auto told = tell_suppressions(); !told) return told;
  const auto due_us = [this] {
    const auto of_sensors = sensors->ticks().due_us(), of_streams = streams->due_us();
    return of_sensors && of_streams ? std::min(of_sensors, of_streams) : of_sensors ? of_sensors : of_streams;
  };
  clock = std::make_unique<ticker>(due_us, wall_clock_us, [this](std::int64_t now_us) { commit_tick(now_us); });
  housekeeper = std::thread([this] { keep_house(); });
  return start_jobs();
}

/// Of machines that stood still when an older program wrote them: from here on nobody is told of their alerts.
expected<void> engine::impl::tell_suppressions() {
  for (const machine_id id : entities->untold_machines()) {
    const std::lock_guard one(changes);
    auto staged = entities->find_machine(id).and_then([this](const machine_entry& it) { return entities->stage_update(it); });
    if (!staged) return tl::unexpected(std::move(staged.error()));
    if (auto done = commit(std::move(*staged)); !done) return done;
  }
  return {};
}

expected<void> engine::impl::start_jobs() {
  rollups = std::make_unique<rollup_store>(*db);
  job_records = std::make_unique<job_store>(*db);
  if (auto loaded = job_records->load(); !loaded) return loaded;
  const auto cut = [this](sensor_id sensor, const time_range& range) {
    return view(sensor, range).map([&](sensor_view seen) {
      seen.cut.corrections = corrections->overlay_of(sensor);
      return std::move(seen.cut);
    });
  };
  const auto drop_events = [this](std::int64_t border_us, const std::atomic<bool>& stop) {
    sql_mirror->drop_before(border_us);
    return events->drop_before(border_us, stop);
  };
  const job_parts parts{*entities, *events, *series, *rollups, *job_records, cut, wall_clock_us, drop_events};
  jobs = make_job_service(runtime->system(), parts, config.jobs);
  start_past(parts);
  return start_backtests();
}

/// Its thread has the lowest priority. So it asks a sensor by way of the workers and never runs its actor itself, and it never sends what is in line: the
/// committer would wait for it. What was acknowledged before the backtest was asked for is in the mailboxes by then.
expected<void> engine::impl::start_backtests() {
  const auto read = [this](sensor_id sensor, const time_range& range, std::size_t about,
                           bool descending) -> expected<reading_run> {
    const auto wanted = visible(sensor, range);
    auto asked = sensors->ask_from_behind(sensor, wanted);
    if (!asked) return tl::unexpected(asked.error());
    auto seen = asked->wait_for(limits::query_deadline_ms);
    if (!seen) return tl::unexpected(seen.error());
    seen->cut.corrections = corrections->overlay_of(sensor);
    return series->read_on(seen->cut, wanted, about, descending);
  };
  const auto in_force = [this] {
    sensors->pass_on();
    const auto copied = [this]() -> expected<std::unique_ptr<catalog>> {
      auto copy = std::make_unique<catalog>(*db, entities->usual());
      if (auto loaded = copy->load(); !loaded) return tl::unexpected(std::move(loaded.error()));
      return copy;
    };
    return backtest_sources{*entities,      *events, pipelines->all(),
                            watches->all(), copied,  [this](sensor_id sensor) { return corrections->overlay_of(sensor); }};
  };
  backtest_records = std::make_unique<backtest_store>(*db);
  auto made = make_backtest_service({in_force, stream_rules_of(config), read, wall_clock_us, worker_threads_of(config)},
                                    *backtest_records);
  if (!made) return tl::unexpected(std::move(made.error()));
  backtests = std::move(*made);
  return {};
}

/// Not fsynced: what a tick brings about is written behind it, and a power cut takes neither or only what is newer.
void engine::impl::commit_tick(std::int64_t now_us) {
  journal_entry entry;
  entry.received_at_us = now_us;
  entry.tick = true;
  if (auto done = entries->append(std::move(entry), durability::buffered); !done)
    spdlog::debug("no tick: {}", done.error().message);
}

persistence engine::impl::hand_over() {
  persistence to;
  to.save_sensor = [this](saved_sensor snapshot, std::function<void()> written) {
    // Bytes that wait for the disk count as bytes in flight: a slow disk slows the edge, not the actors.
    std::uint64_t bytes = snapshot.state.size();
    for (const auto& each : snapshot.blocks) bytes += each->bytes.size();
    auto hold = credits->take_anyway(0, bytes);
    writer->write(std::move(snapshot), [written = std::move(written), hold = std::move(hold)] { written(); });
  };
  to.write_events = [this](std::vector<event> found) { writer->write(std::move(found), nullptr); };
  to.tell_shelves = [this](sensor_id sensor, std::vector<shelf> on) { shelves.put(sensor, std::move(on)); };
  return to;
}

/// Every sensor starts from its stored state. Then it gets the journal's later entries, the same way as live readings.
expected<void> engine::impl::recover() {
  const auto started = std::chrono::steady_clock::now();
  const auto known = entities->known_sensors();
  std::vector<sensor_id> orphans;
  std::vector<bool> restored(known->bound());
  auto visited = states->visit([&](sensor_id sensor, state_store::stored stored) {
    if (!known->contains(sensor)) {
      orphans.push_back(sensor);
      return;
    }
    restored[sensor] = true;
    sensors->start(sensor, stored.applied_sequence, std::make_shared<const std::string>(std::move(stored.state)));
  });
  if (!visited) return visited;
  // A crash came between the commit of these sensors' deletion and its clean-up.
  for (const auto sensor : orphans) {
    if (auto removed = rollup_store(*db).remove_sensor(sensor); !removed) return removed;
    if (auto removed = series->remove_sensor(sensor); !removed) return removed;  // last: the next recovery finds it by its state
  }
  for (sensor_id sensor = 1; sensor < known->bound(); ++sensor)
    if (known->contains(sensor) && !restored[sensor]) sensors->start(sensor, 0, nullptr);

  if (auto taken_up = take_up_what_was_set_aside(); !taken_up) return taken_up;
  auto replayed = entries->replay(entries->floor() + 1, [&](const journal_entry& stored) { pass_again(stored); });
  if (!replayed) return replayed;
  while (!sensors->wait_until_idle(drain_deadline_ms)) spdlog::info("recovery: still working through the journal");
  if (auto stored = reach_store(drain_deadline_ms); stored) stored = end_findings_of_deleted();
  recovery_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  if (recovered_readings != 0)
    spdlog::info("recovered {} readings from the journal in {:.2f} s", recovered_readings, recovery_seconds);
  return {};
}

/// Sends a stored entry to the sensors, which skip what their states have seen.
void engine::impl::pass_again(const journal_entry& stored) {
  auto entry = stored;
  if (entry.readings) {
    entry.hold = wait_for_credit(*credits, sensors->counts(), entry.readings->size());
    recovered_readings += entry.readings->size();
  }
  if (entry.tick && sensors->ticks().size() >= limits::ticks_kept) sensors->wait_until_idle(drain_deadline_ms);
  const auto* const alone = &entry;
  sensors->dispatch({&alone, 1}, nullptr);
}

/// For sensors that stayed down before this start. Its ticks go first: the entries find them in the book.
expected<void> engine::impl::take_up_what_was_set_aside() {
  std::deque<tick> old;
  auto read = entries->read_aside([&](const journal_entry& entry) {
    if (!entry.tick) return;
    old.push_back({entry.sequence, entry.received_at_us});
    if (old.size() > limits::ticks_kept) old.pop_front();
  });
  if (!read) return read;
  if (!old.empty()) sensors->look_again_at({old.begin(), old.end()});
  return entries->read_aside([&](const journal_entry& entry) {
    if (!entry.tick) pass_again(entry);
  });
}

void engine::stop() {
  if (impl_->stopping.exchange(true)) return;
  impl_->close();
}

void engine::impl::close() {
  stopping = true;
  backtests.reset();
  if (past) past->stop();
  jobs.reset();
  {
    const std::lock_guard lock(housekeeper_mutex);
    housekeeper_ends = true;
  }
  housekeeper_wakes.notify_all();
  if (housekeeper.joinable()) housekeeper.join();
  clock.reset();
  room_giver_ends = true;
  if (room_giver.joinable()) room_giver.join();
  const bool served = entries && sensors && runtime && recovery_seconds != 0;
  // What pipelines still have to write goes into the journal, or stays in their states and is written at the next start.
  if (served && streams && !streams->wait_until_idle(stream_drain_deadline_ms))
    spdlog::info("stopping before pipelines have caught up");
  if (entries) entries->stop();
  if (credits) credits->stop_clock();
  if (served) {
    if (!sensors->wait_until_idle(drain_deadline_ms))
      spdlog::warn("stopping with readings not yet processed; the journal has them");
    send_series();
    if (auto stored = checkpoint(); !stored)
      spdlog::warn("no checkpoint at the stop: {}; the journal has all of it", stored.error().message);
  }
  // Actors go before the writer, because they hand work to it.
  streams.reset();
  sensors.reset();
  runtime.reset();
  if (writer) writer->stop();
  if (sql_mirror) sql_mirror->stop();
}

void engine::impl::keep_house() {
  spare_heap spare;
  bool older_events = true;  // that are not quick to search yet
  std::unique_lock lock(housekeeper_mutex);
  for (int turn = 1; !housekeeper_wakes.wait_for(lock, housekeeping_turn, [this] { return housekeeper_ends; }); ++turn) {
    lock.unlock();
    follow_changes();  // before a checkpoint: instances that do not run hold nothing in the journal
    // A full journal takes nothing in, so it never grows to the next checkpoint.
    if (journal_is_full || entries->bytes_above_floor() >= bytes_after_checkpoint.load() + checkpoint_bytes())
      if (auto stored = checkpoint(); !stored) spdlog::warn("checkpoint: {}", stored.error().message);
    watch_journal();
    finish_deletions();
    if (older_events) older_events = events->index_older().value_or(false);
    if (turn % turns_per_series == 0) send_series();
    if (db->room_is_due() && !giving_room_back) give_room_back();
    if (spare.due(entries->last_sequence())) spare_heap::give_back();
    lock.lock();
  }
}

/// Frees the bytes of what was deleted: a checkpoint trims it from the journal, then the files give it up.
void engine::impl::give_room_back() {
  if (room_giver.joinable()) room_giver.join();
  giving_room_back = true;
  room_giver = std::thread([this] {
    if (auto stored = checkpoint(); !stored) spdlog::warn("checkpoint: {}", stored.error().message);
    if (auto given = db->give_room_back(room_giver_ends); !given) spdlog::warn("{}", given.error().message);
    giving_room_back = false;
  });
}

/// Of sensors whose deletion was committed after its caller had given up.
void engine::impl::finish_deletions() {
  std::set<sensor_id> gone;
  {
    const std::lock_guard lock(housekeeper_mutex);
    const auto known = entities->known_sensors();
    for (const auto sensor : perhaps_deleted)
      if (!known->contains(sensor)) gone.insert(sensor);
    for (const auto sensor : gone) perhaps_deleted.erase(sensor);
  }
  for (const auto sensor : gone)
    if (auto done = clear_away(sensor); !done) {
      spdlog::warn("deleting sensor {} is not done yet: {}", sensor, done.error().message);
      const std::lock_guard lock(housekeeper_mutex);
      perhaps_deleted.insert(sensor);
    }
}

/// Changes that were committed after their callers had given up: pipelines and machine detectors follow them.
void engine::impl::follow_changes() {
  if (!is_to_follow_changes.exchange(false)) return;
  if (auto done = start_streams(); !done) {
    spdlog::warn("pipelines do not follow a change yet: {}", done.error().message);
    is_to_follow_changes = true;
  }
}

/// Updates the mirror's table `series` for sensors that applied an entry since the last call.
void engine::impl::send_series() {
  std::vector<series_row> rows;
  const auto known = entities->known_sensors();
  series_sent.resize(known->bound());
  for (sensor_id sensor = 1; sensor < known->bound(); ++sensor) {
    if (!known->contains(sensor)) continue;
    const auto now = view(sensor, {0, 0}, view_more::status);
    if (!now || !now->latest || now->status->applied_sequence == series_sent[sensor]) continue;
    series_sent[sensor] = now->status->applied_sequence;
    const auto& status = *now->status;
    rows.push_back({sensor, status.accepted - status.duplicate - status.corrected, status.oldest_us, now->latest->event_time_us,
                    now->latest->value});
  }
  if (!rows.empty()) sql_mirror->put_series(std::move(rows));
}

std::uint64_t engine::impl::checkpoint_bytes() const {
  return config.journal_bytes_per_checkpoint != 0 ? config.journal_bytes_per_checkpoint : limits::journal_bytes_per_checkpoint;
}

/// While a sensor stays down, each checkpoint sets its entries aside. At a bound its readings are refused. Where setting aside itself fails,
/// the journal keeps all, and at its own bound all readings are refused, so that it neither fills the disk nor makes the next start long. Likewise
/// where pipelines are so far behind.
void engine::impl::watch_journal() {
  const auto down = sensors->failed();
  const bool at_bound = entries->bytes_above_floor() >= limits::journal_checkpoints_held * checkpoint_bytes();
  const bool journal_full = at_bound && (!down.empty() || streams->is_behind());
  if (journal_full != journal_is_full.exchange(journal_full) && journal_full) {
    if (down.empty())
      spdlog::error("pipelines are far behind and hold the journal at its bound: readings are refused until they have caught up");
    else
      spdlog::error("sensor {} stays down and holds the journal at its bound: readings are refused", *down.begin());
  }
  const auto bound = config.set_aside_bytes != 0 ? config.set_aside_bytes : limits::set_aside_bytes;
  const bool aside_full = !down.empty() && entries->aside_bytes() >= bound;
  if (aside_full != aside_is_full.exchange(aside_full) && aside_full)
    spdlog::error("sensor {} stays down, and no more of its readings can be set aside: they are refused", *down.begin());
}

/// Moves the journal's floor. Entries up to the floor must be part of every sensor's stored state, or set aside for it. So the order is:
/// store the states, wait for the store_writer's barrier, move the floor.
expected<void> engine::impl::checkpoint() {
  const std::lock_guard one(checkpointing);
  auto target = sensors->pass_on();
  if (target <= entries->floor() && entries->aside_bytes() == 0) return {};
  spdlog::debug("checkpoint: begins at entry {}", target);
  const auto hopeless = [this] { return db->refuses_writes() || writer->health(); };
  if (hopeless() || !sensors->persist_all(drain_deadline_ms, hopeless))
    return fail(errc::unavailable, "not every sensor's state could be stored; the journal keeps what they have seen");
  if (streams && !streams->persist_all(drain_deadline_ms, hopeless))
    return fail(errc::unavailable, "not every pipeline's state could be stored; the journal keeps what they have seen");
  auto [reached, waiter] = reply<bool>::make();
  writer->barrier([reached = std::move(reached)] { reached.set(true); });
  if (auto done = waiter.wait_for(drain_deadline_ms, hopeless); !done) return tl::unexpected(done.error());
  const auto down = sensors->failed();
  if (streams) target = std::max(streams->floor(target), entries->floor());
  if (auto trimmed = entries->trim(target, down); !trimmed) return trimmed;
  if (down.empty() && entries->aside_bytes() != 0)  // all sensors' states have seen it
    if (auto dropped = entries->drop_aside(); !dropped) return dropped;
  bytes_after_checkpoint = entries->bytes_above_floor();
  checkpoints.fetch_add(1);
  spdlog::debug("checkpoint: done");
  return {};
}

}  // namespace factory
